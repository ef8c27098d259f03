# SPDX-License-Identifier: Apache-2.0
"""The model on an emulated Raspberry Pi."""
