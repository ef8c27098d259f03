# SPDX-License-Identifier: Apache-2.0
"""The guard between navigation and base, over DDS."""

import math
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticStatus
from guarded_robot import GUARD, GuardedRobot, Speeds, ZERO
import numpy as np
from numpy.typing import NDArray
import pytest
from ros_session import (
    ACTIVATE,
    CALM,
    camera_of_detector,
    CLEAN_UP,
    CONFIGURE,
    DEACTIVATE,
    image_message,
    RosSession,
)

pytest.importorskip('geometry_msgs', reason='geometry_msgs is not installed')

FORWARD: Speeds = (1.0, 0.0, 0.0, 0.0, 0.0, 0.5)
RELEASE = f'{GUARD}/release'
# Nobody falls silent while a test runs.
PATIENT = 'detector_timeout:=600'


@pytest.mark.parametrize('stamped', [False, True])
def test_one_out_for_one_in(ros: RosSession, stamped: bool) -> None:
    """
    While nothing holds, a hundred commands come out as they went in, in order, with headers.

    Under an alarm there is one zero at once, and one for each command; then all is as before.
    """
    robot = GuardedRobot(ros, PATIENT, 'release_after:=0', stamped=stamped)
    robot.connect()
    commands: list[Speeds] = [(float(number), -0.25, 3e-3, -float(number), 1e-30, 0.5)
                              for number in range(1, 101)]
    assert robot.drive(*commands) == commands
    if stamped:
        assert [(each.header.frame_id, each.header.stamp.sec) for each in robot.out] == [
            (f'base_{number}', number) for number in range(100)]
    robot.out.clear()
    robot.publish_alarms(True)
    robot.ros.wait_for(lambda: robot.out, 'the stop')
    if stamped:
        # That of the last command, and not its time.
        assert robot.out[0].header.frame_id == 'base_99'
        assert robot.out[0].header.stamp.sec > 1_700_000_000
    robot.wait_for_stop()
    assert robot.drive(*commands[:20]) == [ZERO] * 20
    if stamped:
        assert [each.header.frame_id for each in robot.out] == [
            f'base_{number}' for number in range(20)]
    robot.wait_for_holding(False, False)
    assert robot.drive(*commands) == commands
    robot.process.interrupt()


def test_slow(ros: RosSession) -> None:
    """Every velocity times a quarter, nothing of its own; by parameter, all of it or a half."""
    robot = GuardedRobot(ros, PATIENT, 'action:=slow', 'slow_factor:=0.25')
    robot.connect()
    robot.publish_alarms(True)
    robot.wait_for_holding(True)
    assert robot.out == []
    assert robot.drive((1.0, -2.0, 4.0, 8.0, -16.0, 0.5)) == [
        (0.25, -0.5, 1.0, 2.0, -4.0, 0.125)]
    assert ros.set_parameter('slow_factor', 0.5, GUARD) == ''
    assert robot.drive(FORWARD) == [(0.5, 0.0, 0.0, 0.0, 0.0, 0.25)]
    assert ros.set_parameter('action', 'none', GUARD) == ''
    assert robot.drive(FORWARD) == [FORWARD]
    assert ros.set_parameter('action', 'stop', GUARD) == ''
    assert robot.drive(FORWARD)[-1] == ZERO


def test_release_by_hand(ros: RosSession) -> None:
    """A hold outlasts its alarm, and a release is refused while that is raised."""
    robot = GuardedRobot(ros, PATIENT, 'release:=manual', 'release_after:=0')
    robot.connect()
    robot.publish_alarms(True)
    robot.wait_for_stop()
    assert ros.trigger(RELEASE) == (
        False, 'not released: fire alarm of fire_detector/fire_detected')
    for _ in range(5):
        robot.publish_alarms(False)
        assert robot.drive(FORWARD) == [ZERO]
    robot.diagnostics.wait_for(DiagnosticStatus.OK, 'the release is waited for')
    assert ros.trigger(RELEASE) == (True, 'nothing is held on account of fire')
    assert robot.drive(FORWARD) == [FORWARD]


def test_silence(ros: RosSession) -> None:
    """The robot stops, with and without commands, when the detector falls silent."""
    robot = GuardedRobot(ros, 'detector_timeout:=0.5')
    robot.connect()
    robot.wait_for_stop()
    assert robot.drive(FORWARD) == [ZERO]
    values = robot.diagnostics.wait_for(
        DiagnosticStatus.WARN, 'no word of fire_detector/fire_detected for ')
    assert values['multiplied by'] == '0'
    robot.wait_for_holding(False, False)
    robot.out.clear()
    robot.wait_for_stop()


@pytest.mark.parametrize(('on_silence', 'expected'), [('stop', ZERO), ('none', FORWARD)])
def test_before_the_first_word(ros: RosSession, on_silence: str, expected: Speeds) -> None:
    """Before a detector is heard, commands pass only where a parameter says so."""
    robot = GuardedRobot(ros, PATIENT, f'on_silence:={on_silence}')
    robot.diagnostics.wait_for(DiagnosticStatus.WARN,
                               'no word of fire_detector/fire_detected yet')
    ros.wait_for(lambda: robot.commands.get_subscription_count() == 1
                 and ros.node.count_publishers('/cmd_vel_out') == 1, 'the guard')
    robot.wait_for_holding(expected == ZERO)

    def passes() -> bool:
        robot.send(FORWARD)
        return bool(robot.out)

    ros.wait_for(passes, 'a command')
    assert robot.drive(FORWARD)[-1] == expected


