# SPDX-License-Identifier: Apache-2.0
"""A camera in a process of its own, which is commanded by a pipe."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
import os
import time

from benchmark.workload import Case, serialized_messages, stamped
from fire_detector.ros.camera_subscription import TOPICS
from fire_detector.ros.process import ros_process
import rclpy
from rclpy.publisher import Publisher

SUBSCRIBER_TIMEOUT, END_TIMEOUT = 20.0, 5.0
# As that of camera drivers, which are reliable, too.
DEPTH = 10


@dataclass(frozen=True)
class Command:
    """
    What a camera is to publish.

    :ivar namespace: of the topic.
    :ivar case: the kind of image.
    :ivar variants: different images, which take turns.
    :ivar count: images.
    :ivar rate: images a second.
    """

    namespace: str
    case: Case
    variants: int
    count: int
    rate: float


@contextmanager
def running_camera(environment: Mapping[str, str]) -> Iterator[Connection]:
    """
    Run a camera for as long as the context lasts.

    :param environment: variables of ROS.
    :return: takes a Command, brings a list of stamps or a TimeoutError.
    """
    spawn = get_context('spawn')
    pipe, end = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(end, environment))
    process.start()
    end.close()
    try:
        yield pipe
    finally:
        pipe.close()
        process.join(END_TIMEOUT)
        process.kill()


def _serve(pipe: Connection, environment: Mapping[str, str]) -> None:
    """Execute commands until the other end of the pipe is closed."""
    os.environ.update(environment)
    messages = lru_cache(maxsize=1)(serialized_messages)
    # Kept, since the first image of a new one may be lost.
    publishers: dict[tuple[str, str], Publisher] = {}
    with ros_process([]), suppress(EOFError, OSError):
        node = rclpy.create_node('benchmark_camera')
        while True:
            command = pipe.recv()
            key = command.namespace, command.case.transport
            if key not in publishers:
                name, message_type, _ = TOPICS[command.case.transport]
                publishers[key] = node.create_publisher(
                    message_type, f'/{command.namespace}/{name}', DEPTH)
            try:
                pipe.send(_publish(publishers[key], messages(command.case, command.variants),
                                   command))
            except TimeoutError as error:
                pipe.send(error)


def _publish(publisher: Publisher, messages: list[bytearray], command: Command) -> list[float]:
    """Publish images at their rate, once somebody has subscribed; return their stamps."""
    deadline = time.monotonic() + SUBSCRIBER_TIMEOUT
    while not publisher.get_subscription_count():
        if time.monotonic() > deadline:
            raise TimeoutError(f'nobody subscribes to {publisher.topic_name}')
        time.sleep(0.01)
    stamps, start = [], time.monotonic()
    for number in range(command.count):
        time.sleep(max(0.0, start + number / command.rate - time.monotonic()))
        message, stamp = stamped(messages[number % len(messages)])
        publisher.publish(message)
        stamps.append(stamp)
    return stamps
