# SPDX-License-Identifier: Apache-2.0
"""
Turn the fields of a raw ROS image into a picture, checking them first.

The fields are those of sensor_msgs/msg/Image; encodings are named as in
sensor_msgs/include/sensor_msgs/image_encodings.hpp.
"""

from dataclasses import dataclass
from typing import Any

import cv2
from fire_detector.picture import Picture
import numpy as np
from numpy.typing import NDArray


class ImageError(ValueError):
    """Report an image message that cannot be a picture."""


@dataclass(frozen=True)
class _Encoding:
    channels: int
    color_order: str
    # OpenCV's code for the conversion to three channels; None where there are three already.
    conversion: int | None = None


ENCODINGS = {
    'rgb8': _Encoding(3, 'RGB'),
    'bgr8': _Encoding(3, 'BGR'),
    'rgba8': _Encoding(4, 'RGB', cv2.COLOR_RGBA2RGB),
    'bgra8': _Encoding(4, 'BGR', cv2.COLOR_BGRA2BGR),
    'mono8': _Encoding(1, 'RGB', cv2.COLOR_GRAY2RGB),
}


def to_picture(encoding: str, height: int, width: int, step: int, data: Any) -> Picture:
    """
    View the bytes of a raw image as a picture.

    :param encoding: a key of ENCODINGS.
    :param height: rows.
    :param width: pixels in a row.
    :param step: bytes from one row to the next; more than a row's pixels where rows are padded.
    :param data: the bytes, as any object with the buffer protocol.
    :return: the picture; for three-channel encodings a view of `data`, not a copy.
    :raises ImageError: when the encoding is not known or the sizes contradict each other.
    """
    known = ENCODINGS.get(encoding)
    if known is None:
        raise ImageError(f'encoding {encoding!r} is not one of {tuple(ENCODINGS)}')
    if height < 1 or width < 1:
        raise ImageError(f'{width}x{height} is not a picture size')
    row = width * known.channels
    if step < row:
        raise ImageError(f'step {step} is less than the {row} bytes of a row '
                         f'of {width} {encoding} pixels')
    # The last row needs no padding behind it.
    needed = step * (height - 1) + row
    size = memoryview(data).nbytes
    if size < needed:
        raise ImageError(f'{size} bytes of data are fewer than the {needed} of a '
                         f'{width}x{height} {encoding} picture with step {step}')
    pixels: NDArray[np.uint8] = np.ndarray((height, width, known.channels), np.uint8, data,
                                           strides=(step, known.channels, 1))
    if known.conversion is not None:
        pixels = np.asarray(cv2.cvtColor(pixels, known.conversion), dtype=np.uint8)
    return Picture(pixels, known.color_order)
