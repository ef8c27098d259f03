# SPDX-License-Identifier: Apache-2.0
"""Publish the messages of a bag, byte by byte as recorded and at their own pace."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
import importlib
from pathlib import Path
import time
from typing import Any

from builtin_interfaces.msg import Time
from fire_detector.replay.bags.files import BagError
from fire_detector.ros.process import ros_process
import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy
from rclpy.utilities import ok
from rosbags.interfaces import Connection, ConnectionExtRosbag2, Qos
from rosbags.rosbag2 import Reader
from rosgraph_msgs.msg import Clock

CLOCK = '/clock'
# Nanoseconds between two messages on /clock: 40 a second, as `ros2 bag play --clock`.
CLOCK_PERIOD = 25_000_000
DEPTH = 10
HEARD_TIMEOUT = 10.0
POLL_PERIOD = 0.05
DELIVERY_TIMEOUT = Duration(seconds=5)
NANOSECONDS = 1_000_000_000


def play(path: Path, topics: Sequence[str], rate: float) -> None:
    """
    Play a bag to its end, or until Ctrl-C.

    :param path: folder, .mcap or .db3 file.
    :param topics: what to publish; empty for all whose message types are installed.
    :param rate: how many times as fast as recorded; above 0.
    :raises BagError: when it cannot be read, or there is nothing to publish.
    """
    with _opened(path) as reader:
        left_out: list[str] = []
        chosen = _choose(reader, path, topics, left_out)
        with ros_process(None):
            node = rclpy.create_node('fire_replay')
            for reason in left_out:
                node.get_logger().warning(f'left out: {reason}')
            player = _Player(node, chosen, rate)
            player.wait_until_heard(HEARD_TIMEOUT)
            player.play(_messages(reader, path, [connection for connection, _ in chosen]))


def recorded_qos(profiles: Iterable[Qos]) -> QoSProfile:
    """
    Offer what the recorded publishers of a topic offered.

    Where they differed, the most that one of them did, which every subscriber of theirs accepts.

    :param profiles: from the bag; empty where it has none, and then reliable and volatile.
    """
    profiles = list(profiles)
    best_effort = bool(profiles) and all(
        profile.reliability.name == 'BEST_EFFORT' for profile in profiles)
    lasting = any(profile.durability.name == 'TRANSIENT_LOCAL' for profile in profiles)
    # 0 where the recorder did not learn it, as from most middlewares.
    depth = max((profile.depth for profile in profiles), default=0) or DEPTH
    return QoSProfile(
        depth=depth,
        reliability=(QoSReliabilityPolicy.BEST_EFFORT if best_effort
                     else QoSReliabilityPolicy.RELIABLE),
        durability=(QoSDurabilityPolicy.TRANSIENT_LOCAL if lasting
                    else QoSDurabilityPolicy.VOLATILE))


class _Player:
    """Publish messages when they are due, and the bag's time."""

    def __init__(self, node: Node, chosen: Sequence[tuple[Connection, Any]], rate: float) -> None:
        """Make the publishers."""
        self._node = node
        self._rate = rate
        self._clock = node.create_publisher(Clock, CLOCK, DEPTH)
        profiles: dict[str, list[Qos]] = {}
        for connection, _ in chosen:
            # Always so for rosbag2; rosbags has another for ROS 1.
            assert isinstance(connection.ext, ConnectionExtRosbag2)
            profiles.setdefault(connection.topic, []).extend(connection.ext.offered_qos_profiles)
        types = {connection.topic: message_type for connection, message_type in chosen}
        self._publishers: dict[str, Publisher] = {
            topic: node.create_publisher(message_type, topic, recorded_qos(profiles[topic]))
            for topic, message_type in types.items()}

    def wait_until_heard(self, timeout: float) -> None:
        """Wait until somebody subscribes to a topic; after so many seconds, go on without."""
        log = self._node.get_logger()
        log.info(f'waiting for a subscriber to one of: {", ".join(sorted(self._publishers))}')
        deadline = time.monotonic() + timeout
        while ok() and not any(publisher.get_subscription_count()
                               for publisher in self._publishers.values()):
            if time.monotonic() > deadline:
                log.warning(f'nobody has subscribed within {timeout:g} s: playing all the same')
                return
            time.sleep(POLL_PERIOD)

    def play(self, messages: Iterable[tuple[str, int, bytes]]) -> None:
        """
        Publish to the last message, and wait until that has been received.

        :param messages: topic, time of recording in nanoseconds, and serialized message.
        """
        started = time.monotonic_ns()
        first: int | None = None
        count = 0
        for topic, stamp, data in messages:
            first = stamp if first is None else first
            self._wait_until_due(stamp, first, started)
            if not ok():
                return
            self._tell_time(stamp)
            self._publishers[topic].publish(data)
            count += 1
        took = (time.monotonic_ns() - started) / NANOSECONDS
        for publisher in self._publishers.values():
            publisher.wait_for_all_acked(DELIVERY_TIMEOUT)
        self._node.get_logger().info(f'published {count} messages in {took:.1f} s')

    def _wait_until_due(self, stamp: int, first: int, started: int) -> None:
        """Wait for the time of a message, with /clock going on."""
        due = started + round((stamp - first) / self._rate)
        while ok() and (left := due - time.monotonic_ns()) > 0:
            time.sleep(min(left, CLOCK_PERIOD) / NANOSECONDS)
            if left > CLOCK_PERIOD:
                passed = (time.monotonic_ns() - started) * self._rate
                # What follows is not to be earlier.
                self._tell_time(min(first + round(passed), stamp))

    def _tell_time(self, stamp: int) -> None:
        sec, nanosec = divmod(stamp, NANOSECONDS)
        self._clock.publish(Clock(clock=Time(sec=sec, nanosec=nanosec)))


