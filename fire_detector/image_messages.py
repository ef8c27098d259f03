# SPDX-License-Identifier: Apache-2.0
"""Turn pictures into ROS image messages."""

from array import array

import cv2
from fire_detector.picture import Picture
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header


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
