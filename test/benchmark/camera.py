# SPDX-License-Identifier: Apache-2.0
"""
A camera in a process of its own, that publishes what it is told.

It reads commands from stdin and writes a reply to stdout, each one line of JSON.
"""

from dataclasses import asdict, dataclass
import json
import sys
import time
from typing import Any

from fire_detector.ros.camera_subscription import TOPICS
from fire_detector.ros.process import ros_process
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile

from benchmark.workload import Case, serialized_messages, stamped

SUBSCRIBER_TIMEOUT = 20.0
# As camera drivers have it.
DEPTH = 10


@dataclass(frozen=True)
class Command:
    """
    Return a camera what to publish.

    :ivar namespace: of the topic.
    :ivar case: what to publish.
    :ivar variants: different images, shown in turn.
    :ivar count: images.
    :ivar rate: images a second.
    """

    namespace: str
    case: Case
    variants: int
    count: int
    rate: float

    def to_line(self) -> str:
        """Write the command as the camera reads it."""
        return json.dumps(asdict(self)) + '\n'

    @staticmethod
    def of_line(line: str) -> 'Command':
        """Read what `to_line` has written."""
        fields = json.loads(line)
        return Command(**fields | {'case': Case(**fields['case'])})


class Camera:
    """Publish images, as reliably as camera drivers do."""

    def __init__(self, node: Node) -> None:
        """Publish nothing yet."""
        self._node = node
        self._messages: dict[tuple[Case, int], list[bytearray]] = {}
        # Kept, since the first image of a new one may be lost.
        self._publishers: dict[str, Any] = {}

    def publish(self, command: Command) -> list[float]:
        """
        Publish what is asked for, at its pace, once somebody has subscribed.

        :return: the stamps.
        :raises TimeoutError: when nobody subscribes.
        """
        key = command.case, command.variants
        if key not in self._messages:
            self._messages.clear()
            self._messages[key] = serialized_messages(*key)
        messages = self._messages[key]
        name, message_type, _ = TOPICS[command.case.transport]
        topic = f'/{command.namespace}/{name}'
        if topic not in self._publishers:
            self._publishers[topic] = self._node.create_publisher(
                message_type, topic, QoSProfile(depth=DEPTH))
        publisher = self._publishers[topic]
        deadline = time.monotonic() + SUBSCRIBER_TIMEOUT
        while not publisher.get_subscription_count():
            if time.monotonic() > deadline:
                raise TimeoutError(f'nobody subscribes to {publisher.topic_name}')
            time.sleep(0.01)
        stamps = []
        start = time.monotonic()
        for number in range(command.count):
            time.sleep(max(0.0, start + number / command.rate - time.monotonic()))
            message, stamp = stamped(messages[number % len(messages)])
            publisher.publish(message)
            stamps.append(stamp)
        return stamps


def main() -> int:
    """Serve commands until stdin ends; return the exit status."""
    with ros_process([]):
        camera = Camera(rclpy.create_node('benchmark_camera'))
        for line in sys.stdin:
            print(json.dumps(camera.publish(Command.of_line(line))), flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