@contextmanager
def _opened(path: Path) -> Iterator[Reader]:
    """Open a bag, and turn what rosbags says about a broken one into our own error."""
    if path.suffix == '.bag':
        raise BagError(f'{path} is a bag of ROS 1. Convert it, and publish what comes of it: '
                       f'rosbags-convert --src {path} --dst {path.with_suffix("")}')
    try:
        reader = Reader(path)
        reader.open()
    except Exception as error:
        # Those of the storage come as they are.
        raise BagError(f'{path} cannot be read: {error or type(error).__name__}') from error
    try:
        yield reader
    finally:
        reader.close()


def _choose(reader: Reader, path: Path, topics: Sequence[str],
            left_out: list[str]) -> list[tuple[Connection, Any]]:
    """
    Find what is to be published, with the messages' types.

    :param left_out: where to say what is not, and why.
    :raises BagError: when a topic that is asked for cannot be, or nothing at all can.
    """
    there = sorted({connection.topic for connection in reader.connections})
    missing = [topic for topic in topics if topic not in there]
    if missing:
        raise BagError(f'{path} has no topic {", ".join(missing)}; it has: {", ".join(there)}')
    chosen: list[tuple[Connection, Any]] = []
    for connection in reader.connections:
        if topics and connection.topic not in topics:
            continue
        if connection.topic == CLOCK:
            left_out.append(f'{CLOCK}, which is published from the times of recording')
            continue
        try:
            chosen.append((connection, message_class(connection.msgtype)))
        except (ImportError, AttributeError) as error:
            reason = (f'{connection.topic}, whose type {connection.msgtype} cannot be imported '
                      f'here: {error}')
            if topics:
                raise BagError(f'{path}: cannot publish {reason}. Install and source its '
                               f'package') from error
            left_out.append(reason)
    if not chosen:
        raise BagError(f'{path}: nothing to publish. ' + '; '.join(
            f'left out: {reason}' for reason in left_out))
    return chosen


def message_class(name: str) -> Any:
    """
    Import a message type.

    :param name: as in 'sensor_msgs/msg/Image'.
    :raises ImportError: when its package is not installed.
    :raises AttributeError: when that has no such message.
    """
    *package, message = name.split('/')
    return getattr(importlib.import_module('.'.join(package)), message)


def _messages(reader: Reader, path: Path,
              connections: list[Connection]) -> Iterator[tuple[str, int, bytes]]:
    messages = reader.messages(connections)
    while True:
        try:
            connection, stamp, data = next(messages)
        except StopIteration:
            return
        except Exception as error:
            raise BagError(f'{path} cannot be read to its end, it may be damaged: '
                           f'{error or type(error).__name__}') from error
        yield connection.topic, stamp, bytes(data)