def test_commands_that_are_not_finite(ros: RosSession) -> None:
    """One that no base can follow is a zero, all of it; the next passes."""
    robot = GuardedRobot(ros, PATIENT, 'slow_factor:=0.5')
    robot.connect()
    for odd in (math.nan, math.inf, -math.inf):
        assert robot.drive((1.0, 0.0, 0.0, 0.0, 0.0, odd), FORWARD) == [ZERO, FORWARD]
    assert robot.diagnostics.wait_for(
        DiagnosticStatus.WARN, 'commands that are not finite')['not finite'] == '3'
    assert ros.set_parameter('action', 'slow', GUARD) == ''
    robot.publish_alarms(True)
    robot.wait_for_holding(True)
    assert robot.drive((1.0, 0.0, math.nan, 0.0, 0.0, 0.0), FORWARD) == [
        ZERO, (0.5, 0.0, 0.0, 0.0, 0.0, 0.25)]


def test_nothing_passes_while_not_active(ros: RosSession) -> None:
    """Before activation there is nobody to hear commands; deactivation stops, then nothing."""
    robot = GuardedRobot(ros, PATIENT, 'autostart:=false')
    robot.wait_for_holding(True)
    assert ros.state(GUARD) == 'unconfigured'
    assert ros.trigger(RELEASE) == (False, 'the node is not active')
    assert ros.change_state(CONFIGURE, GUARD)
    assert ros.node.count_subscribers('/cmd_vel_in') == 0
    assert ros.change_state(ACTIVATE, GUARD)
    robot.connect()
    robot.wait_for_holding(False)
    assert ros.change_state(DEACTIVATE, GUARD)
    robot.wait_for_stop()
    robot.send(FORWARD)
    assert not ros.happens(lambda: robot.out, within=0.5)
    robot.diagnostics.wait_for(DiagnosticStatus.OK, 'inactive')
    assert ros.change_state(CLEAN_UP, GUARD)
    assert ros.change_state(CONFIGURE, GUARD)
    assert ros.change_state(ACTIVATE, GUARD)
    robot.connect()
    assert robot.drive(FORWARD) == [FORWARD]


def test_two_detectors(ros: RosSession) -> None:
    """An alarm of either stops, and so does the silence of either."""
    robot = GuardedRobot(ros, PATIENT, 'detectors:=[front/alarm, rear/alarm]', 'release_after:=0',
                         alarms=('/front/alarm', '/rear/alarm'))
    robot.connect()
    for alarms in ((True, False), (False, True)):
        robot.publish_alarms(*alarms)
        robot.wait_for_stop()
        robot.wait_for_holding(False, False)
        robot.out.clear()
    ros.wait_for(lambda: 'fire alarm of rear/alarm' in robot.process.output, 'the reason')


def test_parameters_are_checked(ros: RosSession) -> None:
    """What cannot be is refused with the reason, and a misspelled name is reported."""
    process = ros.start(
        'guard_node', 'detectors:=[one, one]', 'acton:=slow', 'model:=of_the_detector')
    ros.wait_for(lambda: "cannot configure: parameter detectors is ['one', 'one']"
                 in process.output, 'the refusal')
    assert 'no parameter acton: its value is not used; did you mean action?' in process.output
    assert 'parameter model' not in process.output
    assert ros.state(GUARD) == 'unconfigured'
    assert ros.set_parameter('detectors', ['one', 'no topic'], GUARD) == ''
    assert ros.change_state(CONFIGURE, GUARD)
    assert not ros.change_state(ACTIVATE, GUARD)
    assert 'cannot activate: Invalid topic name' in process.output
    # Nothing is left of the attempt.
    ros.wait_for(lambda: ros.node.count_subscribers('/one') == 0, 'the end of the subscription')
    assert ros.state(GUARD) == 'inactive'
    assert "action is 'halt', not one of" in ros.set_parameter('action', 'halt', GUARD)
    assert 'read when the node is configured' in ros.set_parameter('stamped', True, GUARD)
    assert ros.set_parameter('release_after', 5, GUARD) == ''


def test_real_fire_stops_the_robot(
        ros: RosSession, fire: NDArray[np.uint8], model: Path) -> None:
    """An image of real fire, processed by a real detector, ends in a stop, a gray one not."""
    camera = camera_of_detector(ros, 'alarm.min_frames:=1', f'model:={model}')
    robot = GuardedRobot(ros, PATIENT, alarms=())
    sent = 0

    def passes() -> bool:
        nonlocal sent
        sent += 1
        assert camera.detect(image_message(CALM, stamp=float(sent)))[1] is False
        robot.send(FORWARD)
        return any(each.linear.x for each in robot.out)

    ros.wait_for(passes, 'a command that passes')
    ros.happens(lambda: len(robot.out) >= sent, within=0.5)
    robot.out.clear()
    assert camera.detect(image_message(np.ascontiguousarray(fire), stamp=sent + 60.0))[1] is True
    robot.wait_for_stop()
