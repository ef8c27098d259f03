# SPDX-License-Identifier: Apache-2.0
"""
Make the messages that are published: images, classifications, alarms, diagnostics.

The fields of vision_msgs are those of ROS 2 Humble and later:
https://docs.ros.org/en/jazzy/p/vision_msgs/msg/VisionInfo.html and its neighbors.
"""

from array import array
from typing import Any

from builtin_interfaces.msg import Time
import cv2
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from fire_detector.detection.health import Health
from fire_detector.images.color_image import ColorImage
from fire_detector.model.contract import ModelContract
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

try:
    from vision_msgs.msg import Classification, ObjectHypothesis, VisionInfo
except ImportError:
    # Every ROS distribution has it; the ROS wheels on PyPI have not.
    Classification = ObjectHypothesis = VisionInfo = None

__all__ = ['Classification', 'VisionInfo', 'alarm_array', 'classification', 'diagnostic_array',
           'is_alarm', 'to_compressed_message', 'to_image_message', 'vision_info']

# Hexadecimal digits of a model's SHA-256 that fit into the int32 of `database_version`.
VERSION_DIGITS = 7


def classification(contract: ModelContract, header: Header, probability: float) -> Any:
    """
    Make the message with the probability of each class and the image's header.

    :param contract: of the model that made the prediction.
    :param header: of the image.
    :param probability: of fire, 0..1.
    :return: vision_msgs/msg/Classification: fire first; where there are just two classes, the
        other one with what is left of 1. Of three or more classes one probability says nothing
        about the others, and the message need not have every class.
    """
    results = [ObjectHypothesis(class_id=contract.fire_label, score=probability)]
    others = [label for label in contract.labels if label != contract.fire_label]
    if len(others) == 1:
        results.append(ObjectHypothesis(class_id=others[0], score=1.0 - probability))
    return Classification(header=header, results=results)


def vision_info(contract: ModelContract, labels_at: str, header: Header) -> Any:
    """
    Make the message that names the model.

    :param contract: of the model.
    :param labels_at: where the labels can be read, as node and parameter: /fire_detector/labels.
        The message recommends a parameter; the labels there are the `class_id`s of the
        classifications.
    :param header: with the time at which the model was loaded.
    :return: vision_msgs/msg/VisionInfo. Its `method` is the model's name and version. Its
        `database_version` is made of the model's SHA-256: a listener that compares it sees
        another model as another number, also after the node has started anew, when a counter
        would begin again.
    """
    return VisionInfo(header=header, method=f'{contract.name} {contract.version}',
                      database_location=labels_at,
                      database_version=int(contract.model_sha256[:VERSION_DIGITS], 16))


def to_image_message(image: ColorImage, header: Header) -> Image:
    """
    Make a raw image message, with encoding rgb8 or bgr8 as the image has it.

    :param image: the image.
    :param header: stamp and frame of the camera that took it.
    """
    height, width = image.pixels.shape[:2]
    message = Image(header=header, height=height, width=width, step=3 * width,
                    encoding=f'{image.color_order.lower()}8')
    # rclpy checks every element of anything but an array.array, which takes longer than a frame.
    message.data = array('B', image.pixels.tobytes())
    return message


def to_compressed_message(image: ColorImage, header: Header, jpeg_quality: int) -> CompressedImage:
    """
    Make a JPEG image message, its format spelled as image_transport's compressed plugin does.

    :param image: the image.
    :param header: stamp and frame of the camera that took it.
    :param jpeg_quality: 1..100.
    """
    _, encoded = cv2.imencode('.jpg', image.in_order('BGR'),
                              [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
    message = CompressedImage(header=header)
    message.format = f'{image.color_order.lower()}8; jpeg compressed bgr8'
    message.data = array('B', encoded.tobytes())
    return message


def alarm_array(raised: bool, node: str, header: Header) -> DiagnosticArray:
    """
    Make the message that says whether there is a fire alarm, and as of when.

    :param raised: whether there is.
    :param node: the detector's name with its namespace.
    :param header: of the image that the alarm follows from: its stamp tells how old the news is.
    :return: one status, ERROR for an alarm and OK for none.
    """
    status = DiagnosticStatus(
        level=DiagnosticStatus.ERROR if raised else DiagnosticStatus.OK,
        name=f'{node.lstrip("/")}: fire alarm', message='fire' if raised else 'no fire',
        hardware_id=node)
    return DiagnosticArray(header=header, status=[status])


def is_alarm(message: DiagnosticArray) -> bool:
    """Return whether a message of alarm_array() means fire, as any but a plain no does."""
    return [status.level for status in message.status] != [DiagnosticStatus.OK]


def diagnostic_array(health: Health, task: str, node: str, stamp: Time) -> DiagnosticArray:
    """
    Make the message for `/diagnostics`.

    :param health: level, message and values.
    :param task: what the status is about, as in 'fire detection'.
    :param node: the node's name with its namespace, which names the status.
    :param stamp: now.
    """
    status = DiagnosticStatus(
        level=bytes([health.level]), name=f'{node.lstrip("/")}: {task}',
        message=health.message, hardware_id=node,
        values=[KeyValue(key=key, value=value) for key, value in health.values])
    return DiagnosticArray(header=Header(stamp=stamp), status=[status])
