# SPDX-License-Identifier: Apache-2.0
"""The start and the end of every ROS process of this package."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import ctypes
import signal
import sys
import tempfile
from types import FrameType

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.logging import get_logger, get_logging_directory
from rclpy.utilities import ok, try_shutdown

_WITHOUT_LOG_FILE = ['--ros-args', '--disable-external-lib-logs']
# Parameters of glibc's allocator: man 3 mallopt.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
# Bytes. The largest that glibc takes on 64 bits; above a 4K image of three channels.
_LARGEST_IMAGE = 32 * 2 ** 20
_KEPT_AT_MOST = 2 * _LARGEST_IMAGE


@contextmanager
def ros_process(args: Sequence[str] | None) -> Iterator[None]:
    """
    Initialize ROS, and end cleanly on Ctrl-C, SIGTERM or a shutdown from outside.

    Freed buffers stay with the process, since the next image needs them.

    Where no log file can be written, the process runs without one: a robot is to see fires on a
    full or read-only disk, too.

    :param args: command line arguments, as rclpy.init takes them.
    :raises SystemExit: when ROS cannot be initialized, with the reason.
    """
    keep_freed_memory()
    # Before rclpy installs its own handler, which passes the signal on to this one.
    signal.signal(signal.SIGINT, _interrupt_once)
    arguments = list(sys.argv if args is None else args)
    problem = _explain_missing_log_file()
    try:
        rclpy.init(args=arguments + (_WITHOUT_LOG_FILE if problem else []))
    except RuntimeError as error:
        raise SystemExit(f'ROS cannot be initialized: {error}. Check the ROS arguments and the '
                         f'environment variables that begin with ROS_ or RMW_.') from error
    if problem:
        get_logger('ros_process').warning(
            f'no log file is written: {problem}. Set ROS_LOG_DIR to a folder that can be written.')
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


def _explain_missing_log_file() -> str:
    """Explain why ROS could not write its log file, which it would end for; empty where it can."""
    try:
        folder = get_logging_directory()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ''
    except RuntimeError:
        # As in a service of systemd, which has no HOME.
        return 'none of ROS_LOG_DIR, ROS_HOME and HOME is set'
    except OSError as error:
        return f'{error.strerror}: {folder}'


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


def keep_freed_memory() -> bool:
    """
    Have freed buffers as large as an image stay with the process.

    By default glibc gives each to the kernel, which hands it back an image later, page by page,
    cleared: on a 640x480 camera, half of what a subscriber costs. At most 64 MiB at the end of
    the heap are kept. Other C libraries are left as they are.

    :return: whether the allocator took it.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_IMAGE)
                and mallopt(_M_TRIM_THRESHOLD, _KEPT_AT_MOST))
