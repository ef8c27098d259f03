# SPDX-License-Identifier: Apache-2.0
"""
Changes of a robot's images, by the light, the lens or the mounting of its camera.

Light is added, lost and counted before a camera encodes it, so most changes are made in linear
light, by the curve of sRGB (IEC 61966-2-1). The camera is the Raspberry Pi's, whose numbers are in
the hardware specification of its documentation. The same image with the same index always gives
the same result.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
import math

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Light = NDArray[np.float32]
Change = Callable[[Pixels, np.random.Generator], Pixels]

UNCHANGED = 'unchanged'
SEED = 0
# Camera module 1, from its specification: what a pixel holds, and a gain that it is used with. So
# many electrons are white where automatic exposure is at its end.
WELL_ELECTRONS = 4300
GAIN = 8
WHITE_ELECTRONS = WELL_ELECTRONS / GAIN
# Not specified; a few electrons are usual for sensors of telephones.
READ_NOISE_ELECTRONS = 3.0
# At night, with the image made as bright as by day.
NIGHT_LIGHT = 1 / 8
# Two stops, as in a room with a window behind.
OVEREXPOSURE = 4.0
# The robot turns at 90 degrees a second; in a room, 30 images a second leave 1/30 s for each.
# Horizontal field of view of camera module 2.
BLUR_DEGREES = 90 / 30
VIEW_DEGREES = 62.2
JPEG_QUALITY = 30
# Light of 4000 K by that of 6500 K, which is white: red, green and blue of a black body by the
# approximation of B. Kang et al. (J. Korean Phys. Soc. 41, 2002), green as it is.
LAMP_GAINS = (1.53, 1.0, 0.578)
SPOTS, SPOT_RADIUS, SPOT_OPACITY = 14, (0.012, 0.05), (0.5, 0.95)
SMEARS, SMEAR_WIDTH, SMEAR_OPACITY = 4, (0.05, 0.12), (0.6, 0.95)
# In shares of the longer side: dirt is too close to the lens to be sharp.
SPOT_BLUR, SMEAR_BLUR, HAZE = 0.008, 0.02, 0.03
# What a greasy or dusty place shows of the light of the whole image.
SMEAR_VEIL, SPOT_VEIL = 0.3, 0.15

_CODES = np.arange(256) / 255
_TO_LIGHT = np.where(_CODES <= 0.04045, _CODES / 12.92,
                     ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)
# Fine enough for the steepest part of the curve, where 1/4096 is less than one code.
_STEPS = 4096
_SHADES = np.arange(_STEPS + 1) / _STEPS
_FROM_LIGHT = np.rint(255 * np.where(
    _SHADES <= 0.0031308, 12.92 * _SHADES,
    1.055 * np.maximum(_SHADES, 0.0031308) ** (1 / 2.4) - 0.055)).astype(np.uint8)


@dataclass(frozen=True)
class Corruption:
    """
    A change of images.

    :ivar title: its name in tables.
    :ivar detail: how much of it; may be empty.
    :ivar change: takes and returns RGB images of uint8, shape (height, width, 3), and leaves the
        one it takes as it is; the generator is the source of its choices.
    """

    title: str
    detail: str
    change: Change


def corrupt(name: str, pixels: Pixels, index: int) -> Pixels:
    """
    Change an image.

    :param name: a key of CORRUPTIONS.
    :param index: number of the image, from 0; another image has other noise and dirt.
    :return: uint8, RGB; of the same shape, but for a quarter turn.
    """
    # Views with their channels reversed, which images are, are not for OpenCV.
    changed = CORRUPTIONS[name].change(np.ascontiguousarray(pixels),
                                       np.random.default_rng((SEED, index)))
    return np.ascontiguousarray(changed)


def to_light(pixels: Pixels) -> Light:
    """Decode pixel values into linear light, 0..1, of the same shape."""
    return _TO_LIGHT[pixels]


def from_light(light: Light) -> Pixels:
    """Encode linear light as a camera does: what is outside 0..1 is clipped."""
    steps = np.rint(np.clip(light, 0, 1) * _STEPS).astype(np.uint16)
    return np.asarray(_FROM_LIGHT[steps], np.uint8)


def _unchanged(pixels: Pixels, _: np.random.Generator) -> Pixels:
    return pixels


def _expose(pixels: Pixels, rng: np.random.Generator, light: float,
            brightening: float = 1.0) -> Pixels:
    """Add the shot and read noise of less light (A. Foi et al., IEEE TIP 2008)."""
    electrons = rng.poisson(to_light(pixels) * (light * WHITE_ELECTRONS))
    noisy = electrons + rng.normal(0.0, READ_NOISE_ELECTRONS, pixels.shape)
    return from_light((noisy * (brightening / WHITE_ELECTRONS)).astype(np.float32))


def _amplify(pixels: Pixels, _: np.random.Generator, gains: tuple[float, ...]) -> Pixels:
    return from_light(to_light(pixels) * np.array(gains, np.float32))


def _motion_blur(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Spread every point along its row, as a turn of the robot does."""
    length = max(1, round(pixels.shape[1] * BLUR_DEGREES / VIEW_DEGREES))
    return from_light(np.asarray(cv2.blur(to_light(pixels), (length, 1),
                                          borderType=cv2.BORDER_REFLECT_101), np.float32))


