# SPDX-License-Identifier: Apache-2.0
"""The guard between navigation and base, over DDS."""

import math
from pathlib import Path
import re
import signal
import sys

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from fire_detector.ros.lifecycle_node import LATCHED
from guarded_robot import (
    ALARM,
    FORWARD,
    GUARD,
    GuardedRobot,
    report,
    Speeds,
    speeds,
    stamp_of,
    ZERO,
)
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
from rosgraph_msgs.msg import Clock

pytest.importorskip('geometry_msgs', reason='geometry_msgs is not installed')

RELEASE = f'{GUARD}/release'
# Publishes what a guard cannot use; a process of its own, since none has two types for a topic.
STRANGER = """
import rclpy
from geometry_msgs.msg import Twist, TwistStamped
from std_msgs.msg import Bool
rclpy.init()
node = rclpy.create_node('stranger')
publishers = [node.create_publisher(message_type, topic, 10) for message_type, topic in (
    (TwistStamped, 'cmd_vel_in'), (Twist, 'cmd_vel_out'), (Bool, 'fire_detector/alarm'))]
rclpy.spin(node)
"""
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
    """
    Every velocity times a quarter, also of the last command, which a base may go on with.

    By parameter, all of it or a half; a factor that grows sends nothing, one that falls does.
    """
    robot = GuardedRobot(ros, PATIENT, 'action:=slow', 'slow_factor:=0.25')
    robot.connect()
    robot.drive(FORWARD)
    robot.out.clear()
    robot.publish_alarms(True)
    robot.wait_for_holding(True)
    ros.wait_for(lambda: robot.out, 'the last command, slower')
    assert robot.drive((1.0, -2.0, 4.0, 8.0, -16.0, 0.5)) == [
        (0.25, -0.5, 1.0, 2.0, -4.0, 0.125)]
    assert ros.set_parameter('slow_factor', 0.5, GUARD) == ''
    assert robot.drive(FORWARD) == [(0.5, 0.0, 0.0, 0.0, 0.0, 0.25)]
    assert ros.set_parameter('action', 'none', GUARD) == ''
    assert robot.drive(FORWARD) == [FORWARD]
    assert ros.set_parameter('action', 'stop', GUARD) == ''
    assert robot.drive(FORWARD)[-1] == ZERO


@pytest.mark.parametrize(('stamped', 'commands', 'pause', 'expected'), [
    (False, [FORWARD], 0.0, [(0.25, 0.0, 0.0, 0.0, 0.0, 0.125)]),
    (True, [FORWARD], 0.0, [(0.25, 0.0, 0.0, 0.0, 0.0, 0.125)]),
    # Nothing to slow, and nothing that is still commanded.
    (False, [FORWARD, ZERO], 0.0, []),
    (False, [FORWARD], 0.6, [ZERO])])
def test_base_that_holds_its_last_command(
        ros: RosSession, stamped: bool, commands: list[Speeds], pause: float,
        expected: list[Speeds]) -> None:
    """When slow begins and no command comes, one goes out: the last, slower, or a zero."""
    robot = GuardedRobot(ros, PATIENT, 'action:=slow', 'slow_factor:=0.25', 'max_age:=0.5',
                         stamped=stamped)
    robot.connect()
    assert robot.drive(*commands) == commands
    robot.out.clear()
    ros.happens(lambda: False, within=pause)
    robot.wait_for_holding(True, True)
    ros.happens(lambda: len(robot.out) > len(expected), within=0.3)
    assert [speeds(each.twist if stamped else each) for each in robot.out] == expected
    if stamped:
        assert robot.out[0].header.frame_id == 'base_0'
        assert robot.out[0].header.stamp.sec > 1_700_000_000
    # From stop to slow the base stands.
    assert ros.set_parameter('action', 'stop', GUARD) == ''
    ros.happens(lambda: False, within=0.3)
    robot.out.clear()
    assert ros.set_parameter('action', 'slow', GUARD) == ''
    ros.wait_for(lambda: 'slowed to 25 %' in robot.process.output.partition('stopped: ')[2],
                 'the end of the stop')
    assert robot.out == []


