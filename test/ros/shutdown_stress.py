# SPDX-License-Identifier: Apache-2.0
"""
Shut ROS down again and again while a node is busy: `python shutdown_stress.py KIND COUNT`.

KIND is `thread`, where another thread shuts ROS down, or `signal`, where a signal ends a process.
The node publishes its own questions and calls its own services, so that all is there at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import os
import random
import signal
import sys
import threading
from typing import Any

from fire_detector.ros.lifecycle_node import run_managed
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from small_node import DEPTH, HELP, SmallNode
from std_msgs.msg import String

# Seconds: at most so long after the node has begun to work, and after which a process hangs.
LATEST, TIMEOUT = 0.03, 20
PERIOD = 0.001
# What using ROS raises while it is shut down.
CLOSED = (InvalidHandle, rclpy_implementation.RCLError)


class BusyNode(SmallNode):
    """A node that asks itself, and says when it is busy."""

    def __init__(self) -> None:
        """Make what asks."""
        super().__init__()
        self.busy, self._ended_asking = threading.Event(), threading.Event()
        self.on_question = lambda node: self.busy.set()
        self._questions = self.create_publisher(String, 'question', DEPTH)
        self._setter: Any = self.create_client(SetParameters, '~/set_parameters')
        self._getter: Any = self.create_client(GetState, '~/get_state')

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask in a thread, for as long as the context lasts."""
        thread = threading.Thread(target=self._ask)
        thread.start()
        try:
            yield
        finally:
            self._ended_asking.set()
            thread.join()

    def _ask(self) -> None:
        value = Parameter('autostart', value=True).to_parameter_msg()
        with suppress(*CLOSED):
            while not self._ended_asking.wait(PERIOD):
                self._questions.publish(String(data='why'))
                self._setter.call_async(SetParameters.Request(parameters=[value]))
                self._getter.call_async(GetState.Request())


def shut_down_from_thread() -> None:
    """Serve in one thread, and shut down in another."""
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = BusyNode()
    node.start()
    raised: list[BaseException] = []

    def spin() -> None:
        try:
            node.spin()
        except BaseException as error:  # noqa: BLE001 - none is allowed
            raised.append(error)

    thread = threading.Thread(target=spin)
    thread.start()
    with node.asking():
        assert node.busy.wait(TIMEOUT)
        threading.Event().wait(random.uniform(0, LATEST))
        rclpy.shutdown()
        thread.join(TIMEOUT)
    assert not thread.is_alive() and not raised and node.deactivated == 1, (
        thread.is_alive(), raised, node.deactivated)


def shut_down_by_signal() -> None:
    """Run a node in a process, and send it signals."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os._exit(run_until_signaled(sender))
    os.close(sender)
    with os.fdopen(receiver, 'rb') as pipe:
        assert pipe.read(1) == b'b'
        threading.Event().wait(random.uniform(0, LATEST))
        for _ in range(random.choice((1, 2))):
            os.kill(child, random.choice((signal.SIGINT, signal.SIGTERM)))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        rest = pipe.read()
    assert (status, rest) == (0, b'1'), (status, rest)


def run_until_signaled(pipe: int) -> int:
    """Write `b` when the node is busy, and how often it was deactivated; return the status."""
    signal.alarm(TIMEOUT)
    nodes: list[BusyNode] = []

    def tell_when_busy() -> None:
        with nodes[0].asking():
            nodes[0].busy.wait()
            os.write(pipe, b'b')
            ended.wait()

    def create() -> BusyNode:
        nodes.append(BusyNode())
        thread.start()
        return nodes[0]

    ended, thread = threading.Event(), threading.Thread(target=tell_when_busy)
    status = run_managed(HELP, create, [])
    ended.set()
    thread.join()
    os.write(pipe, str(nodes[0].deactivated).encode())
    return status


if __name__ == '__main__':
    action = {'thread': shut_down_from_thread, 'signal': shut_down_by_signal}[sys.argv[1]]
    for number in range(int(sys.argv[2])):
        action()
        sys.stdout.write(f'{number + 1} ended well\n')
