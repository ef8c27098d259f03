# SPDX-License-Identifier: Apache-2.0
"""Managed nodes: their ends, and their executor."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
import signal
import sys
import threading
import time

import pytest
import rclpy
from rclpy.lifecycle import LifecycleNode
from rclpy.task import Future
from ros_session import (
    CONFIGURE,
    RosSession,
    TIMEOUT,
)
from small_node import DEPTH, SmallNode
from std_msgs.msg import String

PROGRAM = Path(__file__).with_name('small_node.py')
STRESS = PROGRAM.with_name('shutdown_stress.py')
NODE = '/ending'


def in_thread(*actions: Callable[[], object]) -> None:
    """Call each in a thread of its own."""
    for action in actions:
        threading.Thread(target=action, daemon=True).start()


def fail(node: SmallNode) -> None:
    """Raise, as a callback does that is wrong."""
    raise LookupError('wrong')


# What the callback of a message does.
ENDS: dict[str, Callable[[SmallNode], object]] = {
    'rclpy.shutdown elsewhere': lambda node: in_thread(rclpy.shutdown),
    'rclpy.try_shutdown elsewhere': lambda node: in_thread(rclpy.try_shutdown),
    'context.shutdown elsewhere': lambda node: in_thread(node.context.shutdown),
    'two at once': lambda node: in_thread(*2 * [node.context.try_shutdown]),
    'rclpy.shutdown here': lambda node: rclpy.shutdown(),
    'destroyed here': lambda node: node.destroy_node(),
    'exception': fail,
}


class Asker:
    """Publisher of questions to the node, and collector of its answers."""

    def __init__(self, ros: RosSession) -> None:
        """Make the publisher, and subscribe."""
        self._ros = ros
        self._publisher = ros.node.create_publisher(String, 'question', DEPTH)
        self._messages: list[String] = ros.collect(String, 'answer')
        self._asked = 0

    @property
    def answers(self) -> list[str]:
        """Return the answers so far."""
        return [message.data for message in self._messages]

    def ask(self) -> None:
        """Publish a question."""
        self._asked += 1
        self._publisher.publish(String(data=str(self._asked)))

    def ask_until(self, condition: Callable[[], object], what: str) -> None:
        """Ask again and again until a condition is true."""
        def ask_and_look() -> object:
            self.ask()
            return condition()

        self._ros.wait_for(ask_and_look, what)

    def wait_for_end(self) -> None:
        """Wait for the node's last answer, which tells its end, once."""
        self._ros.wait_for(lambda: 'end' in self.answers, 'the end')
        self._ros.happens(lambda: False, 0.1)
        assert self.answers.count('end') == 1
        assert self.answers[-1] == 'end'


@pytest.fixture
def asker(ros: RosSession) -> Asker:
    """Return one who asks."""
    return Asker(ros)


@pytest.mark.parametrize('end', ENDS.values(), ids=ENDS)
def test_deactivated_before_the_end(asker: Asker, node: SmallNode,
                                    end: Callable[[SmallNode], object]) -> None:
    """The last that is published tells the end, whichever thread brings it about, and once."""
    raised: list[Exception] = []

    def spin() -> None:
        try:
            node.spin()
        except Exception as error:  # noqa: BLE001 - it is what is tested
            raised.append(error)

    thread = threading.Thread(target=spin)
    thread.start()
    asker.ask_until(lambda: asker.answers, 'an answer')
    node.on_question = end
    asker.ask_until(lambda: not thread.is_alive(), 'the end of spin()')
    asker.wait_for_end()
    assert node.deactivated == 1
    assert [type(error) for error in raised] == ([LookupError] if end is fail else [])


def test_work_of_other_threads_is_done_at_once(asker: Asker, node: SmallNode) -> None:
    """
    Do twenty rounds of tasks that each begin when the one before is done, in less than 5 s.

    A round is two tasks that are handed over together, and one that waits until another thread
    has finished a future. The node's timer, the only one, is called once a second.
    """
    thread = threading.Thread(target=node.spin)
    thread.start()
    asker.ask_until(lambda: asker.answers, 'an answer')
    executor = node.executor
    assert executor is not None
    began = time.monotonic()
    for _ in range(20):
        done = [threading.Event() for _ in range(3)]
        future: Future = Future(executor=executor)

        async def wait(future: Future = future, done: threading.Event = done[2]) -> None:
            await future
            done.set()

        executor.create_task(wait)
        executor.create_task(done[0].set)
        executor.create_task(done[1].set)
        future.add_done_callback(lambda _: None)
        future.set_result(None)
        assert all(each.wait(5) for each in done)
    assert time.monotonic() - began < 5.0
    rclpy.shutdown()
    thread.join(5)
    assert not thread.is_alive()


