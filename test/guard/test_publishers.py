# SPDX-License-Identifier: Apache-2.0
"""Who may publish on the guard's topics, and what is said of the others."""

from fire_detector.guard.publishers import (
    ALARM_TYPE,
    BOOL_TYPE,
    explain_alarm,
    explain_commands,
    explain_output,
    Publisher,
)
import pytest

TWIST, STAMPED = 'geometry_msgs/msg/Twist', 'geometry_msgs/msg/TwistStamped'


def test_commands_of_the_other_type() -> None:
    """One of the right type is no problem, nor is none; each other one is named."""
    assert explain_commands('in', TWIST, []) == ''
    assert explain_commands('in', TWIST, [Publisher('/nav', TWIST)]) == ''
    problem = explain_commands('in', TWIST, [
        Publisher('/nav', TWIST), Publisher('/joy', STAMPED), Publisher('/key', STAMPED)])
    assert '/joy, /key' in problem and STAMPED in problem and 'stamped' in problem
    assert '/nav' not in problem


@pytest.mark.parametrize(('nodes', 'named'), [
    (['/fire_guard'], ''), (['/nav', '/fire_guard'], '/nav'),
    (['/fire_guard', '/fire_guard'], '/fire_guard'),
    (['/fire_guard', '/robot/fire_guard'], '/robot/fire_guard')])
def test_commands_past_the_guard(nodes: list[str], named: str) -> None:
    """Every publisher but the guard itself, also a second guard of the same name."""
    problem = explain_output('out', '/fire_guard', [Publisher(node, TWIST) for node in nodes])
    assert problem.startswith(f'{named} publishes on out') if named else problem == ''


@pytest.mark.parametrize(('publishers', 'words'), [
    ([], []),
    ([Publisher('/one', ALARM_TYPE)], []),
    ([Publisher('/one', ALARM_TYPE), Publisher('/two', ALARM_TYPE)], ['2 publishers', '/two']),
    ([Publisher('/one', BOOL_TYPE)], ['/one', 'std_msgs/msg/Bool', '~/alarm']),
    ([Publisher('/one', ALARM_TYPE), Publisher('/two', BOOL_TYPE)], ['/two', '~/alarm']),
    ([Publisher('/one', TWIST)], ['/one', TWIST, ALARM_TYPE])])
def test_alarms(publishers: list[Publisher], words: list[str]) -> None:
    """One detector, of the type that has stamps."""
    problem = explain_alarm('alarm', publishers)
    assert all(word in problem for word in words)
    assert bool(problem) is bool(words)
