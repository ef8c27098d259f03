# SPDX-License-Identifier: Apache-2.0
"""`fire_classify`, and what the command lines share."""
