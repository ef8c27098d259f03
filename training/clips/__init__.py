# SPDX-License-Identifier: Apache-2.0
"""
Clips to measure alarms on: recorded ones, and ones made from still images.

Everywhere in this folder frames and stills are uint8 of shape (height, width, 3), BGR; `fps` is
frames a second, and `rng` or `seed` the source of every random choice.
"""
