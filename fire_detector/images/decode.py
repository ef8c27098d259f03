# SPDX-License-Identifier: Apache-2.0
"""
Decode the image messages of a camera.

Any object with the fields of the message will do, from rclpy or from a reader of bags: nothing of
ROS is imported here. A frame of a file may take the place of a message.
"""

from functools import cache
import re
import reprlib
from typing import Any

from fire_detector.images.color_image import ColorImage
from fire_detector.images.compressed import decode
from fire_detector.images.files import Frame
from fire_detector.images.raw import convert_raw, EncodingError, ENCODINGS, ImageError
import numpy as np

# OpenCV's names of a type and its channels, as in 8UC3, 16UC1 and 32FC1.
_WITHOUT_COLORS = re.compile(r'(8|16|32|64)[USF]C[0-9]*')


def decode_message(message: Any, rows: int, columns: int) -> ColorImage:
    """
    Return the image in a message.

    :param message: a sensor_msgs/msg/Image or CompressedImage, or a Frame of a file.
    :param rows: rows that are enough of a compressed image; see `compressed.decode`.
    :param columns: columns that are enough of it.
    :return: the image; its pixels may be a view of the message's data.
    :raises ImageError: when its encoding is not known, its fields contradict each other, or it
        cannot be decoded.
    """
    if hasattr(message, 'encoding'):
        return from_image(message)
    if isinstance(message, Frame):
        return message.image
    return decode(message.format, message.data, rows, columns)


def from_image(message: Any) -> ColorImage:
    """
    Convert a raw image message.

    :param message: a sensor_msgs/msg/Image with an encoding of ENCODINGS, or one that cv_bridge
        converts to bgr8: rgb16, bgr16, rgba16, bgra16 and bayer_*16, as of 2024.
    :return: the image; for three-channel encodings of 8 bits a view of the message's data.
    :raises ImageError: when its encoding is not known or does not define colors, as 8UC3, or its
        fields contradict each other.
    """
    if message.encoding not in ENCODINGS:
        _check_colors(message.encoding)
        return _by_cv_bridge(message)
    return convert_raw(message.encoding, message.height, message.width, message.step,
                       message.data, bool(message.is_bigendian))


def stamp_of(message: Any) -> int:
    """Return the stamp of a message's header, or of a frame, in nanoseconds."""
    if isinstance(message, Frame):
        return message.stamp
    return int(message.header.stamp.sec * 10 ** 9 + message.header.stamp.nanosec)


def describe(message: Any) -> tuple[str, str]:
    """Return the encoding or format of a message, and its pixels or bytes, as texts."""
    if hasattr(message, 'encoding'):
        return message.encoding, f'{message.width}x{message.height}'
    return message.format, f'{len(message.data)} bytes'


def _check_colors(encoding: str) -> None:
    # cv_bridge refuses to convert these to bgr8, too. To guess the order of colors would make
    # flames blue where the guess is wrong; and one channel may be distances.
    if _WITHOUT_COLORS.fullmatch(encoding):
        raise EncodingError(
            f'encoding {reprlib.repr(encoding)} defines numbers, not colors: have the publisher '
            f"name them, as in cv2_to_imgmsg(image, encoding='bgr8'), or subscribe to the "
            f"camera's color topic if this one is of distances")


def _by_cv_bridge(message: Any) -> ColorImage:
    encoding = reprlib.repr(message.encoding)
    bridge, reason = _load_cv_bridge()
    if bridge is None:
        raise EncodingError(f'encoding {encoding} is not one of {tuple(ENCODINGS)}; others need '
                            f'cv_bridge, which cannot be used: {reason}')
    try:
        dtype, channels = bridge.encoding_to_dtype_with_channels(message.encoding)
        pixel = np.dtype(dtype).itemsize * channels
        if message.step % pixel:
            # cv_bridge would round, and shear the image.
            raise ImageError(f'step {message.step} is not a multiple of the {pixel} bytes '
                             f'of a pixel of encoding {encoding}')
        pixels = np.asarray(bridge.imgmsg_to_cv2(message, 'bgr8'))
        if pixels.shape[:2] != (message.height, message.width):
            raise ImageError(f'step {message.step} is not that of {message.width}x'
                             f'{message.height} pixels of encoding {encoding}: cv_bridge finds '
                             f'an array of shape {pixels.shape}')
        return ColorImage(pixels, 'BGR')
    except ImageError:
        raise
    # Whatever its C++ part throws, and whatever numpy makes of fields that contradict each other.
    except Exception as error:
        raise EncodingError(f'encoding {encoding} is not one of {tuple(ENCODINGS)}, and cv_bridge '
                            f'cannot convert it: {type(error).__name__}: {error}') from error


@cache
def _load_cv_bridge() -> tuple[Any, str]:
    """
    Import cv_bridge, at the first encoding that needs it.

    :return: a converter and '', or None and why there is none. It is remembered: a module built
        for another numpy writes a page on stderr each time that it is tried.
    """
    try:
        from cv_bridge import CvBridge
        bridge = CvBridge()
        # Its Python part imports without the C++ part, which is what breaks.
        bridge.encoding_to_dtype_with_channels('rgb16')
    except Exception as error:  # noqa: BLE001 - ImportError, AttributeError, SystemError, ...
        return None, f'{type(error).__name__}: {error}'
    return bridge, ''
