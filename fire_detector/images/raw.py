# SPDX-License-Identifier: Apache-2.0
"""
Convert the fields of a raw ROS image to an image, after checking them.

The fields are those of sensor_msgs/msg/Image; encodings are named as in
sensor_msgs/include/sensor_msgs/image_encodings.hpp. Colors come out as cv_bridge gives them
(cv_bridge/src/cv_bridge.cpp in ros-perception/vision_opencv), which uses OpenCV's conversions:
YUV is BT.601 with luma 16..235, 16 bits are scaled by 255 / 65535, alpha is dropped.
"""

from dataclasses import dataclass
from typing import Any

import cv2
from fire_detector.images.color_image import ColorImage
import numpy as np
from numpy.typing import NDArray


class ImageError(ValueError):
    """
    The error of a message that is no image: field, value, and what was expected.

    :cvar reason: what is wrong, in a word, by which rejections are counted.
    """

    reason = 'data'


class EncodingError(ImageError):
    """The error of an encoding or a format that is not known."""

    reason = 'encoding'


class SizeError(ImageError):
    """The error of a size that no image has, or that is too large."""

    reason = 'size'


class DecodeError(ImageError):
    """The error of a damaged file in a message."""

    reason = 'decode'


@dataclass(frozen=True)
class _Encoding:
    # Samples of a pixel in one row; for planar encodings, of the plane of lightness.
    channels: int
    # Of what comes out.
    color_order: str = 'RGB'
    # OpenCV's code for the conversion to three channels; None where there are three already.
    conversion: int | None = None
    sample_bytes: int = 1
    # Height and width must be multiples of these: OpenCV refuses the rest, and so does this.
    multiple: tuple[int, int] = (1, 1)
    smallest_side: int = 1
    # Below the plane of lightness is one with the colors, so many times as high.
    colors_below: float = 0.0


def _bayer(conversion: int) -> _Encoding:
    # Of a smaller one, which lacks a pixel with neighbors on all sides, OpenCV makes black.
    return _Encoding(1, 'RGB', conversion, smallest_side=3)


_UYVY = _Encoding(2, 'RGB', cv2.COLOR_YUV2RGB_UYVY, multiple=(1, 2))
_YUYV = _Encoding(2, 'RGB', cv2.COLOR_YUV2RGB_YUY2, multiple=(1, 2))

