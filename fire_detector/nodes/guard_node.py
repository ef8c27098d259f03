# SPDX-License-Identifier: Apache-2.0
"""
The fire guard node, between navigation and base: velocity commands in, the same or less out.

For each command one goes out, in order, with its header: unchanged, times a factor, or zero. One
that is not finite goes out as zero, since what a base would do with it is unknown. Beyond
these, one zero command is sent whenever a stop begins, because a base may hold the last command
and navigation may send no other; deactivation is a stop, too. Nothing is sent while not active.
"""

from collections.abc import Mapping, Sequence
from functools import partial
import math
import sys
import time
from typing import Any

from fire_detector.detection.health import Health, Level
from fire_detector.guard.guard import FireGuard
from fire_detector.parameters.guard import detector_topics, guard_settings, PARAMETERS
from fire_detector.ros.executor import FastPathSubscription
from fire_detector.ros.lifecycle_node import LATCHED, ManagedNode, run_managed
from fire_detector.ros.node_help import NodeHelp
from fire_detector.ros.parameters import warn_misspelled
from geometry_msgs.msg import Twist, TwistStamped
from std_msgs.msg import Bool, Header
from std_srvs.srv import Trigger

DEPTH = 10
LOG_PERIOD = 5.0
# Seconds after which a detector's silence is noticed at the latest, without any command.
WATCH_PERIOD = 0.25


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
        self._output: Any = None
        self._inputs: list[Any] = []
        # Commands, which come more often than anything else.
        self._direct: FastPathSubscription | None = None
        self._watch_timer: Any = None
        # What the last command was multiplied by; None before the first decision.
        self._scale: float | None = None
        self._frame_id = ''
        self._commands = self._not_finite = self._not_finite_before = 0
        # Not a lifecycle publisher: that nothing passes is so before activation, too.
        self._holding_publisher = self.create_publisher(Bool, '~/holding', LATCHED)
        self._holding_publisher.publish(Bool(data=True))
        self.create_service(Trigger, '~/release', self._on_release)

    def configure(self) -> None:
        """Check the parameters, and make the publisher of commands."""
        values = self.parameter_values()
        self._detectors, settings = detector_topics(values), guard_settings(values)
        self._stamped = bool(values['stamped'])
        self._message_type = TwistStamped if self._stamped else Twist
        self._guard = FireGuard(settings, self._detectors)
        self._output = self.create_lifecycle_publisher(
            self._message_type, 'cmd_vel_out', DEPTH)

    def activate(self) -> None:
        """Subscribe to detectors and commands, with every alarm and hold from before forgotten."""
        self._guard = FireGuard(guard_settings(self.parameter_values()), self._detectors)
        self._scale = None
        for number, topic in enumerate(self._detectors):
            self._inputs.append(self.create_subscription(
                Bool, topic, partial(self._on_detector, number), DEPTH))
        self._inputs.append(self.create_subscription(
            self._message_type, 'cmd_vel_in', self._on_command, DEPTH))
        self._direct = FastPathSubscription(
            self._inputs[-1], lambda command, _: self._on_command(command))
        self._watch_timer = self.create_timer(
            WATCH_PERIOD, self._watch, clock=self.steady_clock)
        names = ', '.join(each.topic_name for each in self._inputs[:-1])
        self.get_logger().info(
            f'guarding {self._output.topic_name} ({self._message_type.__name__}): on an alarm '
            f'{self._guard.settings.action}, on silence {self._guard.settings.on_silence}; '
            f'detectors {names}')

    def deactivate(self) -> None:
        """Stop the robot, and let no command pass from now on."""
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self._inputs.clear()
        self._direct = None
        if self._watch_timer is not None:
            self.destroy_timer(self._watch_timer)
            self._watch_timer = None
            self._apply_scale(0.0, 'not active')

    def cleanup(self) -> None:
        """Free the publisher of commands."""
        if self._output is not None:
            self.destroy_lifecycle_publisher(self._output)
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

    def _on_detector(self, number: int, message: Bool) -> None:
        if self._guard is None or self._watch_timer is None:
            # The message was ready when the transition came.
            return
        self._guard.report(number, message.data, time.monotonic())
        self._update()

    def fast_path_subscription(self) -> FastPathSubscription | None:
        """Return the subscription to commands; None while not active."""
        return self._direct

    def _on_command(self, command: Any) -> None:
        if self._guard is None or self._watch_timer is None:
            return
        self._commands += 1
        twist = command
        if self._stamped:
            twist, self._frame_id = command.twist, command.header.frame_id
        scale = self._update()
        if not _is_finite(twist):
            self._not_finite += 1
            self.get_logger().warning('a command that is not finite was turned into zero',
                                      throttle_duration_sec=LOG_PERIOD)
            scale = 0.0
        if scale != 1.0:
            _multiply(twist, scale)
        self._output.publish(command)

    def _watch(self) -> None:
        """Notice silence, and the beginning of a stop, where no command comes."""
        self._update()

    def _update(self) -> float:
        """Apply the factor of this moment where it has changed; return it."""
        assert self._guard is not None
        now = time.monotonic()
        scale = self._guard.scale(now)
        if scale != self._scale:
            self._apply_scale(scale, '; '.join(self._guard.alarms() + self._guard.silences(now)))
        return scale

    def _apply_scale(self, scale: float, reason: str) -> None:
        if scale == 0.0 and self._scale != 0.0:
            self._output.publish(
                TwistStamped(header=Header(stamp=self.get_clock().now().to_msg(),
                                           frame_id=self._frame_id))
                if self._stamped else Twist())
        self._scale = scale
        self._holding_publisher.publish(Bool(data=scale < 1.0))
        self.get_logger().warning('commands pass' if scale == 1.0 else
                                  f'commands are multiplied by {scale:g}: {reason}')

    def health(self) -> Health:
        """Return the guard's health; a hold on account of fire does not change the level."""
        counts = (('commands', str(self._commands)), ('not finite', str(self._not_finite)))
        not_finite = self._not_finite > self._not_finite_before
        self._not_finite_before = self._not_finite
        if self._guard is None or self._watch_timer is None:
            return self.resting_health(counts)
        # So that what is reported is done.
        scale = self._update()
        problems = self._guard.silences(time.monotonic())
        if not_finite:
            problems.append('commands that are not finite are turned into zero')
        return Health(Level.WARN if problems else Level.OK,
                      '; '.join(self._guard.alarms() + problems) or 'commands pass',
                      (('multiplied by', f'{scale:g}'), *counts))


def _is_finite(twist: Twist) -> bool:
    # A sum is finite only if each part is; one too large for a float is no speed, either.
    linear, angular = twist.linear, twist.angular
    return math.isfinite(linear.x + linear.y + linear.z + angular.x + angular.y + angular.z)


def _multiply(twist: Twist, factor: float) -> None:
    for vector in (twist.linear, twist.angular):
        # Zero itself, for what is not finite and for a zero without a sign.
        vector.x, vector.y, vector.z = (
            (vector.x * factor, vector.y * factor, vector.z * factor) if factor else
            (0.0, 0.0, 0.0))


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
