# SPDX-License-Identifier: Apache-2.0
"""The executables that run under ROS."""
