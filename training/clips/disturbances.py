# SPDX-License-Identifier: Apache-2.0
"""Disturbances of a scene: exposure, flicker, sunsets, red lamps, spoiled frames."""

from dataclasses import dataclass
import math

import cv2
import numpy as np
from numpy.typing import NDArray

FLICKER, SUNSET = 'flicker', 'sunset'
# Auto-exposure overshoots, and is right again with this time constant, in seconds.
_SETTLING = 0.35
_SECONDS_BETWEEN_STEPS = 4.0
# At the end of a sunset, of blue, green and red.
_SUNSET_GAINS = (0.50, 0.76, 1.10)
# Red signal, red bulb and orange beacon, in BGR.
_LAMP_COLORS = ((30, 20, 255), (70, 60, 255), (20, 120, 255))
_LAMP_LENGTHS = (0.02, 0.07)
_FLASH_GAIN = 3.5
_WRONG_BY = 90


@dataclass(frozen=True)
class Wave:
    """A wave of brightness about 1, with its amplitude, frequency, and phase in radians."""

    size: float
    hertz: float
    phase: float

    def at(self, time: float) -> float:
        """Return the brightness at a time in seconds."""
        return 1 + self.size * math.sin(math.tau * self.hertz * time + self.phase)


@dataclass(frozen=True)
class Light:
    """
    The changes of light in a shot.

    :ivar steps: times at which auto-exposure is suddenly wrong, and by which factor.
    :ivar waves: drift and flicker of the brightness.
    :ivar warmth: drift of the white balance to red and back.
    :ivar sunset: seconds from full daylight to the end of a sunset; 0 without one.
    """

    steps: tuple[tuple[float, float], ...]
    waves: tuple[Wave, ...]
    warmth: Wave
    sunset: float = 0.0

    def gains(self, time: float) -> tuple[float, float, float]:
        """Return the factors of blue, green and red at a time in seconds."""
        exposure = math.prod(wave.at(time) for wave in self.waves)
        for start, factor in self.steps:
            if time >= start:
                exposure *= factor ** math.exp((start - time) / _SETTLING)
        warmth = self.warmth.at(time)
        gone = min(time / self.sunset, 1.0) if self.sunset else 0.0
        blue, green, red = (1 + gone * (gain - 1) for gain in _SUNSET_GAINS)
        return exposure * blue / warmth, exposure * green, exposure * red * warmth


def plan_light(kind: str, seconds: float, rng: np.random.Generator,
               first_step: float | None = None) -> Light:
    """
    Choose how the light changes in a shot.

    :param kind: FLICKER, SUNSET, or anything else for a camera's own changes alone.
    :param first_step: factor by which the exposure is wrong at the start, as it is when a camera
        turns to something much brighter or darker.
    """
    times = rng.uniform(0, seconds, rng.poisson(seconds / _SECONDS_BETWEEN_STEPS)).tolist()
    steps = [(time, math.exp(rng.uniform(-0.5, 0.5))) for time in times]
    if first_step is not None:
        steps.append((0.0, first_step))
    waves = [_wave(rng, (0.02, 0.15), (0.05, 0.2))]
    if kind == FLICKER:
        waves += _flicker(rng)
    sunset = seconds * float(rng.uniform(0.5, 1.0)) if kind == SUNSET else 0.0
    return Light(tuple(steps), tuple(waves), _wave(rng, (0.0, 0.06), (0.05, 0.2)), sunset)


def _flicker(rng: np.random.Generator) -> list[Wave]:
    """Choose the beat of a lamp on mains with the shutter, or a candle's unsteady light."""
    if rng.random() < 0.5:
        return [_wave(rng, (0.10, 0.25), (0.5, 4.0))]
    return [_wave(rng, (0.05, 0.12), band) for band in ((0.6, 1.5), (2.0, 3.0), (3.5, 5.0))]


def _wave(rng: np.random.Generator, size: tuple[float, float],
          hertz: tuple[float, float]) -> Wave:
    return Wave(float(rng.uniform(*size)), float(rng.uniform(*hertz)),
                float(rng.uniform(0, math.tau)))


def expose(frame: NDArray[np.uint8], gains: tuple[float, float, float]) -> NDArray[np.uint8]:
    """
    Multiply a frame's colors, and clip what is brighter than white.

    :param gains: factors of blue, green and red.
    """
    table = np.arange(256, dtype=np.float32)[:, np.newaxis] * np.array(gains, np.float32)
    curves = np.rint(table.clip(0, 255)).astype(np.uint8)[np.newaxis]
    return np.asarray(cv2.LUT(frame, curves), np.uint8)


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
    """Render a red or orange lamp into a scene."""
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
    Spoil a frame by a photographer's flash, or by data lost on the way from the sensor.

    :return: a frame of the same shape.
    """
    if rng.random() < 0.5:
        return expose(frame, (_FLASH_GAIN, _FLASH_GAIN, _FLASH_GAIN))
    height, width = frame.shape[:2]
    spoiled = frame.copy()
    start = int(rng.integers(height // 4, 3 * height // 4))
    # As a decoder shows what follows a lost block: shifted, and with one color wrong.
    rest = np.roll(frame[start:], int(rng.integers(width // 8, width // 2)), axis=1)
    wrong = int(rng.integers(3))
    rest[..., wrong] = np.minimum(rest[..., wrong].astype(np.int64) + _WRONG_BY, 255)
    spoiled[start:] = rest
    return spoiled