def test_end_does_not_wait_for_a_callback_for_ever(asker: Asker, node: SmallNode) -> None:
    """A callback of 3 s does not keep the thread that shuts ROS down for longer than 1 s."""
    entered, released = threading.Event(), threading.Event()

    def hang(node: SmallNode) -> None:
        entered.set()
        released.wait(20)

    def spin() -> None:
        # Its answer comes when ROS is no more.
        with suppress(RuntimeError):
            node.spin()

    thread = threading.Thread(target=spin)
    thread.start()
    node.on_question = hang
    asker.ask_until(entered.is_set, 'the callback')
    shutdown = threading.Thread(target=rclpy.shutdown)
    began = time.monotonic()
    shutdown.start()
    asker.wait_for_end()
    assert 0.9 < time.monotonic() - began < 2.5
    released.set()
    thread.join(5)
    shutdown.join(5)
    assert not thread.is_alive() and not shutdown.is_alive()
    assert node.deactivated == 1


def test_failing_deactivation_does_not_hide_what_ends_the_node(
        asker: Asker, node: SmallNode, capfd: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception of the callback comes out of spin(); that of the deactivation is logged."""
    def fail_to_deactivate() -> None:
        raise OSError('still wet')

    monkeypatch.setattr(node, 'deactivate', fail_to_deactivate)
    node.on_question = fail
    asker.ask()
    asking = threading.Event()

    def ask() -> None:
        while not asking.wait(0.05):
            asker.ask()

    thread = threading.Thread(target=ask)
    thread.start()
    with pytest.raises(LookupError):
        node.spin()
    asking.set()
    thread.join()
    assert 'cannot deactivate: still wet' in capfd.readouterr().err


@pytest.mark.parametrize(('kind', 'count'), [
    ('thread', 20), ('signal', 20),
    pytest.param('thread', 1000, marks=pytest.mark.slow),
    pytest.param('signal', 1000, marks=pytest.mark.slow)])
def test_shutdowns_while_busy(ros: RosSession, kind: str, count: int) -> None:
    """A process neither crashes nor hangs nor fails when it is shut down while it does its all."""
    process = ros.start_command([sys.executable, str(STRESS), kind, str(count)])
    assert process.popen.wait(1.5 * count + TIMEOUT) == 0, process.output
    assert process.output.endswith(f'{count} ended well\n'), process.output


@pytest.mark.parametrize('by', [signal.SIGINT, signal.SIGTERM])
def test_signals(ros: RosSession, asker: Asker, by: signal.Signals) -> None:
    """A signal ends the process with status 0, after the end was published; a second one, too."""
    process = ros.start_command([sys.executable, str(PROGRAM)])
    asker.ask_until(lambda: asker.answers, 'an answer')
    process.popen.send_signal(by)
    process.popen.send_signal(by)
    asker.ask_until(lambda: 'end' in asker.answers, 'the end')
    process.check_end()
    asker.wait_for_end()


def test_exception_ends_the_process_with_its_status(ros: RosSession, asker: Asker) -> None:
    """What a callback raises after ROS was shut down is not lost, and neither is the status."""
    code = ('import sys, rclpy, small_node\n'
            'def end(node):\n'
            '    rclpy.shutdown()\n'
            '    raise LookupError("wrong")\n'
            'def create():\n'
            '    node = small_node.SmallNode()\n'
            '    node.on_question = end\n'
            '    return node\n'
            'sys.exit(small_node.run_managed(small_node.HELP, create, []))')
    ros.environment['PYTHONPATH'] = str(PROGRAM.parent)
    process = ros.start_command([sys.executable, '-c', code])
    asker.ask_until(lambda: process.popen.poll() is not None, 'the end of the process')
    assert process.popen.returncode == 1
    assert 'LookupError: wrong' in process.output
    asker.wait_for_end()


def test_shutdown_of_a_node_that_is_not_active(ros: RosSession, asker: Asker) -> None:
    """A node that does not work has no end to publish."""
    process = ros.start_command(
        [sys.executable, str(PROGRAM), '--ros-args', '-p', 'autostart:=false'])
    assert ros.change_state(CONFIGURE, NODE)
    assert process.end(signal.SIGTERM) == 0, process.output
    assert ros.happens(lambda: asker.answers, 0.2) is False


def test_node_whose_making_is_interrupted(ros: RosSession) -> None:
    """By a signal after rclpy's part of it, the node is destroyed with ROS, without an error."""
    node = SmallNode.__new__(SmallNode)
    LifecycleNode.__init__(node, 'interrupted', context=ros.node.context)
    node.destroy_node()
