# SPDX-License-Identifier: Apache-2.0
"""Run the detector over recordings, without ROS."""

PROGRAM = 'fire_replay'
