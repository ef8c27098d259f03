# SPDX-License-Identifier: Apache-2.0
"""The subscription to the camera, which follows what its publishers offer."""

from collections.abc import Callable, Sequence
import os
from typing import Any

from fire_detector.detection.silence_cause import (
    COMPRESSED_IMAGE,
    Endpoint,
    explain_missing_images,
    IMAGE,
)
from fire_detector.parameters.detector import COMPRESSED, RAW, RELIABILITIES
from fire_detector.ros.executor import FastPathSubscription
from fire_detector.ros.fast_dds import (
    granted_receive_buffer,
    large_images_advice,
    SHARED_MEMORY,
)
from rclpy.node import Node
from rclpy.qos import QoSPolicyKind, QoSProfile, QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import CompressedImage, Image

# What each image_transport means: topic, type, and the type's name.
TOPICS: dict[str, tuple[str, Any, str]] = {
    RAW: ('image', Image, IMAGE),
    COMPRESSED: ('image/compressed', CompressedImage, COMPRESSED_IMAGE),
}
RELIABILITY: dict[str, QoSReliabilityPolicy] = {
    name: getattr(QoSReliabilityPolicy, name.upper()) for name in RELIABILITIES}
# Images of more publishers than any topic has are not counted apart.
_MOST_PUBLISHERS = 16


