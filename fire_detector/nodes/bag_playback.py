# SPDX-License-Identifier: Apache-2.0
"""Publish the images of a bag with their recorded headers, at their recorded pace."""

from collections.abc import Mapping
from pathlib import Path
import time
from typing import Any

from fire_detector.images.decode import describe
from fire_detector.nodes.camera_node import DEPTH, Playback, STEADY
from fire_detector.replay.bags.files import BagError
from fire_detector.replay.bags.reader import (
    Bag,
    COMPRESSED_IMAGE,
    IMAGE,
    RecordedImage,
    serialize,
)
from rclpy.node import Node
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image

MESSAGE_TYPES = {IMAGE: Image, COMPRESSED_IMAGE: CompressedImage}
# Seconds between two messages on /clock: 40 a second, as of `ros2 bag play --clock`.
CLOCK_PERIOD = 0.025


class BagPlayback(Playback):
    """
    The images of one topic of a bag, on `image` or `image/compressed`.

    The time of the bag is that at which the recorder received a message.
    """

    def __init__(self, node: Node, path: Path, values: Mapping[str, Any]) -> None:
        """
        Open the bag and read the first message.

        :param node: of the camera.
        :param path: of the bag.
        :param values: of the parameters, by name.
        :raises BagError: when there is nothing to publish.
        """
        self._log = node.get_logger()
        self._bag = Bag(path)
        topic = choose_topic(self._bag, values['topic'])
        self._messages = self._bag.messages((topic,))
        self._problems_logged = 0
        first = self._read()
        if first is None:
            raise BagError(f'{path}: not a single image of {topic} could be read')
        self._speed = float(values['speed'])
        _, size = describe(first.message)
        super().__init__(
            node, f'{topic} of {path}, {size}, {self._speed:g} times as fast as recorded',
            MESSAGE_TYPES[first.message_type])
        self._first, self._pending = first.received, first
        self._bag_time = first.received
        self._clock_publisher = (node.create_publisher(Clock, '/clock', DEPTH)
                                 if values['clock'] else None)

    def start(self) -> None:
        """Start publishing."""
        self._started = time.monotonic()
        self._timers = [self._node.create_timer(0.0, self._publish_pending, clock=STEADY)]
        if self._clock_publisher is not None:
            self._timers.append(
                self._node.create_timer(CLOCK_PERIOD, self._publish_passed_time, clock=STEADY))

    def _publish_pending(self) -> None:
        message = self._pending
        self._publish_time(message.received)
        self._publishers[MESSAGE_TYPES[message.message_type]].publish(serialize(message))
        following = self._read()
        if following is None:
            for timer in self._timers:
                self._node.destroy_timer(timer)
            self.finish()
            return
        self._pending = following
        due = self._started + (following.received - self._first) / 1e9 / self._speed
        timer = self._timers[0]
        timer.timer_period_ns = round(1e9 * max(0.0, due - time.monotonic()))
        timer.reset()

    def _publish_passed_time(self) -> None:
        passed = round(1e9 * (time.monotonic() - self._started) * self._speed)
        # What is published next is not to be from the past.
        self._publish_time(min(self._first + passed, self._pending.received))

    def _publish_time(self, bag_time: int) -> None:
        # The clock never turns back, though a recorder's may.
        self._bag_time = max(self._bag_time, bag_time)
        if self._clock_publisher is not None:
            self._clock_publisher.publish(Clock(clock=Time(nanoseconds=self._bag_time).to_msg()))

    def _read(self) -> RecordedImage | None:
        """Return the next message that can be decoded; None after the last."""
        following = None
        for message in self._messages:
            if message.message is not None:
                following = message
                break
            self._log.error(f'{self._bag.path}: {message.topic}: {message.problem}')
        for problem in self._bag.problems[self._problems_logged:]:
            self._log.error(problem)
        self._problems_logged = len(self._bag.problems)
        return following


def choose_topic(bag: Bag, wanted: str) -> str:
    """
    Choose the topic to play.

    :param bag: to play.
    :param wanted: a topic with images; '' for the only one.
    :raises BagError: when there is no such topic, or several where none is wanted; the message
        lists those that there are.
    """
    types = bag.topics()
    topics = sorted(topic for topic, kind in types.items() if kind in MESSAGE_TYPES)
    if wanted in topics or (len(topics) == 1 and not wanted):
        return wanted or topics[0]
    if not topics:
        listed = ', '.join(f'{topic} ({kind})' for topic, kind in sorted(types.items()))
        raise BagError(f'{bag.path}: no topic with images ({IMAGE} or {COMPRESSED_IMAGE}): '
                       f'{listed}')
    raise BagError(f'{bag.path}: parameter topic is {wanted!r}, expected one of its topics with '
                   f'images: {", ".join(topics)}')
