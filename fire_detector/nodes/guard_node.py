# SPDX-License-Identifier: Apache-2.0
"""
The fire guard node, between navigation and base: velocity commands in, the same or less out.

For each command one goes out, in order, with its header: unchanged, times a factor, or zero. One
that is not finite goes out as zero, since what a base would do with it is unknown, and so does
one that has been on its way for longer than `max_age`. Beyond these, one zero command is sent
whenever a stop begins, and the last command, slower, when the robot is slowed, because a base
may hold the last command and navigation may send no other. The end is a stop, too. Nothing is
sent while not active.
"""

from collections.abc import Mapping, Sequence
from functools import partial
import sys
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from fire_detector.detection.health import Health, Level
from fire_detector.guard.guard import describe_scale, FireGuard
from fire_detector.guard.message_age import explain_age, SECOND, StallWatch, StampCheck
from fire_detector.guard.publishers import (
    explain_alarm,
    explain_commands,
    explain_output,
    Publisher,
)
from fire_detector.nodes.command_output import CommandOutput, DEPTH, is_finite, OUTPUT
from fire_detector.parameters.guard import detector_topics, guard_settings, PARAMETERS
from fire_detector.ros.executor import FastPathSubscription
from fire_detector.ros.lifecycle_node import LATCHED, ManagedNode, run_managed
from fire_detector.ros.messages import is_alarm
from fire_detector.ros.node_help import NodeHelp
from fire_detector.ros.parameters import warn_misspelled
from rclpy.subscription import Subscription
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

INPUT = 'cmd_vel_in'
LOG_PERIOD = 5.0
# Seconds after which a detector's silence is noticed at the latest, without any command.
WATCH_PERIOD = 0.1
# What a command is that goes out as zero, whatever the detectors say.
NOT_FINITE, TOO_OLD = 'not finite', 'too old'