ENCODINGS = {
    'rgb8': _Encoding(3, 'RGB'),
    'bgr8': _Encoding(3, 'BGR'),
    'rgba8': _Encoding(4, 'RGB', cv2.COLOR_RGBA2RGB),
    'bgra8': _Encoding(4, 'BGR', cv2.COLOR_BGRA2BGR),
    'mono8': _Encoding(1, 'RGB', cv2.COLOR_GRAY2RGB),
    'mono16': _Encoding(1, 'RGB', cv2.COLOR_GRAY2RGB, sample_bytes=2),
    # 4:2:2, two pixels share their colors: under today's names and those before ROS 2 Iron.
    'uyvy': _UYVY,
    'yuv422': _UYVY,
    'yuyv': _YUYV,
    'yuv422_yuy2': _YUYV,
    # 4:2:0, four pixels share their colors.
    'nv12': _Encoding(1, 'RGB', cv2.COLOR_YUV2RGB_NV12, multiple=(2, 2), colors_below=0.5),
    'nv21': _Encoding(1, 'RGB', cv2.COLOR_YUV2RGB_NV21, multiple=(2, 2), colors_below=0.5),
    # 4:4:4, of which every other row and column of colors is used: OpenCV converts no more.
    # V4L2 has it so (V4L2_PIX_FMT_NV24), with rows of colors twice as long as of lightness.
    'nv24': _Encoding(1, 'RGB', cv2.COLOR_YUV2RGB_NV12, multiple=(2, 2), colors_below=2.0),
    # ROS names a pattern by its first four pixels, OpenCV by four that begin one row and one
    # column later: hence the crossed names, which are those in cv_bridge's table.
    'bayer_rggb8': _bayer(cv2.COLOR_BayerBG2RGB),
    'bayer_bggr8': _bayer(cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg8': _bayer(cv2.COLOR_BayerGR2RGB),
    'bayer_grbg8': _bayer(cv2.COLOR_BayerGB2RGB),
}


def convert_raw(encoding: str, height: int, width: int, step: int, data: Any,
                is_bigendian: bool = False) -> ColorImage:
    """
    Convert the bytes of a raw image.

    :param encoding: a key of ENCODINGS.
    :param height: rows; even for nv12, nv21 and nv24, at least 3 for Bayer encodings.
    :param width: pixels in a row; even for YUV encodings, at least 3 for Bayer encodings.
    :param step: bytes from one row to the next; more than a row's pixels where rows are padded.
        For nv12 and nv21 it is that of both planes, for nv24 half that of the colors' plane.
    :param data: the bytes, as any object with the buffer protocol.
    :param is_bigendian: whether the high byte of a 16-bit sample comes first; 8-bit encodings
        are the same either way.
    :return: the image; for three-channel encodings a view of `data`, else converted once.
    :raises ImageError: when the sizes contradict each other.
    """
    known = ENCODINGS[encoding]
    _check_size(encoding, known, height, width)
    row = width * known.channels * known.sample_bytes
    if step < row:
        raise ImageError(f'step {step} is less than the {row} bytes of a row '
                         f'of {width} {encoding} pixels')
    rows = height + round(known.colors_below * height)
    # The last row needs no padding behind it.
    needed = step * (rows - 1) + row
    size = memoryview(data).nbytes
    if size < needed:
        raise ImageError(f'{size} bytes of data are fewer than the {needed} of a '
                         f'{width}x{height} {encoding} image with step {step}')
    sample = np.dtype(f'{">" if is_bigendian else "<"}u{known.sample_bytes}')
    samples: NDArray[Any] = np.ndarray(
        (rows, width, known.channels), sample, data,
        strides=(step, known.channels * known.sample_bytes, known.sample_bytes))
    pixels = to_8_bit(samples) if known.sample_bytes == 2 else samples
    if known.colors_below == 2:
        pixels = _nv12_of_nv24(height, width, step, data)
    if known.conversion is not None:
        pixels = cv2.cvtColor(pixels, known.conversion)
    return ColorImage(np.asarray(pixels, dtype=np.uint8), known.color_order)


def _nv12_of_nv24(height: int, width: int, step: int, data: Any) -> NDArray[np.uint8]:
    lightness: NDArray[np.uint8] = np.ndarray((height, width, 1), np.uint8, data,
                                              strides=(step, 1, 1))
    colors: NDArray[np.uint8] = np.ndarray((height, width, 2), np.uint8, data, height * step,
                                           strides=(2 * step, 2, 1))
    return np.concatenate((lightness, colors[::2, ::2].reshape(height // 2, width, 1)))


def to_8_bit(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """
    Scale 16-bit samples so that 65535 becomes 255, rounded, as cv_bridge does.

    :param samples: uint16 array of either byte order, of shape (height, width, channels).
    :return: uint8 array; OpenCV leaves out a dimension of one channel.
    """
    native = np.ascontiguousarray(samples, dtype=np.uint16)
    return np.asarray(cv2.convertScaleAbs(native, alpha=255 / 65535), dtype=np.uint8)


def _check_size(encoding: str, known: _Encoding, height: int, width: int) -> None:
    smallest, (rows, columns) = known.smallest_side, known.multiple
    if height < smallest or width < smallest:
        raise SizeError(f'{width}x{height} is not an image size for {encoding}: '
                        f'it has at least {smallest}x{smallest} pixels')
    if height % rows or width % columns:
        raise SizeError(f'{width}x{height} is not an image size for {encoding}: '
                        f'{columns}x{rows} pixels share their colors')
