# SPDX-License-Identifier: Apache-2.0
"""Detect fire in the images of a robot's camera."""
