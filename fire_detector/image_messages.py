# SPDX-License-Identifier: Apache-2.0
"""Turn pictures into ROS image messages, and back."""

from array import array
from functools import cache
import reprlib
from typing import Any

import cv2
from fire_detector.compressed_image import decode
from fire_detector.image_conversion import (
    EncodingError,
    ENCODINGS,
    ImageError,
    to_picture,
)
from fire_detector.picture import Picture
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header


def from_image(message: Image) -> Picture:
    """
    Make a picture of a raw image message.

    :param message: with an encoding of ENCODINGS, or one that cv_bridge converts to bgr8: rgb16,
        bgr16, rgba16, bgra16 and bayer_*16, as of 2024. It refuses 16UC1, 32FC1 and the like too,
        whose numbers may mean anything.
    :return: the picture; for three-channel encodings of 8 bits a view of the message's data.
    :raises ImageError: when its encoding is not known or its fields contradict each other.
    """
    if message.encoding not in ENCODINGS:
        return _by_cv_bridge(message)
    return to_picture(message.encoding, message.height, message.width, message.step,
                      message.data, bool(message.is_bigendian))


def from_compressed_image(message: CompressedImage, rows: int, columns: int) -> Picture:
    """
    Decode a compressed image message, no larger than is needed.

    :param message: with a JPEG or PNG file as its data.
    :param rows: rows that are enough.
    :param columns: columns that are enough.
    :return: what `compressed_image.decode` makes of it.
    :raises ImageError: when it is neither, damaged, too large, or not decodable.
    """
    return decode(message.format, message.data, rows, columns)


def described(message: Image | CompressedImage) -> tuple[str, str]:
    """Say what a message holds: encoding or format, and pixels or bytes."""
    if isinstance(message, Image):
        return message.encoding, f'{message.width}x{message.height}'
    return message.format, f'{len(message.data)} bytes'


def to_image(picture: Picture, header: Header) -> Image:
    """
    Make a raw image message, with encoding rgb8 or bgr8 as the picture has it.

    :param picture: the picture.
    :param header: stamp and frame of the camera that took it.
    """
    height, width = picture.pixels.shape[:2]
    message = Image(header=header, height=height, width=width, step=3 * width,
                    encoding=f'{picture.color_order.lower()}8')
    # rclpy checks every element of anything but an array.array, which takes longer than a frame.
    message.data = array('B', picture.pixels.tobytes())
    return message


def to_compressed_image(picture: Picture, header: Header, jpeg_quality: int) -> CompressedImage:
    """
    Make a JPEG image message, its format spelled as image_transport's compressed plugin does.

    :param picture: the picture.
    :param header: stamp and frame of the camera that took it.
    :param jpeg_quality: 1..100.
    """
    _, encoded = cv2.imencode('.jpg', picture.in_order('BGR'),
                              [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
    message = CompressedImage(header=header)
    message.format = f'{picture.color_order.lower()}8; jpeg compressed bgr8'
    message.data = array('B', encoded.tobytes())
    return message


def _by_cv_bridge(message: Image) -> Picture:
    encoding = reprlib.repr(message.encoding)
    bridge, reason = _load_cv_bridge()
    if bridge is None:
        raise EncodingError(f'encoding {encoding} is not one of {tuple(ENCODINGS)}; others need '
                            f'cv_bridge, which cannot be used: {reason}')
    try:
        dtype, channels = bridge.encoding_to_dtype_with_channels(message.encoding)
        pixel = np.dtype(dtype).itemsize * channels
        if message.step % pixel:
            # cv_bridge would round, and shear the picture.
            raise ImageError(f'step {message.step} is not a multiple of the {pixel} bytes '
                             f'of a pixel of encoding {encoding}')
        pixels = np.asarray(bridge.imgmsg_to_cv2(message, 'bgr8'))
        if pixels.shape[:2] != (message.height, message.width):
            raise ImageError(f'step {message.step} is not that of {message.width}x'
                             f'{message.height} pixels of encoding {encoding}: cv_bridge finds '
                             f'an array of shape {pixels.shape}')
        return Picture(pixels, 'BGR')
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