class CameraSubscription:
    """
    The subscription to raw or compressed images, as reliable as their publishers.

    A reliable subscription receives nothing of a best-effort publisher; a best-effort one receives
    from both, but loses images that are larger than the middleware's buffers.

    :ivar topic: the topic's resolved name.
    :ivar direct: the subscription, for an executor that takes its images.
    """

    def __init__(self, node: Node, transport: str, reliability: str,
                 on_image: Callable[[Any, int], None]) -> None:
        """
        Subscribe.

        :param node: the node to subscribe with.
        :param transport: RAW for sensor_msgs/Image on `image`, COMPRESSED for
            sensor_msgs/CompressedImage on `image/compressed`.
        :param reliability: a key of RELIABILITY, or AUTO to follow the publishers.
        :param on_image: called with each message, and how many were lost since the one before.
        """
        self._node = node
        self._fixed = RELIABILITY.get(reliability)
        _, self._type, self._type_name = TOPICS[transport]
        self._on_image = on_image
        self.topic = resolve_image_topic(node, transport)
        self._one_publisher = False
        # Bytes of the last image, and whether it has been said that as many get lost.
        self._size, self._warned_of_size = 0, False
        self._subscription = self._subscribe(self._wanted(self._publishers()))
        self._log_subscription()

    @property
    def _reliability(self) -> QoSReliabilityPolicy:
        return QoSReliabilityPolicy(self._subscription.qos_profile.reliability)

    def explain_silence(self, timeout: float) -> str:
        """
        Explain why no image comes, by what is known of the topic's publishers.

        :param timeout: seconds for which none has come.
        """
        own = self._subscription.qos_profile
        return explain_missing_images(
            self.topic, timeout, [_endpoint(info) for info in self._publishers()],
            Endpoint(self._node.get_fully_qualified_name(), self._type_name,
                     own.reliability.name.lower(), own.durability.name.lower()))

    def follow(self) -> None:
        """
        Subscribe anew where the publishers have come to offer another reliability.

        Where images are best effort and so large that the next may be lost, warn of it.
        """
        publishers = self._publishers()
        wanted = self._wanted(publishers)
        self._one_publisher = len(publishers) == 1
        if wanted != self._reliability:
            self._renew(wanted)
            self._log_subscription()
        if (wanted == QoSReliabilityPolicy.BEST_EFFORT and self._size > SHARED_MEMORY
                and not self._warned_of_size):
            self._warned_of_size = True
            if advice := large_images_advice(os.environ, granted_receive_buffer()):
                self._node.get_logger().warning(f'{self.topic}: {advice}')

    def retry(self) -> None:
        """
        Subscribe anew to publishers of which nothing comes.

        Fast DDS 3.2 passes on nothing more of a publisher after a message without any bytes.
        """
        if self._publishers():
            self._renew(self._reliability)

    def destroy(self) -> None:
        """Unsubscribe."""
        self._node.destroy_subscription(self._subscription)

    def _log_subscription(self) -> None:
        self._node.get_logger().info(f'subscribed to {self.topic}, '
                                     f'{self._reliability.name.lower().replace("_", " ")}')

    def _renew(self, reliability: QoSReliabilityPolicy) -> None:
        self.destroy()
        self._subscription = self._subscribe(reliability)

    def _publishers(self) -> list[TopicEndpointInfo]:
        """List who publishes on the topic, of whatever type."""
        return list(self._node.get_publishers_info_by_topic(self.topic))

    def _wanted(self, publishers: Sequence[TopicEndpointInfo]) -> QoSReliabilityPolicy:
        if self._fixed is not None:
            return self._fixed
        offered = {info.qos_profile.reliability for info in publishers}
        if QoSReliabilityPolicy.BEST_EFFORT in offered:
            return QoSReliabilityPolicy.BEST_EFFORT
        return QoSReliabilityPolicy.RELIABLE

    def _subscribe(self, reliability: QoSReliabilityPolicy) -> Any:
        # Depth 1: only the newest image matters. A replay, whose every image is to be processed,
        # sets the parameter qos_overrides.TOPIC.subscription.depth.
        profile = QoSProfile(depth=1, reliability=reliability)
        self._numbers: dict[bytes, int] = {}
        # Humble's rclpy passes the message alone.
        receive = (self._receive if hasattr(Subscription, 'CallbackType')
                   else lambda message: self._receive(message, {}))
        subscription = self._node.create_subscription(
            self._type, self.topic, receive, profile,
            qos_overriding_options=QoSOverridingOptions((
                QoSPolicyKind.DEPTH, QoSPolicyKind.HISTORY, QoSPolicyKind.DURABILITY)))
        self.direct = FastPathSubscription(subscription, self._receive)
        return subscription

    def _receive(self, message: Any, info: Any) -> None:
        self._size = len(message.data)
        self._on_image(message, self._lost_before(info))

    def _lost_before(self, info: Any) -> int:
        """Count the publisher's images that were missed; 0 where they are not numbered."""
        number, publisher = info.get('publication_sequence_number'), info.get('publisher_gid')
        # Jazzy's rclpy numbers the images, but does not name their publisher.
        if not number or not (publisher or self._one_publisher):
            return 0
        key = publisher['data'] if publisher else b''
        before = self._numbers.get(key)
        if before is None and len(self._numbers) >= _MOST_PUBLISHERS:
            self._numbers.clear()
        self._numbers[key] = number
        return 0 if before is None else max(0, number - before - 1)


def resolve_image_topic(node: Node, transport: str) -> str:
    """
    Return the topic of a camera's images, as image_transport finds it.

    Compressed images are below the raw ones: what `image` is remapped to holds for them, too. A
    topic that is remapped itself is left to ROS, and one that is that of compressed images already
    is taken as it is.

    :param node: with the remappings.
    :param transport: a key of TOPICS.
    :return: the full name.
    """
    name = TOPICS[transport][0]
    topic: str = node.resolve_topic_name(name)
    if transport == RAW or topic != node.resolve_topic_name(name, only_expand=True):
        return topic
    base = node.resolve_topic_name(TOPICS[RAW][0])
    return base if base.endswith(f'/{COMPRESSED}') else f'{base}/{COMPRESSED}'


def _endpoint(info: TopicEndpointInfo) -> Endpoint:
    # The name in rmw of a node of which only a publisher has been discovered.
    known = info.node_name != '_NODE_NAME_UNKNOWN_'
    return Endpoint(f'{info.node_namespace.rstrip("/")}/{info.node_name}' if known else '?',
                    info.topic_type, info.qos_profile.reliability.name.lower(),
                    info.qos_profile.durability.name.lower())
