# SPDX-License-Identifier: Apache-2.0
"""
Random variations of an image: its crop, colors, exposure, sharpness and noise.

Color is what separates fire: hue moves a little only. Each function takes, and
returns, uint8 images of shape (height, width, 3), RGB.
"""

from collections.abc import Callable
from dataclasses import dataclass
import math

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

# Smallest and largest part of the image's area in a view; above 1 mirrored at the rim, so
# that what is in the image, fires too, becomes smaller.
SMALLEST_CROP = 0.45
LARGEST_VIEW = 1.3
# Largest change of a crop's aspect ratio, as a factor.
STRETCH = 1.25
# Degrees to either side; a robot's camera is level but for bumps.
ROTATION = 12.0
HUE = 6.0  # degrees to either side, of 360
SATURATION = (0.6, 1.3)
GAIN = (0.35, 1.6)
GAMMA = (0.8, 1.25)
# Spread of the channels' gains, as a power of e: from daylight to lamps, and a camera that takes
# the one for the other.
WHITE_BALANCE = 0.12
BLUR_SIGMA = (0.4, 1.2)  # pixels of the network's input
NOISE_SIGMA = (2.0, 12.0)  # of 255
JPEG_QUALITY = (35, 90)


def view(pixels: Pixels, height: int, width: int, rng: np.random.Generator) -> Pixels:
    """
    Crop, mirror and turn an image at random, as seen from another place.

    :param pixels: uint8 of shape (any height, any width, 3), RGB; best about twice as large as
        the result, so that crops are not enlarged.
    :param height: rows of the result.
    :param width: columns of the result.
    :param rng: source of the choices.
    :return: uint8 of shape (height, width, 3), RGB.
    """
    return place(pixels, draw_placement(pixels.shape[1::-1], rng), height, width)


@dataclass(frozen=True)
class Placement:
    """
    A crop of an image, which may be mirrored and turned.

    :ivar center: x and y of its center, in pixels of the image.
    :ivar size: width and height, in pixels of the image.
    :ivar mirrored: whether left and right are exchanged.
    :ivar angle: radians by which it is turned about its center.
    """

    center: NDArray[np.float64]
    size: NDArray[np.float64]
    mirrored: bool
    angle: float

    def transform(self, height: int, width: int) -> NDArray[np.float64]:
        """Return the 2x3 matrix from a pixel (x, y, 1) of so large a result to the image's."""
        scale = self.size / (width, height)
        turn = np.array([[math.cos(self.angle), -math.sin(self.angle)],
                         [math.sin(self.angle), math.cos(self.angle)]])
        linear = turn * ((-1.0 if self.mirrored else 1.0) * scale[0], scale[1])
        return np.column_stack([linear, self.center - linear @ (width / 2, height / 2)])


def draw_placement(size: tuple[int, ...], rng: np.random.Generator) -> Placement:
    """
    Choose a part of an image at random.

    :param size: width and height of the image, in pixels.
    :param rng: source of the choices.
    """
    area = rng.uniform(SMALLEST_CROP, LARGEST_VIEW)
    stretch = STRETCH ** rng.uniform(-1.0, 1.0)
    share = math.sqrt(area) * np.array([stretch, 1 / stretch])
    center = np.array(size) * (0.5 + rng.uniform(-0.5, 0.5, 2) * np.abs(1 - share))
    return _at_random_angle(center, share * np.array(size), rng)


def draw_crop(size: tuple[int, ...], middle: tuple[float, float], side: float,
              rng: np.random.Generator) -> Placement:
    """
    Choose a crop around a place in an image.

    :param size: width and height of the image, in pixels.
    :param middle: x and y of the place, in fractions of the image.
    :param side: side of the crop, in fractions of the image's; the place is in its inner half,
        unless the crop would leave the image.
    :param rng: source of the choices.
    """
    offset = rng.uniform(-0.25, 0.25, 2) * side
    center = np.clip(np.array(middle) + offset, side / 2, 1 - side / 2)
    return _at_random_angle(center * np.array(size), side * np.array(size), rng)


def _at_random_angle(center: NDArray[np.float64], size: NDArray[np.float64],
                     rng: np.random.Generator) -> Placement:
    mirrored = rng.random() >= 0.5
    return Placement(center, size, mirrored, math.radians(rng.uniform(-ROTATION, ROTATION)))


def place(pixels: Pixels, placement: Placement, height: int, width: int) -> Pixels:
    """
    Show a part of an image, mirrored at the image's rim.

    :param pixels: uint8 of shape (any height, any width, channels).
    :param placement: which part, in pixels of this image.
    :param height: rows of the result.
    :param width: columns of the result.
    :return: uint8 of shape (height, width, channels).
    """
    # In one step, so that pixels are interpolated once; at twice the size, since a warp, unlike
    # the averaging resize after it, skips pixels.
    rows, columns = 2 * height, 2 * width
    warped = cv2.warpAffine(pixels, placement.transform(rows, columns), (columns, rows),
                            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                            borderMode=cv2.BORDER_REFLECT_101)
    return _as_pixels(cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA))


def film(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Change an image at random as cameras do: colors, exposure, sharpness, noise, JPEG."""
    for change, chance in CHANGES:
        if rng.random() < chance:
            pixels = change(pixels, rng)
    return pixels


def _color(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    # OpenCV halves the hue, so that 360 degrees fit into a byte.
    hue = (hsv[:, :, 0].astype(np.int16) + round(rng.uniform(-HUE, HUE) / 2)) % 180
    saturation = hsv[:, :, 1] * rng.uniform(*SATURATION)
    hsv[:, :, 0] = hue
    hsv[:, :, 1] = np.minimum(saturation, 255)
    return _as_pixels(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def _white_balance(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    gains = np.exp(rng.normal(0.0, WHITE_BALANCE, 3))
    return _as_pixels(np.minimum(pixels * (gains / gains.mean()), 255))


def _gray(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return _as_pixels(cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))


def _exposure(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    values = np.linspace(0.0, 1.0, 256) ** rng.uniform(*GAMMA) * rng.uniform(*GAIN)
    return _as_pixels(cv2.LUT(pixels, _as_pixels(255 * np.minimum(values, 1.0))))


def _blur(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return _as_pixels(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(*BLUR_SIGMA)))


def _coarse(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Halve the resolution, as of a cheaper camera."""
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return _as_pixels(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    noise = rng.normal(0.0, rng.uniform(*NOISE_SIGMA), pixels.shape)
    return _as_pixels(np.clip(pixels + noise, 0, 255))


def _jpeg(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    quality = int(rng.integers(*JPEG_QUALITY, endpoint=True))
    # In OpenCV's order, since JPEG keeps brightness better than color.
    _, data = cv2.imencode('.jpg', pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return _as_pixels(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1])


def _as_pixels(values: NDArray[np.generic] | cv2.typing.MatLike) -> Pixels:
    return np.asarray(values, dtype=np.uint8)


# In the order in which a camera does it to an image, each with its chance.
CHANGES: tuple[tuple[Callable[[Pixels, np.random.Generator], Pixels], float], ...] = (
    (_color, 0.8), (_white_balance, 0.4), (_gray, 0.05), (_exposure, 0.8),
    (_coarse, 0.15), (_blur, 0.15), (_noise, 0.25), (_jpeg, 0.3))
