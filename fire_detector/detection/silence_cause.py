# SPDX-License-Identifier: Apache-2.0
"""Explain why no images arrive, from what is known of a topic's publishers."""

from collections.abc import Sequence
from dataclasses import dataclass

RELIABLE, BEST_EFFORT = 'reliable', 'best_effort'
VOLATILE, TRANSIENT_LOCAL = 'volatile', 'transient_local'
IMAGE, COMPRESSED_IMAGE = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
TRANSPORTS = {IMAGE: 'raw', COMPRESSED_IMAGE: 'compressed'}
MAX_NAMED = 4


@dataclass(frozen=True)
class Endpoint:
    """
    One side of a topic, as in rclpy's TopicEndpointInfo.

    :ivar node: the node's name with its namespace.
    :ivar message_type: the message type, such as sensor_msgs/msg/Image.
    :ivar reliability: 'reliable' or 'best_effort'.
    :ivar durability: 'volatile' or 'transient_local'.
    """

    node: str
    message_type: str
    reliability: str
    durability: str = VOLATILE

    def __str__(self) -> str:
        """Return node, type and quality of service."""
        return f'{self.node} ({self.message_type}, {self.reliability}, {self.durability})'


def explain_missing_images(topic: str, timeout: float, publishers: Sequence[Endpoint],
                           subscription: Endpoint) -> str:
    """
    Explain why no image has arrived.

    :param topic: the topic's full name.
    :param timeout: seconds without an image.
    :param publishers: all publishers of the topic, of whatever type.
    :param subscription: the node's own side.
    :return: one line: the topic, who publishes it, what is the likely cause and what to do.
    """
    start = f'no image on {topic} for {timeout:g} s: '
    if not publishers:
        return start + ('nobody publishes it. Is the camera running, is this its topic (remap '
                        'image, or launch with image_topic:=...), and has it the same '
                        'ROS_DOMAIN_ID?')
    return f'{start}{_cause(publishers, subscription)} Publishers: {_named(publishers)}'


def _cause(publishers: Sequence[Endpoint], subscription: Endpoint) -> str:
    of_type = [publisher for publisher in publishers
               if publisher.message_type == subscription.message_type]
    if not of_type:
        return _other_type(sorted({publisher.message_type for publisher in publishers}),
                           subscription.message_type)
    # A subscription is connected to those that offer at least what it requests:
    # https://docs.ros.org/en/rolling/Concepts/Intermediate/About-Quality-of-Service-Settings.html
    compatible = [
        publisher for publisher in of_type
        if (publisher.reliability, subscription.reliability) != (BEST_EFFORT, RELIABLE)
        and (publisher.durability, subscription.durability) != (VOLATILE, TRANSIENT_LOCAL)]
    if not compatible:
        if all(publisher.reliability == BEST_EFFORT for publisher in of_type):
            return ('a reliable subscription hears nothing of a best-effort publisher: set the '
                    'parameter reliability to auto or best_effort.')
        return (f'its publishers do not offer the quality of service that is asked for '
                f'({subscription.reliability}, {subscription.durability}).')
    cause = 'it is published, but nothing comes. Is the camera paused or still starting?'
    if subscription.reliability == BEST_EFFORT or all(
            publisher.reliability == BEST_EFFORT for publisher in compatible):
        cause += (' Large best-effort images get lost in small receive buffers: make the '
                  'camera reliable, use compressed images, or raise net.core.rmem_max and, '
                  'for Fast DDS, FASTDDS_BUILTIN_TRANSPORTS="UDPv4?sockets_size=4MB".')
    return cause


def _other_type(found: Sequence[str], wanted: str) -> str:
    cause = f'it carries {" and ".join(found[:MAX_NAMED])}, not {wanted}'
    transport = next((TRANSPORTS[name] for name in found if name in TRANSPORTS), None)
    if transport is not None and wanted in TRANSPORTS:
        return f'{cause}: set the parameter image_transport to {transport}.'
    return f"{cause}: this is not the topic of a camera's images."


def _named(publishers: Sequence[Endpoint]) -> str:
    names = [str(publisher) for publisher in publishers[:MAX_NAMED]]
    if len(publishers) > MAX_NAMED:
        names.append(f'{len(publishers) - MAX_NAMED} more')
    return ', '.join(names)