def _jpeg(pixels: Pixels, _: np.random.Generator) -> Pixels:
    data = cv2.imencode('.jpg', pixels[:, :, ::-1],
                        [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1]


def _turn(pixels: Pixels, _: np.random.Generator, quarters: int) -> Pixels:
    return np.rot90(pixels, quarters)


def _gray(pixels: Pixels, _: np.random.Generator) -> Pixels:
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(np.repeat(gray[:, :, np.newaxis], 3, axis=2), np.uint8)


def _dirt(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Add grease, which blurs and veils, and specks, which block."""
    side = max(pixels.shape[:2])
    light = to_light(pixels)
    mean = light.mean(axis=(0, 1))
    hazy = cv2.GaussianBlur(light, (0, 0), HAZE * side)
    grease = _blurred_layer(pixels.shape, SMEAR_BLUR * side, SMEARS,
                            partial(_draw_smear, rng=rng, side=side))
    specks = _blurred_layer(pixels.shape, SPOT_BLUR * side, SPOTS,
                            partial(_draw_spot, rng=rng, side=side))
    greased = light + grease * ((1 - SMEAR_VEIL) * hazy + SMEAR_VEIL * mean - light)
    return from_light(greased + specks * (SPOT_VEIL * mean - greased))


def _blurred_layer(shape: tuple[int, ...], blur: float, marks: int,
                   draw_mark: Callable[[Light], None]) -> Light:
    """Return a layer of opacity 0..1, of shape (height, width, 1), with blurred marks."""
    layer = np.zeros(shape[:2], np.float32)
    for _ in range(marks):
        draw_mark(layer)
    blurred = cv2.GaussianBlur(layer, (0, 0), max(blur, 0.1))
    return np.asarray(blurred, np.float32)[:, :, np.newaxis]


def _draw_spot(layer: Light, rng: np.random.Generator, side: int) -> None:
    axes = (side * rng.uniform(*SPOT_RADIUS) * rng.uniform(0.6, 1.0, 2)).astype(int)
    cv2.ellipse(layer, _point(layer, rng), (max(1, int(axes[0])), max(1, int(axes[1]))),
                rng.uniform(0, 360), 0, 360, [rng.uniform(*SPOT_OPACITY)], cv2.FILLED)


def _draw_smear(layer: Light, rng: np.random.Generator, side: int) -> None:
    start, angle = _point(layer, rng), rng.uniform(0, 2 * math.pi)
    length = side * rng.uniform(0.3, 0.7)
    end = (round(start[0] + length * math.cos(angle)), round(start[1] + length * math.sin(angle)))
    cv2.line(layer, start, end, [rng.uniform(*SMEAR_OPACITY)],
             max(1, round(side * rng.uniform(*SMEAR_WIDTH))))


def _point(layer: Light, rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(layer.shape[1])), int(rng.integers(layer.shape[0]))


# By name, in the order of the tables; the images as they are come first.
CORRUPTIONS: dict[str, Corruption] = {
    UNCHANGED: Corruption('as they are', '', _unchanged),
    'quarter_light': Corruption('a quarter of the light', 'exposure and gain at their end',
                                partial(_expose, light=1 / 4)),
    'tenth_light': Corruption('a tenth of the light', 'exposure and gain at their end',
                              partial(_expose, light=1 / 10)),
    'overexposed': Corruption('over-exposed', f'{OVEREXPOSURE:g} times the light, clipped',
                              partial(_amplify, gains=(OVEREXPOSURE,) * 3)),
    'motion_blur': Corruption('motion blur', f'over {BLUR_DEGREES:g} of {VIEW_DEGREES} degrees',
                              _motion_blur),
    'jpeg': Corruption('coarse JPEG', f'quality {JPEG_QUALITY}', _jpeg),
    'sensor_noise': Corruption('sensor noise', f'gain {GAIN / NIGHT_LIGHT:g}',
                               partial(_expose, light=NIGHT_LIGHT,
                                       brightening=1 / NIGHT_LIGHT)),
    'warm': Corruption('too warm', 'lamps of 4000 K, balanced for daylight',
                       partial(_amplify, gains=LAMP_GAINS)),
    'cold': Corruption('too cold', 'daylight, balanced for lamps of 4000 K',
                       partial(_amplify, gains=tuple(1 / gain for gain in LAMP_GAINS))),
    'left': Corruption('turned to the left', '90 degrees', partial(_turn, quarters=1)),
    'right': Corruption('turned to the right', '90 degrees', partial(_turn, quarters=3)),
    'upside_down': Corruption('upside down', '', partial(_turn, quarters=2)),
    'lens_dirt': Corruption('a dirty lens', 'grease and specks', _dirt),
    'gray': Corruption('a gray camera', '', _gray),
}
