# SPDX-License-Identifier: Apache-2.0
"""Encode raw images as cameras do: the reverse of `fire_detector.images.raw`."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_CONVERSIONS = {
    'rgb8': cv2.COLOR_BGR2RGB, 'rgba8': cv2.COLOR_BGR2RGBA,
    'bgra8': cv2.COLOR_BGR2BGRA, 'mono8': cv2.COLOR_BGR2GRAY,
}
_YUV = ('uyvy', 'yuv422', 'yuyv', 'yuv422_yuy2', 'nv12', 'nv21', 'nv24')


def raw_frame(encoding: str, pixels: NDArray[np.uint8], padding: int) -> tuple[int, bytes]:
    """
    Encode an image.

    :param encoding: a key of ENCODINGS; mono16 with the low byte first.
    :param pixels: uint8 of shape (height, width, 3), BGR, of even height and width.
    :param padding: bytes behind each row; twice as many behind the rows of colors of nv24.
    :return: bytes from one row to the next, and the data.
    """
    planes = _planes(encoding, pixels)
    width = planes[0].shape[1]
    padded = [np.pad(plane, ((0, 0), (0, padding * plane.shape[1] // width)), constant_values=0xee)
              for plane in planes]
    return padded[0].shape[1], b''.join(plane.tobytes() for plane in padded)


def _planes(encoding: str, pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the bytes of each plane's rows, without padding."""
    height = len(pixels)
    if encoding in _YUV:
        return _yuv_planes(encoding, pixels)
    if encoding.startswith('bayer_'):
        mosaic = np.empty_like(pixels[:, :, 0])
        for place, color in enumerate(encoding[6:10]):
            at = np.s_[place // 2::2, place % 2::2]
            mosaic[at] = pixels[:, :, 'bgr'.index(color)][at]
        return [mosaic]
    if encoding == 'mono16':
        gray = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        return [(gray.astype('<u2') * 257).view(np.uint8)]
    conversion = _CONVERSIONS.get(encoding)
    samples: Any = pixels if conversion is None else cv2.cvtColor(pixels, conversion)
    return [samples.reshape(height, -1)]


def _yuv_planes(encoding: str, pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    height, width = pixels.shape[:2]
    # Colors of squares of four pixels, which those encodings that have room for more repeat:
    # OpenCV makes 4:2:2 since 4.9 only.
    planar = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_I420), np.uint8)
    y, (u, v) = planar[:height], planar[height:].reshape(2, height // 2, width // 2)
    colors = np.stack((v, u) if encoding == 'nv21' else (u, v), axis=-1)
    if encoding.startswith('nv'):
        if encoding == 'nv24':
            colors = colors.repeat(2, axis=0).repeat(2, axis=1)
        return [y, colors.reshape(len(colors), -1)]
    pairs = colors.repeat(2, axis=0).reshape(height, width)
    colors_first = encoding in ('uyvy', 'yuv422')
    samples = np.stack((pairs, y) if colors_first else (y, pairs), axis=-1)
    return [samples.reshape(height, -1)]
