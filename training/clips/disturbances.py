# SPDX-License-Identifier: Apache-2.0
"""What a detector should not take for fire: lamps that glow and blink, and frames gone wrong."""

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from training.clips.light import lit

# Red signal, red bulb and orange beacon, in BGR.
_LAMP_COLORS = ((30, 20, 255), (70, 60, 255), (20, 120, 255))
_LAMP_LENGTHS = (0.02, 0.07)
_FLASH_GAIN = 3.5
_WRONG_BY = 90


@dataclass(frozen=True)
class Lamp:
    """
    A lamp in a scene.

    :ivar scene: the still with the lamp on, uint8 of shape (height, width, 3), BGR.
    :ivar hertz: how often it blinks; 0 for one that is on throughout.
    """

    scene: NDArray[np.uint8]
    hertz: float

    def is_on(self, time: float) -> bool:
        """Return whether it is lit at a time in seconds."""
        return self.hertz == 0 or math.sin(math.tau * self.hertz * time) >= 0


def plan_lamp(still: NDArray[np.uint8], rng: np.random.Generator) -> Lamp:
    """
    Put a red or orange lamp into a scene.

    :param still: uint8 of shape (height, width, 3), BGR.
    :param rng: chooses its place, size, color and whether it blinks.
    """
    height, width = still.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    x, y = rng.uniform(0.3, 0.7) * width, rng.uniform(0.25, 0.75) * height
    radius = rng.uniform(*_LAMP_LENGTHS) * width
    distance = np.hypot(columns - x, rows - y)[..., np.newaxis] / radius
    color = np.array(_LAMP_COLORS[rng.integers(len(_LAMP_COLORS))], np.float32)
    glass = np.clip(4 * (1 - distance) + 0.5, 0, 1)
    # A bulb is overexposed in its middle, glows around, and lights what is near.
    bulb = color + (255 - color) * np.exp(-3 * distance ** 2)
    halo = 0.8 * np.exp(-distance ** 2 / 4) + 0.25 * np.exp(-distance / 4)
    glowing = still * (1 + 0.6 * halo * color / 255) + halo * color
    scene = glass * bulb + (1 - glass) * glowing
    hertz = float(rng.uniform(0.4, 2.0)) if rng.random() < 0.7 else 0.0
    return Lamp(np.rint(scene.clip(0, 255)).astype(np.uint8), hertz)


def spoil(frame: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """
    Make a frame go wrong: a photographer's flash, or data lost on the way from the sensor.

    :param frame: uint8 of shape (height, width, 3), BGR.
    :param rng: what chooses.
    :return: a frame of the same shape.
    """
    if rng.random() < 0.5:
        return lit(frame, (_FLASH_GAIN, _FLASH_GAIN, _FLASH_GAIN))
    height, width = frame.shape[:2]
    spoiled = frame.copy()
    start = int(rng.integers(height // 4, 3 * height // 4))
    # As a decoder shows what follows a lost block: shifted, and with one color wrong.
    rest = np.roll(frame[start:], int(rng.integers(width // 8, width // 2)), axis=1)
    wrong = int(rng.integers(3))
    rest[..., wrong] = np.minimum(rest[..., wrong].astype(np.int64) + _WRONG_BY, 255)
    spoiled[start:] = rest
    return spoiled
