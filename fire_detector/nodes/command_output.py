# SPDX-License-Identifier: Apache-2.0
"""The guard's output: velocity commands to the base, the last of which is zero."""

from collections.abc import Iterator
from contextlib import contextmanager
import math
from threading import Lock
import time
from typing import Any

from fire_detector.guard.message_age import explain_age, SECOND
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.duration import Duration
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

OUTPUT, DEPTH = 'cmd_vel_out', 10
# Seconds in which a command is to be sent, and the last one to be acknowledged.
SENT_WITHIN = 0.2


class CommandOutput:
    """
    The publisher of commands.

    Commands pass from :meth:`start` until :meth:`end`, which sends a zero: none passes after it,
    also of a callback that another thread runs at that moment.

    :ivar topic: the topic's resolved name.
    :ivar message_type: Twist or TwistStamped.
    """

    def __init__(self, node: LifecycleNode, stamped: bool) -> None:
        """
        Make the publisher.

        :param node: the node to publish with.
        :param stamped: whether commands are TwistStamped.
        """
        self._node, self._stamped = node, stamped
        self.message_type: Any = TwistStamped if stamped else Twist
        self._publisher: Any = node.create_lifecycle_publisher(self.message_type, OUTPUT, DEPTH)
        self.topic: str = self._publisher.topic_name
        self._lock, self._started = Lock(), False
        self._last: Any = None
        self._last_at = 0.0

    def start(self) -> None:
        """Let commands pass."""
        self._last, self._started = None, True

    def publish(self, command: Any, scale: float) -> None:
        """
        Publish a command.

        :param command: of the message type; it is changed.
        :param scale: what it is multiplied by.
        """
        if scale != 1.0:
            _multiply(self.twist_of(command), scale)
        with self._lock:
            if self._started:
                self._last, self._last_at = command, time.monotonic()
                self._send(command)

    def stop(self) -> None:
        """Publish a zero."""
        self.publish(self._zero(), 1.0)

    def slow_down(self, ratio: float, max_age: float) -> None:
        """
        Publish the last command again, slower, for a base that goes on with it.

        It is not, where that was zero. One that is too old to pass becomes zero: what has ceased
        to be commanded may not set a robot in motion.

        :param ratio: what it is multiplied by.
        :param max_age: seconds; 0 where the age is not checked.
        """
        last = self._last
        if last is None or self.twist_of(last) == Twist():
            return
        if explain_age(int(self._last_at * SECOND), int(time.monotonic() * SECOND), max_age):
            ratio = 0.0
        if self._stamped:
            last.header.stamp = self._node.get_clock().now().to_msg()
        self.publish(last, ratio)

    def end(self) -> None:
        """
        Stop the robot, let nothing pass from now on, and wait until the zero is sent.

        ROS may have been shut down: what then cannot be sent is reported in the log.
        """
        with self._lock:
            if not self._started:
                return
            self._started = False
            with self._reported('no stop could be sent'):
                self._send(self._zero())
        with self._reported('the stop may not have been received'):
            if not self._publisher.wait_for_all_acked(Duration(seconds=SENT_WITHIN)):
                self._node.get_logger().warning(
                    f'not every subscription to {self.topic} has acknowledged the stop')

    def destroy(self) -> None:
        """Free the publisher."""
        self._node.destroy_lifecycle_publisher(self._publisher)

    def twist_of(self, command: Any) -> Twist:
        """Return the velocities of a command."""
        return command.twist if self._stamped else command

    def _zero(self) -> Any:
        if not self._stamped:
            return Twist()
        frame_id = '' if self._last is None else self._last.header.frame_id
        return TwistStamped(header=Header(stamp=self._node.get_clock().now().to_msg(),
                                          frame_id=frame_id))

    def _send(self, command: Any) -> None:
        """Publish; try again where the middleware cannot, as a starved Fast DDS for 0.1 s."""
        deadline = time.monotonic() + SENT_WITHIN
        while True:
            try:
                self._publisher.publish(command)
                return
            except rclpy_implementation.RCLError:
                if time.monotonic() > deadline or not self._node.context.ok():
                    raise

    @contextmanager
    def _reported(self, problem: str) -> Iterator[None]:
        try:
            yield
        except (InvalidHandle, rclpy_implementation.RCLError) as error:
            self._node.get_logger().error(f'{problem}: {error}')


def is_finite(twist: Twist) -> bool:
    """Return whether a base can follow a command."""
    # A sum is finite only if each part is; one too large for a float is no speed, either.
    linear, angular = twist.linear, twist.angular
    return math.isfinite(linear.x + linear.y + linear.z + angular.x + angular.y + angular.z)


def _multiply(twist: Twist, factor: float) -> None:
    for vector in (twist.linear, twist.angular):
        # Zero itself, for what is not finite and for a zero without a sign.
        vector.x, vector.y, vector.z = (
            (vector.x * factor, vector.y * factor, vector.z * factor) if factor else
            (0.0, 0.0, 0.0))