def test_release_by_hand(ros: RosSession) -> None:
    """A hold outlasts its alarm, and a release is refused while that is raised."""
    robot = GuardedRobot(ros, PATIENT, 'release:=manual', 'release_after:=0')
    robot.connect()
    robot.publish_alarms(True)
    robot.wait_for_stop()
    assert ros.trigger(RELEASE) == (
        False, 'not released: fire alarm of fire_detector/alarm')
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
        DiagnosticStatus.WARN, 'no word of fire_detector/alarm for ')
    assert values['multiplied by'] == '0'
    robot.wait_for_holding(False, False)
    robot.out.clear()
    robot.wait_for_stop()


@pytest.mark.parametrize(('stamps', 'reason'), [
    ([-3600.0], '3600.'), ([3600.0], 'ahead of the clock'), ([None], 'does not advance'),
    ([-3600.0, 3600.0, -10.0], 's old')])
def test_stale_reports(ros: RosSession, stamps: list[float | None], reason: str) -> None:
    """
    Reports that keep coming with stamps of another time, or the same again, are silence.

    Each stamp is in seconds from now; None stands for that of the first.
    """
    robot = GuardedRobot(ros, 'detector_timeout:=0.5')
    robot.connect()
    frozen, sent = ros.now(), 0

    def stopped() -> bool:
        nonlocal sent
        offset = stamps[sent % len(stamps)]
        sent += 1
        robot.publish_report(frozen if offset is None else ros.now() + offset)
        robot.send(FORWARD)
        return bool(robot.out) and speeds(robot.out[-1]) == ZERO

    ros.wait_for(stopped, 'the stop')
    values = robot.diagnostics.wait_for(DiagnosticStatus.WARN, reason, stopped)
    assert values['multiplied by'] == '0'
    assert speeds(robot.out[-1]) == ZERO
    # An alarm counts however old it is: it holds what fresh reports of silence's end would not.
    robot.publish_report(ros.now() - 3600.0, alarm=True)
    robot.diagnostics.wait_for(DiagnosticStatus.WARN, 'fire alarm of fire_detector/alarm')


def test_simulated_time(ros: RosSession) -> None:
    """Stamps are compared with /clock; while it stands at 0 or is paused, nothing passes."""
    robot = GuardedRobot(ros, 'detector_timeout:=0.5', 'use_sim_time:=true', 'max_age:=1.0')
    clock = ros.node.create_publisher(Clock, '/clock', 10)

    def spin(clock_at: float, stamp: float) -> list[Speeds]:
        """Report and command at a simulated time; return what comes out."""
        if clock_at:
            clock.publish(Clock(clock=stamp_of(clock_at)))
        robot.publish_report(stamp)
        robot.send(FORWARD)
        ros.spin_once()
        return [speeds(each) for each in robot.out[-1:]]

    ros.wait_for(lambda: spin(0.0, ros.now()) == [ZERO], 'a stop before the clock')
    robot.diagnostics.wait_for(DiagnosticStatus.WARN, 'stands at 0', lambda: spin(0.0, ros.now()))
    for begin in (100.0, 50.0):
        # Both jump back, as where a bag begins again.
        difference = ros.now() - begin

        def passes(difference: float = difference) -> bool:
            return spin(ros.now() - difference, ros.now() - difference) == [FORWARD]

        ros.wait_for(passes, 'a command that passes')
    ros.wait_for(lambda: spin(60.0, 60.0) == [ZERO], 'a stop while the clock stands')


@pytest.mark.parametrize(('max_age', 'stalled_for', 'counted'), [(0.3, 0.7, True),
                                                                 (0.0, 1.5, False)])
def test_stalled_guard(
        ros: RosSession, max_age: float, stalled_for: float, counted: bool) -> None:
    """What was commanded while the guard stood still does not pass; the next command does."""
    robot = GuardedRobot(ros, PATIENT, f'max_age:={max_age}')
    robot.connect()
    robot.process.popen.send_signal(signal.SIGSTOP)
    for _ in range(8):
        robot.send(FORWARD)
    ros.happens(lambda: False, within=stalled_for)
    assert robot.out == []
    robot.process.popen.send_signal(signal.SIGCONT)
    ros.wait_for(lambda: len(robot.out) >= 8, 'eight commands')
    assert {speeds(each) for each in robot.out} == {ZERO}

    def passes() -> bool:
        robot.send(FORWARD)
        return speeds(robot.out[-1]) == FORWARD

    ros.wait_for(passes, 'a command that passes')
    if counted:
        assert int(robot.diagnostics.refreshed()['too old']) == 8
    else:
        assert 'the guard did not run for ' in robot.process.output


