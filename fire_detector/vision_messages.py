# SPDX-License-Identifier: Apache-2.0
"""
Make the messages of vision_msgs, where that package can be imported.

Their fields are those of ROS 2 Humble and later:
https://docs.ros.org/en/jazzy/p/vision_msgs/msg/VisionInfo.html and its neighbors.
"""

from typing import Any

from fire_detector.model_contract import ModelContract
from std_msgs.msg import Header

try:
    from vision_msgs.msg import Classification, ObjectHypothesis, VisionInfo
except ImportError:
    # Every ROS distribution has it; the ROS wheels on PyPI have not.
    Classification = ObjectHypothesis = VisionInfo = None

__all__ = ['Classification', 'VisionInfo', 'classification', 'vision_info']

# Hexadecimal digits of a model's SHA-256 that fit into the int32 of `database_version`.
VERSION_DIGITS = 7


def classification(contract: ModelContract, header: Header, probability: float) -> Any:
    """
    Make the message that has the answer for each class, with the picture's header.

    :param contract: of the model that gave the answer.
    :param header: of the picture.
    :param probability: of fire, 0..1.
    :return: vision_msgs/msg/Classification: fire first; where there are just two classes, the
        other one with what is left of 1. What a model says of three or more is not known from
        one probability, and the message need not have every class.
    """
    results = [ObjectHypothesis(class_id=contract.fire_label, score=probability)]
    others = [label for label in contract.labels if label != contract.fire_label]
    if len(others) == 1:
        results.append(ObjectHypothesis(class_id=others[0], score=1.0 - probability))
    return Classification(header=header, results=results)


def vision_info(contract: ModelContract, labels_at: str, header: Header) -> Any:
    """
    Make the message that says which model the answers come from.

    :param contract: of the model.
    :param labels_at: where the labels can be read, as node and parameter: /fire_detector/labels.
        The message recommends a parameter; the labels there are the `class_id`s of the answers.
    :param header: with the time at which the model was loaded.
    :return: vision_msgs/msg/VisionInfo. Its `method` is the model's name and version. Its
        `database_version` is made of the model's SHA-256: a listener that compares it sees
        another model as another number, also after the node has started anew, when a counter
        would begin again.
    """
    return VisionInfo(header=header, method=f'{contract.name} {contract.version}',
                      database_location=labels_at,
                      database_version=int(contract.model_sha256[:VERSION_DIGITS], 16))
