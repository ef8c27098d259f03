# SPDX-License-Identifier: Apache-2.0
"""Clips that alarms are tried on: recorded ones, and ones made from still images."""