def test_dismissal(ros: RosSession) -> None:
    """A detector that died with its alarm is dismissed by its name; heard again, it counts."""
    robot = GuardedRobot(ros, 'detector_timeout:=0.5', 'release_after:=0',
                         'detectors:=[/front/alarm, rear/alarm]',
                         alarms=('/front/alarm', '/rear/alarm'))
    robot.connect()
    dismiss = f'{GUARD}/dismiss/front/alarm'
    robot.publish_alarms(True, False)
    robot.wait_for_stop()
    success, reason = ros.trigger(dismiss)
    assert not success and 'not dismissed: /front/alarm was heard ' in reason

    def rear_alone() -> None:
        robot.publish_alarm_of(1, False)

    robot.diagnostics.wait_for(DiagnosticStatus.WARN, 'no word of /front/alarm', rear_alone)
    assert ros.trigger(f'{GUARD}/release')[0] is False
    assert ros.trigger(dismiss) == (
        True, '/front/alarm does not count until it reports again')

    def passes() -> bool:
        rear_alone()
        robot.send(FORWARD)
        return bool(robot.out) and speeds(robot.out[-1]) == FORWARD

    ros.wait_for(passes, 'a command that passes')
    robot.diagnostics.wait_for(DiagnosticStatus.WARN, '/front/alarm is dismissed', rear_alone)
    robot.publish_alarm_of(0, True)
    ros.wait_for(lambda: not passes(), 'a stop')


def test_wrong_publishers(ros: RosSession) -> None:
    """Who cannot be heard, goes past the guard, or is one too many is named, once in the log."""
    robot = GuardedRobot(ros, PATIENT, alarms=(ALARM, ALARM))
    robot.connect()
    robot.diagnostics.wait_for(DiagnosticStatus.WARN, f'{ALARM[1:]} has 2 publishers')
    stranger = ros.start_command([sys.executable, '-c', STRANGER])
    for words in ('commands of /stranger on /cmd_vel_in are not received',
                  '/stranger publishes on /cmd_vel_out past this guard',
                  f'{ALARM[1:]} is std_msgs/msg/Bool of /stranger'):
        robot.diagnostics.wait_for(DiagnosticStatus.WARN, words)
    stranger.end()
    robot.diagnostics.wait_for(DiagnosticStatus.WARN, f'{ALARM[1:]} has 2 publishers')
    robot.diagnostics.refreshed()
    assert robot.process.output.count('past this guard') == 1
    assert re.search(r'INFO\] \[[\d.]+\] \[fire_guard\]: commands pass', robot.process.output)


@pytest.mark.parametrize(('on_silence', 'expected'), [('stop', ZERO), ('none', FORWARD)])
def test_before_the_first_word(ros: RosSession, on_silence: str, expected: Speeds) -> None:
    """
    Before a detector is heard, commands pass only where a parameter says so.

    What one has said before its end, and a late subscriber would still be told, is not heard.
    """
    latched = ros.node.create_publisher(DiagnosticArray, ALARM, LATCHED)
    latched.publish(report(False, stamp_of(ros.now())))
    robot = GuardedRobot(ros, PATIENT, f'on_silence:={on_silence}')
    robot.diagnostics.wait_for(DiagnosticStatus.WARN,
                               'no word of fire_detector/alarm yet')
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
    # A base may not have received an earlier one.
    assert ros.change_state(ACTIVATE, GUARD)
    ros.wait_for(lambda: robot.out, 'a stop, before any detector is heard')
    robot.out.clear()
    assert ros.change_state(DEACTIVATE, GUARD)
    ros.wait_for(lambda: robot.out, 'another one at the end')
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
        assert camera.detect(image_message(CALM, stamp=ros.now()))[1] is False
        robot.send(FORWARD)
        return any(each.linear.x for each in robot.out)

    ros.wait_for(passes, 'a command that passes')
    ros.happens(lambda: len(robot.out) >= sent, within=0.5)
    robot.out.clear()
    # As soon as the calm images are the fewer ones in the alarm's window.
    ros.wait_for(lambda: camera.detect(
        image_message(np.ascontiguousarray(fire), stamp=ros.now()))[1], 'the alarm')
    robot.wait_for_stop()
