# SPDX-License-Identifier: Apache-2.0
"""
Sunsets, rendered into images of no fire.

To a network that has seen few of them, a window with an evening sky in a dark room is a fire.
"""

import colorsys

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

# The window's sides, as shares of the image's.
WINDOW_SIDE = (0.25, 0.9)
# Of the light in the room, to a camera that looks at a sunset.
ROOM_LEFT = (0.1, 0.7)
WARM_HUES = (-25.0, 60.0)  # degrees, from crimson over orange to yellow


def add_sunset(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """
    Render a sunset into a part of an image without fire, and darken the rest.

    :param pixels: uint8 of shape (height, width, 3), RGB.
    :param rng: chooses where, and what it looks like.
    :return: an image of the same shape.
    """
    height, width = pixels.shape[:2]
    rendered = rng.uniform(*ROOM_LEFT) * pixels.astype(np.float32)
    rows, columns = (round(rng.uniform(*WINDOW_SIDE) * side) for side in (height, width))
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    down = np.linspace(0, 1, rows)[:, np.newaxis, np.newaxis]
    across = np.linspace(0, 1, columns)[np.newaxis, :, np.newaxis]
    # From a darker upper sky to the brightest near the horizon, around the sun.
    sky = _warm(rng) * (1 - down) * rng.uniform(0.3, 1.0) + 1.2 * _warm(rng) * down
    sun = np.hypot((across - rng.random()) * columns, (down - rng.uniform(0.3, 1.1)) * rows)
    sky = sky + 255 * rng.uniform(0.3, 1.2) * np.exp(-sun / (rng.uniform(0.05, 0.4) * rows))
    # Bars and land stand before it.
    sky = sky * (np.abs(across * rng.integers(1, 7) % 1 - 0.5) > rng.uniform(-0.1, 0.1))
    land = rng.uniform(0.6, 1.1) + 0.04 * np.sin(across * rng.uniform(3, 20))
    sky = sky * (down < land)
    part = rendered[top:top + rows, left:left + columns]
    rendered[top:top + rows, left:left + columns] = sky + rng.uniform(0, 0.4) * part
    return np.asarray(np.clip(rendered, 0, 255), np.uint8)


def _warm(rng: np.random.Generator) -> NDArray[np.float32]:
    """Choose a color of the evening sky, 0 to 255."""
    hue = rng.uniform(*WARM_HUES) % 360 / 360
    return 255 * np.array(colorsys.hsv_to_rgb(hue, rng.uniform(0.5, 1.0), rng.uniform(0.6, 1.0)),
                          np.float32)