class FireGuardNode(ManagedNode):
    """The managed node that stops or slows a robot while there is a fire alarm."""

    def __init__(self, **kwargs: Any) -> None:
        """Declare the parameters; what they describe is made by the transitions."""
        super().__init__('fire_guard', 'fire guard', PARAMETERS, **kwargs)
        # The parameter file may have those of the detector, too.
        warn_misspelled(self, PARAMETERS)
        self.add_on_set_parameters_callback(self.on_set_parameters)
        self._guard: FireGuard | None = None
        self._detectors: list[str] = []
        self._stamps: list[StampCheck] = []
        self._stalls = StallWatch()
        self._output: CommandOutput | None = None
        self._inputs: list[Any] = []
        self._dismissals: list[Any] = []
        # Commands, which come more often than anything else.
        self._direct: FastPathSubscription | None = None
        self._watch_timer: Any = None
        # What commands are multiplied by; None before the first decision.
        self._scale: float | None = None
        self._commands = 0
        # Commands that went out as zero for what they are, and how many before the last health.
        self._zeroed = dict.fromkeys((NOT_FINITE, TOO_OLD), 0)
        self._zeroed_before = dict(self._zeroed)
        self._conflicts: list[str] = []
        # Not a lifecycle publisher: that nothing passes is so before activation, too.
        self._holding_publisher = self.create_publisher(Bool, '~/holding', LATCHED)
        self._holding_publisher.publish(Bool(data=True))
        self.create_service(Trigger, '~/release', self._on_release)

    def configure(self) -> None:
        """Check the parameters, and make the publisher of commands."""
        values = self.parameter_values()
        self._detectors, settings = detector_topics(values), guard_settings(values)
        self._guard = FireGuard(settings, self._detectors)
        self._output = CommandOutput(self, bool(values['stamped']))

    def activate(self) -> None:
        """Subscribe to detectors and commands, with every alarm and hold from before forgotten."""
        assert self._output is not None
        self._guard = FireGuard(guard_settings(self.parameter_values()), self._detectors)
        self._stamps = [StampCheck() for _ in self._detectors]
        self._stalls, self._scale, self._conflicts = StallWatch(), None, []
        self._output.start()
        for number, topic in enumerate(self._detectors):
            # Volatile: the latched report of a detector that has ended is not heard.
            self._inputs.append(self.create_subscription(
                DiagnosticArray, topic, partial(self._on_detector, number), DEPTH))
            self._dismissals.append(self.create_service(
                Trigger, f'~/dismiss/{topic.lstrip("~/")}', partial(self._on_dismiss, number)))
        # Humble's rclpy passes the message alone.
        receive = (self._on_command if hasattr(Subscription, 'CallbackType')
                   else lambda command: self._on_command(command, {}))
        self._inputs.append(self.create_subscription(
            self._output.message_type, INPUT, receive, DEPTH))
        self._direct = FastPathSubscription(self._inputs[-1], self._on_command)
        self._watch_timer = self.create_timer(
            WATCH_PERIOD, self._watch, clock=self.steady_clock)
        names = ', '.join(each.topic_name for each in self._inputs[:-1])
        self.get_logger().info(
            f'guarding {self._output.topic} ({self._output.message_type.__name__}): on an alarm '
            f'{self._guard.settings.action}, on silence {self._guard.settings.on_silence}; '
            f'detectors {names}')

    def deactivate(self) -> None:
        """Stop the robot, and let no command pass from now on."""
        active, self._direct = self._watch_timer is not None, None
        if self._output is not None:
            self._output.end()
        if active:
            self.destroy_timer(self._watch_timer)
            self._watch_timer, self._scale = None, 0.0
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        for service in self._dismissals:
            self.destroy_service(service)
        self._inputs.clear()
        self._dismissals.clear()
        if active and self.context.ok():
            self._report_scale(0.0, 'not active')

    def cleanup(self) -> None:
        """Free the publisher of commands."""
        if self._output is not None:
            self._output.destroy()
            self._output = None
        self._guard = None

    def apply(self, values: Mapping[str, Any]) -> None:
        """Apply the guard's settings."""
        assert self._guard is not None
        self._guard.settings = guard_settings(values)

    def _on_release(self, request: Trigger.Request,
                    response: Trigger.Response) -> Trigger.Response:
        """End a hold; not while an alarm is raised."""
        if self._guard is None or self._watch_timer is None:
            response.success, response.message = False, 'the node is not active'
            return response
        response.success = self._guard.release()
        response.message = ('nothing is held on account of fire' if response.success else
                            f'not released: {"; ".join(self._guard.alarms())}')
        self._update()
        return response

    def _on_dismiss(self, number: int, request: Trigger.Request,
                    response: Trigger.Response) -> Trigger.Response:
        """Have a silent detector not count."""
        if self._guard is None or self._watch_timer is None:
            response.success, response.message = False, 'the node is not active'
            return response
        problem = self._guard.dismiss(number, time.monotonic())
        response.success = not problem
        response.message = (f'not dismissed: {problem}' if problem else
                            f'{self._detectors[number]} does not count until it reports again')
        self.get_logger().warning(response.message)
        self._update()
        return response

    def _on_detector(self, number: int, message: DiagnosticArray) -> None:
        if self._guard is None or self._watch_timer is None:
            # The message was ready when the transition came.
            return
        stamp = message.header.stamp
        stale = self._stamps[number].explain_stale(
            stamp.sec * SECOND + stamp.nanosec, self.get_clock().now().nanoseconds,
            self._guard.settings.max_age)
        if stale:
            self._guard.report_stale(number, is_alarm(message), stale)
        else:
            self._guard.report(number, is_alarm(message), time.monotonic())
        self._update()

    def fast_path_subscription(self) -> FastPathSubscription | None:
        """Return the subscription to commands; None while not active."""
        return self._direct

    def _on_command(self, command: Any, info: Any) -> None:
        if self._guard is None or self._output is None or self._watch_timer is None:
            return
        self._commands += 1
        scale = self._update()
        # By the clock of the machine that sent it; a stamp, of TwistStamped, may be simulated.
        sent = info.get('source_timestamp')
        age = sent and explain_age(sent, time.time_ns(), self._guard.settings.max_age)
        if age:
            self._zero(TOO_OLD, f'it is {age}; are the clocks of all machines synchronized?')
            scale = 0.0
        elif not is_finite(self._output.twist_of(command)):
            self._zero(NOT_FINITE, 'what a base does with it is unknown')
            scale = 0.0
        self._output.publish(command, scale)

    def _zero(self, reason: str, explanation: str) -> None:
        """Count and report a command that goes out as zero."""
        self._zeroed[reason] += 1
        self.get_logger().warning(f'a command that is {reason} was turned into zero: '
                                  f'{explanation}', throttle_duration_sec=LOG_PERIOD)

    def _watch(self) -> None:
        """Notice silence, and the beginning of a stop, where no command comes."""
        self._update()

    def _update(self) -> float:
        """Apply the factor of this moment where it has changed; return it."""
        assert self._guard is not None and self._output is not None
        now = time.monotonic()
        self._stalls.update(now)
        stall = self._stalls.explain_stall(now)
        scale = 0.0 if stall else self._guard.scale(now)
        before, self._scale = self._scale, scale
        if scale == before:
            return scale
        if scale == 0.0:
            self._output.stop()
        elif before is not None and scale < before:
            self._output.slow_down(scale / before, self._guard.settings.max_age)
        self._report_scale(scale, '; '.join(
            [*filter(None, [stall]), *self._guard.alarms(), *self._guard.silences(now)]))
        return scale

    def _report_scale(self, scale: float, reason: str) -> None:
        self._holding_publisher.publish(Bool(data=scale < 1.0))
        if scale == 1.0:
            self.get_logger().info(describe_scale(scale))
        else:
            self.get_logger().warning(f'{describe_scale(scale)}: {reason}')

    def health(self) -> Health:
        """Return the guard's health; a hold on account of fire does not change the level."""
        counts = (('commands', str(self._commands)),
                  *((reason, str(count)) for reason, count in self._zeroed.items()))
        before, self._zeroed_before = self._zeroed_before, dict(self._zeroed)
        if self._guard is None or self._watch_timer is None:
            return self.resting_health(counts)
        # So that what is reported is done.
        scale = self._update()
        problems = self._guard.silences(time.monotonic()) + self._guard.dismissals()
        problems += [f'commands that are {reason} are turned into zero'
                     for reason, count in self._zeroed.items() if count > before[reason]]
        problems += self._find_conflicts()
        reasons = '; '.join(self._guard.alarms() + problems)
        return Health(Level.WARN if problems else Level.OK,
                      describe_scale(scale) + (f': {reasons}' if reasons else ''),
                      (('multiplied by', f'{scale:g}'), *counts))

    def _find_conflicts(self) -> list[str]:
        """List what is wrong with who publishes on the guard's topics; log what is new."""
        assert self._output is not None
        message_type = f'geometry_msgs/msg/{self._output.message_type.__name__}'
        found = [
            explain_commands(self._inputs[-1].topic_name, message_type,
                             self._publishers_of(INPUT)),
            explain_output(self._output.topic, self.get_fully_qualified_name(),
                           self._publishers_of(OUTPUT)),
            *(explain_alarm(topic, self._publishers_of(topic)) for topic in self._detectors)]
        before, self._conflicts = self._conflicts, [each for each in found if each]
        for conflict in self._conflicts:
            if conflict not in before:
                self.get_logger().warning(conflict)
        return self._conflicts

    def _publishers_of(self, topic: str) -> list[Publisher]:
        return [Publisher(f'{info.node_namespace.rstrip("/")}/{info.node_name}', info.topic_type)
                for info in self.get_publishers_info_by_topic(topic)]


HELP = NodeHelp(
    'fire_guard',
    'Pass velocity commands from cmd_vel_in to cmd_vel_out, and stop or slow the robot while a '
    'detector raises an alarm or is silent. Usually started by: ros2 launch fire_detector '
    'detect.launch.py guard:=true',
    ('--ros-args -r cmd_vel_in:=/cmd_vel_nav -r cmd_vel_out:=/cmd_vel',
     '--ros-args -p action:=slow -p slow_factor:=0.3'),
    PARAMETERS)


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit status."""
    return run_managed(HELP, FireGuardNode, args)


if __name__ == '__main__':
    sys.exit(main())
