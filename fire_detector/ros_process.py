# SPDX-License-Identifier: Apache-2.0
"""What every ROS process of this package does at its start and its end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import signal
from types import FrameType

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.utilities import ok, try_shutdown

# Seconds after which a process without any work looks whether it is to end.
WAKE_PERIOD = 1.0


@contextmanager
def ros_process(args: Sequence[str] | None) -> Iterator[None]:
    """
    Initialize ROS, and end cleanly on Ctrl-C, SIGTERM or a shutdown from outside.

    :param args: command line arguments, as rclpy.init takes them.
    """
    # Before rclpy installs its own handler, which passes the signal on to this one.
    signal.signal(signal.SIGINT, _interrupt_once)
    rclpy.init(args=None if args is None else list(args))
    try:
        yield
    except (KeyboardInterrupt, ExternalShutdownException):
        # How a node is meant to end.
        pass
    except Exception:
        # A signal that comes while nodes are being made shuts ROS down under them.
        if ok():
            raise
    finally:
        try_shutdown()
        signal.signal(signal.SIGINT, _ignore)
        # A handler of Python's would give way to the default, which kills, as Python ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def spin(node: Node) -> None:
    """
    Serve a node until ROS is shut down.

    Unlike rclpy.spin, it does not rely on being woken for that: a SIGTERM that rclpy handles
    while the executor is between two waits wakes nobody.
    """
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while ok():
        executor.spin_once(timeout_sec=WAKE_PERIOD)


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """
    Interrupt the process, and ignore what follows.

    Ctrl-C in a terminal reaches a launched node twice: from the terminal and from ros2 launch.
    """
    # Not SIG_IGN yet: Python complains of a signal that was on its way to a handler.
    signal.signal(signal.SIGINT, _ignore)
    raise KeyboardInterrupt


def _ignore(number: int, frame: FrameType | None) -> None:
    pass
