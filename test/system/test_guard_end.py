# SPDX-License-Identifier: Apache-2.0
"""The end of a guard: the last command is zero, whatever ends it."""

from collections.abc import Iterator
import signal
import sys
import threading
import time
from typing import Any

from fire_detector.nodes.command_output import CommandOutput
from geometry_msgs.msg import Twist
from guarded_robot import FORWARD, speeds, twist_of, ZERO
import pytest
import rclpy
from rclpy.context import Context
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode
from ros_session import RosSession

BASE = """
import rclpy
from geometry_msgs.msg import Twist
rclpy.init()
node = rclpy.create_node('base')
node.create_subscription(Twist, 'cmd_vel_out', print, 10)
rclpy.spin(node)
"""


@pytest.fixture
def node(ros: RosSession) -> Iterator[LifecycleNode]:
    """Return an active node in a context of its own."""
    context = Context()
    rclpy.init(context=context, domain_id=int(ros.environment['ROS_DOMAIN_ID']))
    node = LifecycleNode('guard', context=context)
    yield node
    node.destroy_node()
    rclpy.try_shutdown(context=context)


def started_output(node: LifecycleNode) -> CommandOutput:
    """Return an output through which commands pass."""
    output = CommandOutput(node, False)
    node.trigger_configure()
    node.trigger_activate()
    output.start()
    return output


def test_nothing_passes_an_end_in_another_thread(ros: RosSession, node: LifecycleNode) -> None:
    """While one thread publishes as fast as it can, the zero of another one is the last."""
    out: list[Any] = ros.collect(Twist, '/cmd_vel_out')
    for _ in range(20):
        output = started_output(node)
        end = threading.Event()

        def publish(output: CommandOutput = output, end: threading.Event = end) -> None:
            while not end.is_set():
                output.publish(twist_of(FORWARD), 1.0)

        thread = threading.Thread(target=publish)
        thread.start()
        ros.wait_for(lambda: any(speeds(each) == FORWARD for each in out), 'commands')
        output.end()
        # Nothing more than what is on its way.
        time.sleep(0.01)
        end.set()
        thread.join()
        ros.wait_for(lambda: speeds(out[-1]) == ZERO, 'the zero')
        assert not ros.happens(lambda: speeds(out[-1]) != ZERO, within=0.02)
        output.destroy()
        out.clear()
        node.trigger_deactivate()
        node.trigger_cleanup()


def test_end_waits_no_longer_than_its_deadline(
        ros: RosSession, node: LifecycleNode, capfd: Any) -> None:
    """A base that has stopped reading keeps the end of the guard waiting for 0.2 s, not more."""
    output = started_output(node)
    base = ros.start_command([sys.executable, '-c', BASE])
    ros.wait_for(lambda: ros.node.count_subscribers('/cmd_vel_out') == 1, 'the base')

    def arrives() -> bool:
        # The first ones are lost where the output has not found the base yet.
        output.publish(twist_of(FORWARD), 1.0)
        return 'x=1.0' in base.output

    ros.wait_for(arrives, 'a command')
    base.popen.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    output.end()
    assert 0.15 < time.monotonic() - began < 1.0
    assert 'not every subscription to /cmd_vel_out has acknowledged' in capfd.readouterr().err
    base.popen.send_signal(signal.SIGCONT)
    # It was sent nevertheless.
    ros.wait_for(lambda: 'x=0.0' in base.output.splitlines()[-1], 'the zero')


def test_end_after_ros_is_gone(node: LifecycleNode, capfd: Any) -> None:
    """What cannot be sent any more is reported, and raises nothing."""
    output = started_output(node)
    rclpy.shutdown(context=node.context)
    output.end()
    output.end()
    output.publish(twist_of(FORWARD), 1.0)
    assert 'no stop could be sent' in capfd.readouterr().err


class StarvedPublisher:
    """A publisher whose middleware cannot publish at first."""

    def __init__(self, publisher: Any, failures: int) -> None:
        """Fail so many times."""
        self._publisher, self._failures = publisher, failures

    def publish(self, message: Any) -> None:
        """Publish, or fail as rclpy does."""
        if self._failures:
            self._failures -= 1
            raise rclpy_implementation.RCLError('Failed to publish: cannot publish data')
        self._publisher.publish(message)

    def wait_for_all_acked(self, timeout: Any) -> bool:
        """Wait as the publisher does."""
        return bool(self._publisher.wait_for_all_acked(timeout))


def test_publishing_is_tried_again(ros: RosSession, node: LifecycleNode) -> None:
    """A command and a stop that the middleware cannot publish at once are published."""
    out: list[Any] = ros.collect(Twist, '/cmd_vel_out')
    output = started_output(node)

    def arrives() -> bool:
        output.publish(twist_of((2.0, *ZERO[1:])), 1.0)
        return bool(out)

    ros.wait_for(arrives, 'a command')
    publisher = output._publisher
    for command in (lambda: output.publish(twist_of(FORWARD), 1.0), output.end):
        output._publisher = StarvedPublisher(publisher, 2)
        command()
    ros.wait_for(lambda: [speeds(each) for each in out[-2:]] == [FORWARD, ZERO], 'both')
    output.start()
    output._publisher = StarvedPublisher(publisher, 1_000_000)
    with pytest.raises(rclpy_implementation.RCLError):
        output.publish(twist_of(FORWARD), 1.0)
    # As far as it can.
    output.end()
