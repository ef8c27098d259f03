# SPDX-License-Identifier: Apache-2.0
"""
Cancel the goal of Nav2 on a fire alarm, and turn until the fire is in view.

`python3 cancel_and_turn.py`, with nav2_simple_commander of Humble or later; other names by
`--ros-args -r fire_detector/fire_detected:=...`. The detector does not publish where in the image
the fire is: the robot turns in steps, smaller than the camera's field of view, until the alarm is
raised.
"""

from collections.abc import Callable
import math
import time
from typing import Any, Protocol

from action_msgs.srv import CancelGoal
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from std_msgs.msg import Bool

# Radians; the field of view of a camera is about 60 degrees.
STEP = math.radians(45)
STEPS = 8
TIME_ALLOWANCE = 10
# Seconds in which the robot comes to rest, and earlier images leave the alarm's window.
SETTLE = 2.0
ACTIONS = ('navigate_to_pose', 'navigate_through_poses', 'follow_waypoints')


class Navigator(Protocol):
    """The part of nav2_simple_commander's BasicNavigator that is used."""

    def spin(self, spin_dist: float, time_allowance: int) -> object:
        """Start to turn by so many radians; return a false value when that is refused."""

    def isTaskComplete(self) -> bool:  # noqa: N802 - its name there
        """Spin the node for a moment, and return whether the turn is over."""

    def cancelTask(self) -> None:  # noqa: N802 - its name there
        """Cancel the turn."""


class FireResponse:
    """
    The response to an alarm: cancel all goals and face the fire.

    :ivar alarm: the last message of the detector.
    """

    def __init__(self, navigator: Navigator, cancel_goals: Callable[[], None],
                 wait: Callable[[float], None]) -> None:
        """
        Set up the response.

        :param navigator: turns the robot.
        :param cancel_goals: cancels all goals, whoever sent them.
        :param wait: spins the node for so many seconds.
        """
        self.alarm = False
        self._navigator, self._cancel_goals, self._wait = navigator, cancel_goals, wait

    def receive(self, message: Bool) -> None:
        """Store the detector's last message."""
        self.alarm = message.data

    def respond(self) -> bool:
        """Cancel all goals and turn; return whether the fire is in view."""
        self._cancel_goals()
        self._wait(SETTLE)
        for _ in range(STEPS):
            if self.alarm or not self._navigator.spin(STEP, TIME_ALLOWANCE):
                break
            while not self._navigator.isTaskComplete():
                if self.alarm:
                    self._navigator.cancelTask()
                    break
            self._wait(SETTLE)
        return self.alarm


def cancel_goals(node: Node, actions: tuple[str, ...] = ACTIONS) -> None:
    """
    Request all action servers to cancel every goal, whoever has sent it.

    A request without a goal and without a time means all:
    https://design.ros2.org/articles/actions.html
    """
    clients: list[Any] = [node.create_client(CancelGoal, f'{action}/_action/cancel_goal')
                          for action in actions]
    futures = [client.call_async(CancelGoal.Request()) for client in clients
               if client.service_is_ready() or client.wait_for_service(0.5)]
    for future in futures:
        rclpy.spin_until_future_complete(node, future, timeout_sec=1.0)
    for client in clients:
        node.destroy_client(client)


def wait_on(node: Node, seconds: float) -> None:
    """Spin a node for so many seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        rclpy.spin_once(node, timeout_sec=left)


def main() -> None:
    """Respond to every alarm, until interrupted."""
    from nav2_simple_commander.robot_navigator import BasicNavigator

    rclpy.init()
    node = BasicNavigator(node_name='fire_response')
    response = FireResponse(node, lambda: cancel_goals(node), lambda left: wait_on(node, left))
    node.create_subscription(Bool, 'fire_detector/fire_detected', response.receive, 10)
    try:
        while rclpy.ok():
            rclpy.spin_once(node)
            if response.alarm:
                facing = response.respond()
                node.get_logger().warning(
                    'stopped, with the fire in view' if facing else
                    'stopped; no fire in view from here')
                while response.alarm:
                    rclpy.spin_once(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass


if __name__ == '__main__':
    main()
