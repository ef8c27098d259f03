# SPDX-License-Identifier: Apache-2.0
"""The start and the end of every ROS process of this package."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
import ctypes
import signal
import socket
import sys
import tempfile
import threading
from types import FrameType
from typing import Any
import weakref

from fire_detector.ros.node_help import NodeHelp
import rclpy
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle, NotInitializedException
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.logging import get_logger, get_logging_directory
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_default_context, ok, try_shutdown

# What uses a node, a publisher or the like raises after ROS was shut down.
_USES_OF_CLOSED_ROS = (InvalidHandle, NotInitializedException, rclpy_implementation.RCLError)
_WITHOUT_LOG_FILE = ['--ros-args', '--disable-external-lib-logs']
# Parameters of glibc's allocator: man 3 mallopt.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
# Bytes. The largest that glibc takes on 64 bits; above a 4K image of three channels.
_LARGEST_IMAGE = 32 * 2 ** 20
_KEPT_AT_MOST = 2 * _LARGEST_IMAGE


def run_node(page: NodeHelp, create: Callable[[], Callable[[], None]], args: Sequence[str] | None,
             problems: tuple[type[Exception], ...]) -> int:
    """
    Run a node until it ends or is interrupted.

    :param page: its help page.
    :param create: makes the node; returns what serves it.
    :param args: command line arguments, as rclpy.init takes them.
    :param problems: errors of which the user needs to know no more than the message.
    :return: the exit status.
    """
    if page.print_if_requested(args):
        return 0
    with ros_process(args):
        try:
            serve = create()
            with signals_shut_down(get_default_context()):
                serve()
        except problems as error:
            get_logger(page.program).fatal(str(error))
            return 1
    return 0


@contextmanager
def ros_process(args: Sequence[str] | None) -> Iterator[None]:
    """
    Initialize ROS, and end cleanly on Ctrl-C, SIGTERM or a shutdown from outside.

    Both signals raise KeyboardInterrupt; where a node is served, see `signals_shut_down`.

    Freed buffers stay with the process, since the next image needs them.

    Where no log file can be written, the process runs without one: a robot is to see fires on a
    full or read-only disk, too.

    :param args: command line arguments, as rclpy.init takes them.
    :raises SystemExit: when ROS cannot be initialized, with the reason.
    """
    keep_freed_memory()
    _handle_signals(_interrupt_once)
    arguments = list(sys.argv if args is None else args)
    problem = _explain_missing_log_file()
    try:
        # Without rclpy's handlers: they shut ROS down in C++, after which no node can say that it
        # ends.
        rclpy.init(args=arguments + (_WITHOUT_LOG_FILE if problem else []),
                   signal_handler_options=SignalHandlerOptions.NO)
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
    except _USES_OF_CLOSED_ROS:
        # Of a callback that was too long for a shutdown to wait for.
        if ok():
            raise
    finally:
        _handle_signals(_ignore)
        try_shutdown()
        # A handler of Python's would give way to the default, which kills, as Python ends.
        _handle_signals(signal.SIG_IGN)


@contextmanager
def signals_shut_down(context: Context) -> Iterator[None]:
    """
    Have SIGINT and SIGTERM shut ROS down for as long as the context lasts.

    A handler in Python would be called in the midst of a callback, and would not be while the
    middleware waits. A thread that shuts ROS down wakes what waits, and lets a callback finish.

    :param context: of ROS.
    """
    receiver, sender = socket.socketpair()

    def shut_down_when_signaled() -> None:
        if receiver.recv(1):
            context.try_shutdown()

    thread = threading.Thread(target=shut_down_when_signaled, daemon=True)
    with receiver:
        with sender:
            sender.setblocking(False)
            signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
            _handle_signals(_ignore)
            thread.start()
            try:
                yield
            finally:
                signal.set_wakeup_fd(-1)
        # With the sender closed, it has nothing more to wait for.
        thread.join()


def before_shutdown(context: Context, action: Callable[[], None]) -> None:
    """
    Call a method before a context is shut down, by whichever thread, while nodes can publish.

    rclpy has callbacks for after that only, and its functions shut down through these methods.

    :param context: of ROS; not where its shutdown comes from rclpy's own handlers of signals.
    :param action: a method, which is not called once its object is gone.
    """
    reference = weakref.WeakMethod(action)

    def with_action(shut_down: Callable[[], None]) -> Callable[[], None]:
        def act_and_shut_down() -> None:
            act = reference()
            if act is not None:
                act()
            shut_down()
        return act_and_shut_down

    for name in ('shutdown', 'try_shutdown'):
        setattr(context, name, with_action(getattr(context, name)))


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


def _handle_signals(handler: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """
    Interrupt the process, and ignore what follows.

    Ctrl-C in a terminal reaches a launched node twice: from the terminal and from ros2 launch.
    """
    # Not SIG_IGN yet: Python complains of a signal that was on its way to a handler.
    _handle_signals(_ignore)
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
