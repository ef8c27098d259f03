# SPDX-License-Identifier: Apache-2.0
"""Transitions of managed nodes: those that fail, those that are done, and a manager's."""

from collections.abc import Sequence
from pathlib import Path
import signal
import sys
from typing import ClassVar

from fire_detector.detection.health import Level
from lifecycle_msgs.msg import Transition
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from ros_session import ACTIVATE, CLEAN_UP, CONFIGURE, DEACTIVATE, Process, RosSession
from small_node import SmallNode

PROGRAM = Path(__file__).with_name('small_node.py')
NODE = '/ending'


@pytest.mark.parametrize(('transition', 'failing', 'problem', 'state'), [
    ('configure', ['configure'], 'configure', 'unconfigured'),
    ('configure', ['configure', 'cleanup'], 'configure', 'unconfigured'),
    ('configure', ['configure', 'cleanup', 'cleanup'], 'configure', 'finalized'),
    ('activate', ['activate'], 'activate', 'inactive'),
    ('activate', ['activate', 'deactivate'], 'activate', 'unconfigured'),
    ('deactivate', ['deactivate'], 'deactivate', 'unconfigured'),
    ('deactivate', ['deactivate', 'cleanup'], 'deactivate', 'finalized'),
    ('cleanup', ['cleanup'], 'clean up', 'unconfigured'),
    ('cleanup', ['cleanup', 'cleanup'], 'clean up', 'finalized'),
    ('shutdown', ['deactivate'], 'deactivate', 'unconfigured'),
    ('shutdown', ['cleanup'], 'clean up', 'unconfigured'),
    ('shutdown', ['cleanup', 'cleanup'], 'clean up', 'finalized'),
])
def test_failing_transitions(node: SmallNode, capfd: pytest.CaptureFixture[str],
                             transition: str, failing: list[str], problem: str,
                             state: str) -> None:
    """
    Report the first failure in log and diagnostics; in `unconfigured`, nothing is left.

    As the design of managed nodes has it, an error is followed by on_error, which frees all and
    leads to `unconfigured`, or to `finalized` where it fails as well.
    """
    before = {'configure': ['deactivate', 'cleanup'], 'activate': ['deactivate'],
              'deactivate': [], 'cleanup': ['deactivate'], 'shutdown': []}
    for each in before[transition]:
        getattr(node, f'trigger_{each}')()
    node.failing += failing
    assert getattr(node, f'trigger_{transition}')() != TransitionCallbackReturn.SUCCESS
    assert node.state == state
    assert f'cannot {problem}: still wet' in capfd.readouterr().err
    health = node.health()
    assert (health.level, health.message) == (Level.ERROR, f'cannot {problem}: still wet')
    if state == 'finalized':
        return
    assert _answer_publishers(node) == (state == 'inactive')
    if state == 'unconfigured':
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert _answer_publishers(node) == 1
    assert (node.health().level, node.health().message) == (Level.OK, 'active')


def _answer_publishers(node: SmallNode) -> int:
    return sum(each.topic_name == '/answer' for each in node.publishers)


class Manager:
    """
    The calls of nav2_lifecycle_manager (Humble, Jazzy and Kilted alike).

    After each change of a node it asks for its state, which has to be the one that the transition
    leads to, and it gives up at the first that fails. The order is that of the names upwards, and
    the reverse downwards.
    """

    GOALS: ClassVar = {CONFIGURE: 'inactive', ACTIVATE: 'active', DEACTIVATE: 'inactive',
                       CLEAN_UP: 'unconfigured'}

    def __init__(self, ros: RosSession, nodes: Sequence[str]) -> None:
        """Manage nodes."""
        self._ros, self._nodes = ros, nodes

    def change(self, *transitions: int) -> bool:
        """Change the state of all nodes; return whether that succeeds."""
        return all(self._ros.change_state(transition, node)
                   and self._ros.state(node) == self.GOALS[transition]
                   for transition in transitions
                   for node in (self._nodes if transition in (CONFIGURE, ACTIVATE)
                                else reversed(self._nodes)))

    def startup(self) -> bool:
        """Bring all nodes up."""
        return self.change(CONFIGURE, ACTIVATE)

    def pause(self) -> bool:
        """Make all nodes inactive."""
        return self.change(DEACTIVATE)

    def resume(self) -> bool:
        """Make all nodes active."""
        return self.change(ACTIVATE)

    def reset(self) -> bool:
        """Make all nodes unconfigured."""
        return self.change(DEACTIVATE, CLEAN_UP)


def test_lifecycle_manager(ros: RosSession) -> None:
    """
    Do what is documented for a node that was killed and started again, and for the manager.

    What fails, fails because the manager then finds another state than that it has asked for.
    """
    names = ['/first', '/second']
    manager = Manager(ros, names)

    def start(name: str, autostart: bool) -> Process:
        return ros.start_command([sys.executable, str(PROGRAM), '--ros-args', '-r',
                                  f'__node:={name[1:]}', '-p', f'autostart:={autostart}'.lower()])

    first, second = (start(name, False) for name in names)
    assert manager.startup() and manager.pause() and manager.resume()
    # The manager was started again.
    assert not manager.startup()
    assert manager.reset() and manager.startup()
    assert manager.pause()
    assert manager.startup()
    assert manager.resume()

    # A node was killed, and has activated itself.
    second.end(signal.SIGKILL)
    second = start('/second', True)
    ros.wait_for(lambda: ros.state('/second') == 'active', 'the second node to be active')
    assert manager.pause() and manager.resume() and manager.reset() and manager.startup()

    # A node was killed, whichever it is, and has not.
    for name, process in (('/first', first), ('/second', second)):
        process.end(signal.SIGKILL)
        start(name, False)
        ros.wait_for(lambda name=name: ros.state(name) == 'unconfigured',  # type: ignore[misc]
                     'the node that was started again')
        assert ros.change_state(CONFIGURE, name)
        assert manager.resume()
        assert manager.reset() and manager.startup()


def test_transition_that_is_done_succeeds(ros: RosSession) -> None:
    """Only in the state that it leads to; what else the state does not allow is refused."""
    ros.start_command([sys.executable, str(PROGRAM), '--ros-args', '-p', 'autostart:=false'])
    shutdowns = [Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
                 Transition.TRANSITION_INACTIVE_SHUTDOWN, Transition.TRANSITION_ACTIVE_SHUTDOWN]
    assert ros.change_state(CLEAN_UP, NODE)
    assert not ros.change_state(DEACTIVATE, NODE)
    for _ in range(2):
        assert ros.change_state(CONFIGURE, NODE)
    assert ros.change_state(DEACTIVATE, NODE)
    for _ in range(2):
        assert ros.change_state(ACTIVATE, NODE)
    assert not ros.change_state(CONFIGURE, NODE)
    assert not ros.change_state(CLEAN_UP, NODE)
    assert ros.state(NODE) == 'active'
    for shutdown in reversed(shutdowns):
        assert ros.change_state(shutdown, NODE)
    assert not ros.change_state(CONFIGURE, NODE)
    assert ros.state(NODE) == 'finalized'
