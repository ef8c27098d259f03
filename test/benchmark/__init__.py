# SPDX-License-Identifier: Apache-2.0
"""Measure what the node costs, next to the least and to the obvious: fire_benchmark."""
