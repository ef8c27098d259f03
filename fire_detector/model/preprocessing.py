# SPDX-License-Identifier: Apache-2.0
"""
Convert an image to the input tensor of a model.

Training, conversion, tests and the node all call :func:`preprocess`, so that images are
prepared in the same way wherever a model runs.
"""

from dataclasses import dataclass
import math

import cv2
from fire_detector.images.color_image import COLOR_ORDERS, ColorImage
import numpy as np
from numpy.typing import NDArray

INTERPOLATIONS = {
    'nearest': cv2.INTER_NEAREST,
    'linear': cv2.INTER_LINEAR,
    'area': cv2.INTER_AREA,
}
GRAY = 'GRAY'
INPUT_COLORS = (*COLOR_ORDERS, GRAY)
# OpenCV weighs red, green and blue by 0.299, 0.587 and 0.114, as ITU-R BT.601 does for luma, and
# rounds: https://docs.opencv.org/4.x/de/d25/imgproc_color_conversions.html
_TO_GRAY = {'RGB': cv2.COLOR_RGB2GRAY, 'BGR': cv2.COLOR_BGR2GRAY}
# Halving, whose results are rounded, stops at this multiple of the input's sides: a smaller one
# costs less and rounds more.
OVERSIZE = 1.75
# Pixels up to which an image is averaged at once, whatever the input: that is cheap enough.
SMALL = 320 * 320
# The whole image is stretched to the input size, whatever its aspect ratio.
RESIZE_RULES = ('stretch',)


@dataclass(frozen=True)
class InputSpec:
    """
    The layout and meaning of a model's input tensor.

    :ivar height: rows of the input tensor, in pixels.
    :ivar width: columns of the input tensor, in pixels.
    :ivar color_order: order of its channels, 'RGB' or 'BGR', or 'GRAY' for a single one.
    :ivar scale: factor applied to a pixel value 0..255; finite, and not 0.
    :ivar offset: added after scaling: tensor = pixel * scale + offset.
    :ivar resize: how an image is brought to the input size; 'stretch'.
    :ivar interpolation: 'nearest', 'linear' or 'area', as OpenCV defines them.
    :raises ValueError: when a value is not among those allowed.
    """

    height: int
    width: int
    color_order: str = 'RGB'
    scale: float = 1 / 255
    offset: float = 0.0
    resize: str = 'stretch'
    # Averages all the pixels it merges: a 1280x720 and a 320x240 camera then give the same tensor.
    interpolation: str = 'area'

    def __post_init__(self) -> None:
        """Check what a type annotation cannot say."""
        for name, allowed in (('color_order', INPUT_COLORS), ('resize', RESIZE_RULES),
                              ('interpolation', tuple(INTERPOLATIONS))):
            if getattr(self, name) not in allowed:
                raise ValueError(f'{name} {getattr(self, name)!r} is not one of {allowed}')
        if self.height < 1 or self.width < 1:
            raise ValueError(f'input size {self.height}x{self.width} is not positive')
        # Beyond float32 too, every pixel would be the same, or infinite.
        if not 1e-30 < abs(self.scale) < 1e30 or not abs(self.offset) < 1e30:
            raise ValueError(f'pixel * {self.scale} + {self.offset} is no usable input')

    @property
    def channels(self) -> int:
        """Return how many values a pixel of the input has."""
        return 1 if self.color_order == GRAY else 3


def preprocess(image: ColorImage, spec: InputSpec) -> NDArray[np.float32]:
    """
    Resize, reorder and scale an image as the model's contract requires.

    :param image: the image, of any size.
    :param spec: layout and meaning of the model's input tensor.
    :return: float32 array of shape (1, spec.height, spec.width, spec.channels), in
        spec.color_order.
    """
    pixels = image.pixels
    if spec.interpolation == 'area':
        pixels = _halved(pixels, math.ceil(OVERSIZE * spec.height),
                         math.ceil(OVERSIZE * spec.width))
    resized = cv2.resize(pixels, (spec.width, spec.height),
                         interpolation=INTERPOLATIONS[spec.interpolation])
    # After the resize, on the few pixels that are left.
    if spec.color_order == GRAY:
        resized = cv2.cvtColor(resized, _TO_GRAY[image.color_order])[:, :, np.newaxis]
    elif image.color_order != spec.color_order:
        # Not a view from behind, of which numpy would take ten times as long.
        resized = cv2.cvtColor(resized, cv2.COLOR_BGR2RGB)
    tensor = np.multiply(resized, np.float32(spec.scale), dtype=np.float32)
    if spec.offset:
        tensor += np.float32(spec.offset)
    return tensor[np.newaxis]


def _halved(pixels: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """
    Average blocks of 2x2 pixels of a large image, while so many rows and columns remain.

    OpenCV averages by a factor of two many times as fast as by any other factor.
    """
    height, width = pixels.shape[:2]
    while (height * width > SMALL and height % 2 == width % 2 == 0
           and height >= 2 * rows and width >= 2 * columns):
        height, width = height // 2, width // 2
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA),
                            dtype=np.uint8)
    return pixels
