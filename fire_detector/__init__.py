# SPDX-License-Identifier: Apache-2.0
"""Tell from a robot's camera images how likely it is that they show fire."""
