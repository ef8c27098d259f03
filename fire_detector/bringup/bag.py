# SPDX-License-Identifier: Apache-2.0
"""Choose the topics of a bag that are played to the detectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

METADATA = 'metadata.yaml'
CAMERA, ALL = 'camera', 'all'
IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
MAX_NAMED = 8


@dataclass(frozen=True)
class RecordedTopic:
    """
    A topic of a bag, as metadata.yaml lists it.

    :ivar name: the full name.
    :ivar message_type: such as sensor_msgs/msg/Image.
    :ivar message_count: how many messages were recorded.
    """

    name: str
    message_type: str
    message_count: int


def recorded_topics(bag: str) -> list[RecordedTopic] | None:
    """
    List the topics of a bag.

    :param bag: the path of its folder, or of a file.
    :return: the topics; None for a file, which has no metadata.yaml.
    :raises ValueError: when the folder has no metadata.yaml, or one that cannot be read.
    """
    if not Path(bag).is_dir():
        return None
    try:
        content = yaml.safe_load((Path(bag) / METADATA).read_bytes())
        return [RecordedTopic(each['topic_metadata']['name'], each['topic_metadata']['type'],
                              int(each['message_count'])) for each in
                content['rosbag2_bagfile_information']['topics_with_message_count']]
    except FileNotFoundError as error:
        raise ValueError(
            f'bag:={bag}: no bag of ROS 2, since it has no {METADATA}. Where the recorder was '
            f'ended by force: ros2 bag reindex {bag}') from error
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f'bag:={bag}: its {METADATA} cannot be read: {error!r}') from error


def topics_to_play(bag: str, choice: str, image_topics: Sequence[str],
                   nodes: Sequence[str]) -> list[str]:
    """
    Choose the topics to play.

    :param bag: path of the bag.
    :param choice: CAMERA for the camera's topics alone: its raw and compressed images and its
        camera_info; ALL for all but those that the launched nodes and the player publish.
    :param image_topics: the full name of each detector's raw images.
    :param nodes: the full names of the launched nodes.
    :raises ValueError: when the bag cannot be read, or has no image for one of the detectors.
    """
    wanted = [name for topic in image_topics for name in (*_images(topic), _camera_info(topic))]
    recorded = recorded_topics(bag)
    if recorded is None:
        if choice == ALL:
            raise ValueError(f'bag:={bag} is a file, whose topics are not known: for bag_topics:='
                             f'{ALL} give the folder of the bag, with its {METADATA}')
        return wanted
    available = [each.name for each in recorded if each.message_count > 0]
    for topic in image_topics:
        if not set(_images(topic)) & set(available):
            raise ValueError(f'bag:={bag} has no image on {topic} or {_images(topic)[1]}: '
                             + _advise(recorded))
    if choice == CAMERA:
        return [name for name in available if name in wanted]
    return [name for name in available
            if name != '/clock' and not name.startswith(tuple(f'{node}/' for node in nodes))]


def _images(topic: str) -> tuple[str, str]:
    return topic, f'{topic}/compressed'


def _camera_info(topic: str) -> str:
    # As image_transport has it: beside the images.
    return str(PurePosixPath(topic).with_name('camera_info'))


def _advise(recorded: Sequence[RecordedTopic]) -> str:
    found = [f'{each.name} ({each.message_count})' for each in recorded
             if each.message_type in IMAGE_TYPES and each.message_count > 0]
    if found:
        return (f'it has images on {", ".join(found[:MAX_NAMED])}; give the topic of the raw ones '
                f'with image_topic:=, without /compressed')
    return 'it has no images at all' if any(
        each.message_count for each in recorded) else 'it is empty'
