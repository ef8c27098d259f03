# SPDX-License-Identifier: Apache-2.0
"""Messages of a camera for tests without ROS: objects with the fields of sensor_msgs."""

from array import array
from types import SimpleNamespace
from typing import Any
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray


def header(stamp: float) -> SimpleNamespace:
    """Build the header of a message with a stamp in seconds."""
    nanoseconds = round(stamp * 1e9)
    return SimpleNamespace(stamp=SimpleNamespace(
        sec=nanoseconds // 10 ** 9, nanosec=nanoseconds % 10 ** 9))


def raw_message(pixels: NDArray[np.uint8], stamp: float, **changes: Any) -> SimpleNamespace:
    """Build a sensor_msgs/msg/Image of RGB pixels, with some of its fields changed."""
    height, width = pixels.shape[:2]
    fields = {'header': header(stamp), 'encoding': 'rgb8', 'height': height, 'width': width,
              'step': 3 * width, 'is_bigendian': 0, 'data': array('B', pixels.tobytes())}
    return SimpleNamespace(**(fields | changes))


def compressed_message(pixels: NDArray[np.uint8], stamp: float,
                       suffix: str = '.png') -> SimpleNamespace:
    """Build a sensor_msgs/msg/CompressedImage of RGB pixels."""
    file = cv2.imencode(suffix, pixels[:, :, ::-1])[1].tobytes()
    return SimpleNamespace(header=header(stamp), format=suffix, data=array('B', file))


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    """Build a PNG chunk with a right checksum."""
    return (len(payload).to_bytes(4, 'big') + kind + payload
            + zlib.crc32(kind + payload).to_bytes(4, 'big'))
