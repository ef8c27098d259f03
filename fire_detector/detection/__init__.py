# SPDX-License-Identifier: Apache-2.0
"""From a message of the camera to a detection: inference, alarm, statistics and health."""
