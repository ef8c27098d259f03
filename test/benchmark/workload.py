# SPDX-License-Identifier: Apache-2.0
"""The images of the benchmark's cameras, as messages that are ready to be sent."""

from dataclasses import dataclass
import struct
import time

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.parameters.detector import COMPRESSED, RAW
from fire_detector.ros.messages import to_compressed_message, to_image_message
from fire_detector.scene.scene import SyntheticScene
import numpy as np
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

# Of 1280x720 pixels, it makes 86 KB: such as USB cameras that compress by themselves send.
JPEG_QUALITY = 80
# Seconds of the scene: one without a fire, one at its height.
_QUIET, _BURNING = 2.0, 14.0
# Standard deviation of a pixel, as of a small sensor in a room. A rendered scene without is
# smoother than any camera's, and its JPEG files are smaller.
_NOISE = 2.0
# Behind the four bytes that say how the message is serialized (OMG DDS-XTypes 1.3, 7.6.3.1.2), a
# header begins with its stamp.
_STAMP, _STAMP_AT = struct.Struct('<iI'), 4


@dataclass(frozen=True)
class Case:
    """
    A kind of image.

    :ivar transport: RAW for sensor_msgs/Image with bgr8, COMPRESSED for JPEG.
    :ivar width: columns.
    :ivar height: rows.
    """

    transport: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """Return the name of the case in tables."""
        return f'{"JPEG" if self.transport == COMPRESSED else "raw"} {self.width}x{self.height}'


SIZES = ((320, 240), (640, 480), (1280, 720))
CASES = tuple(Case(transport, *size) for transport in (RAW, COMPRESSED) for size in SIZES)


def serialized_messages(case: Case, count: int) -> list[bytearray]:
    """
    Make a camera's messages: a room in which there is more fire each time.

    Each has another probability, by which its detection is identified.

    :return: serialized messages, whose stamp `stamped` replaces.
    """
    scene = SyntheticScene(case.width, case.height)
    quiet, burning = (scene.render(second).astype(np.float32) for second in (_QUIET, _BURNING))
    noise = np.random.default_rng(0).normal(0, _NOISE, quiet.shape).astype(np.float32)
    messages = []
    for share in np.linspace(0, 1, count, dtype=np.float32):
        pixels = cv2.addWeighted(burning, float(share), quiet, 1 - float(share), 0) + noise
        image = ColorImage(np.clip(pixels, 0, 255).astype(np.uint8)[:, :, ::-1], 'BGR')
        message = (to_compressed_message(image, Header(), JPEG_QUALITY)
                   if case.transport == COMPRESSED else to_image_message(image, Header()))
        messages.append(bytearray(serialize_message(message)))
    return messages


def stamped(message: bytearray) -> tuple[bytes, float]:
    """Stamp a serialized message with the time; return it and its stamp in seconds."""
    now = time.time_ns()
    _STAMP.pack_into(message, _STAMP_AT, now // 10 ** 9, now % 10 ** 9)
    return bytes(message), now * 1e-9
