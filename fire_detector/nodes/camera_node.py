# SPDX-License-Identifier: Apache-2.0
"""What the cameras without hardware have in common: publish images as a driver would."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from fire_detector.images.color_image import ColorImage
from fire_detector.ros.camera_subscription import resolve_image_topic, TOPICS
from fire_detector.ros.messages import to_compressed_message, to_image_message
from fire_detector.ros.node_help import NodeHelp
from fire_detector.ros.parameters import declare_parameters, read_parameters, warn_undeclared
from fire_detector.ros.process import run_node
import rclpy
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

DELIVERY_TIMEOUT = Duration(seconds=5)
POLL_PERIOD = 0.05
# The transport that each message type means.
TRANSPORTS = {message_type: transport for transport, (_, message_type, _) in TOPICS.items()}
# Of queues. Publishers are reliable, as those of usb_cam, v4l2_camera and camera_ros are.
DEPTH = 10
STEADY = Clock(clock_type=ClockType.STEADY_TIME)


class Playback(ABC):
    """
    Images that are published from the first subscription on, so that none are lost.

    :ivar finished: done after the last image.
    """

    def __init__(self, node: Node, source: str, *message_types: Any) -> None:
        """
        Create the publishers, and log what is waited for.

        :param node: of the camera.
        :param source: what will be published, its size and its pace, for the log.
        :param message_types: keys of TRANSPORTS.
        """
        self.finished: Future = Future()
        self._node = node
        self._publishers: dict[Any, Publisher] = {
            kind: node.create_publisher(
                kind, resolve_image_topic(node, TRANSPORTS[kind]), DEPTH)
            for kind in message_types}
        node.get_logger().info(
            f'{source}: waiting for a subscription to {self._topics(" or ")}')
        self._poll = node.create_timer(POLL_PERIOD, self._start_when_subscribed, clock=STEADY)

    @abstractmethod
    def start(self) -> None:
        """Start publishing."""

    def wait_until_delivered(self) -> None:
        """Wait until every reliable subscriber has what was published."""
        for publisher in self._publishers.values():
            publisher.wait_for_all_acked(DELIVERY_TIMEOUT)

    def finish(self) -> None:
        """End the playback after the last image."""
        self.wait_until_delivered()
        self.finished.set_result(None)

    def _subscriptions(self, message_type: Any) -> int:
        return int(self._publishers[message_type].get_subscription_count())

    def _topics(self, conjunction: str) -> str:
        return conjunction.join(each.topic_name for each in self._publishers.values())

    def _start_when_subscribed(self) -> None:
        if any(map(self._subscriptions, self._publishers)):
            self._node.destroy_timer(self._poll)
            self._node.get_logger().info(f'publishing {self._topics(" and ")}')
            self.start()


class ImagePlayback(Playback):
    """Images at a rate, on `image` and `image/compressed`, each while somebody subscribes."""

    def __init__(self, node: Node, source: str, images: Iterator[ColorImage], rate: float,
                 values: Mapping[str, Any]) -> None:
        """
        Read the first image and create the publishers.

        :param node: of the camera.
        :param source: where the images come from, for the log.
        :param images: to publish, at least one.
        :param rate: images a second, above 0.
        :param values: of the parameters of every camera, by name.
        """
        first = next(images)
        height, width = first.pixels.shape[:2]
        super().__init__(node, f'{source}, {width}x{height}, {rate:g} images a second',
                         *TRANSPORTS)
        self._images, self._rate = chain((first,), images), rate
        self._frame_id, self._jpeg_quality = values['frame_id'], values['jpeg_quality']

    def start(self) -> None:
        """Start publishing."""
        self._timer = self._node.create_timer(1.0 / self._rate, self._publish_next)

    def _publish_next(self) -> None:
        image = next(self._images, None)
        if image is None:
            self._node.destroy_timer(self._timer)
            self.finish()
            return
        header = Header(stamp=self._node.get_clock().now().to_msg(), frame_id=self._frame_id)
        if self._subscriptions(Image):
            self._publishers[Image].publish(to_image_message(image, header))
        if self._subscriptions(CompressedImage):
            self._publishers[CompressedImage].publish(
                to_compressed_message(image, header, self._jpeg_quality))


def run_camera(page: NodeHelp, create: Callable[[Node, Mapping[str, Any]], Playback],
               args: Sequence[str] | None) -> int:
    """
    Run a camera until its last image or an interrupt.

    :param page: its help page, with the node's name and the table of its parameters.
    :param create: makes the playback from the node and the values of its parameters; a ValueError
        ends the program with its message.
    :param args: command line arguments, as rclpy.init takes them.
    :return: the exit status.
    """
    def create_and_check() -> Callable[[], None]:
        node = Node(page.program)
        if problems := declare_parameters(node, page.parameters):
            raise ValueError('; '.join(problems.values()))
        warn_undeclared(node, page.parameters)
        values = read_parameters(node, page.parameters)
        finished = create(node, values).finished
        return lambda: rclpy.spin_until_future_complete(node, finished)

    return run_node(page, create_and_check, args, (ValueError,))
