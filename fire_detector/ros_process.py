# SPDX-License-Identifier: Apache-2.0
"""What every ROS process of this package does at its start and its end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import signal

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.utilities import ok, try_shutdown


@contextmanager
def ros_process(args: Sequence[str] | None) -> Iterator[None]:
    """
    Initialize ROS, and end cleanly on Ctrl-C, SIGTERM or a shutdown from outside.

    :param args: command line arguments, as rclpy.init takes them.
    """
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
        # Ctrl-C in a terminal reaches the node twice, from the terminal and from ros2 launch. The
        # shutdown restores Python's handler, so the second is to be ignored on both its sides.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try_shutdown()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
