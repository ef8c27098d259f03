# SPDX-License-Identifier: Apache-2.0
"""Train, convert and measure models on a workstation; nothing here is installed on the robot."""
