# SPDX-License-Identifier: Apache-2.0
"""The nodes around the guard in its tests: navigation, detectors and a base."""

from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from fire_detector.ros.messages import alarm_array
from geometry_msgs.msg import Twist, TwistStamped, Vector3
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from ros_session import DEPTH, Diagnostics, RosSession
from std_msgs.msg import Bool, Header

GUARD = '/fire_guard'
ALARM = '/fire_detector/alarm'
Speeds = tuple[float, float, float, float, float, float]
ZERO: Speeds = (0.0,) * 6
FORWARD: Speeds = (1.0, 0.0, 0.0, 0.0, 0.0, 0.5)


def speeds(twist: Twist) -> Speeds:
    """Return the six numbers of a twist."""
    linear, angular = twist.linear, twist.angular
    return linear.x, linear.y, linear.z, angular.x, angular.y, angular.z


def twist_of(values: Speeds) -> Twist:
    """Make a twist of six numbers."""
    return Twist(linear=Vector3(x=values[0], y=values[1], z=values[2]),
                 angular=Vector3(x=values[3], y=values[4], z=values[5]))


def stamp_of(seconds: float) -> Time:
    """Make a stamp."""
    return Time(sec=int(seconds), nanosec=int(seconds % 1 * 1e9))


def report(alarm: bool, stamp: Time) -> DiagnosticArray:
    """Make a detector's report with a stamp."""
    return alarm_array(alarm, 'detector', Header(stamp=stamp))


class GuardedRobot:
    """Source of alarms and commands, and collector of what the guard publishes."""

    def __init__(self, ros: RosSession, *parameters: str, stamped: bool = False,
                 alarms: tuple[str, ...] = (ALARM,)) -> None:
        """
        Start the guard and make the topics around it.

        :param ros: in which it runs.
        :param parameters: of the guard, each as name:=value.
        :param stamped: whether commands have a header.
        :param alarms: topics of the detectors.
        """
        self.ros, self._stamped = ros, stamped
        self.process = ros.start(
            'guard_node', *parameters, f'stamped:={str(stamped).lower()}')
        message_type: Any = TwistStamped if stamped else Twist
        self.out: list[Any] = ros.collect(message_type, '/cmd_vel_out')
        self._holding: list[Bool] = []
        ros.node.create_subscription(
            Bool, f'{GUARD}/holding', self._holding.append,
            QoSProfile(depth=10, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL))
        self.diagnostics = Diagnostics(ros)
        self._alarms = [
            ros.node.create_publisher(DiagnosticArray, topic, 10) for topic in alarms]
        self.commands = ros.node.create_publisher(message_type, '/cmd_vel_in', DEPTH)

    def connect(self) -> None:
        """Wait until the guard receives alarms and commands, and its commands arrive here."""
        self.ros.wait_for(lambda: all(each.get_subscription_count() == 1
                                      for each in (self.commands, *self._alarms)),
                          'subscriptions of the guard')
        sent = 0

        def passes() -> bool:
            nonlocal sent
            sent += 1
            self.publish_alarms(False)
            self.send((float(sent), 0.0, 0.0, 0.0, 0.0, 0.0))
            return any(forward for forward, *_ in self._speeds())

        self.ros.wait_for(passes, 'a command that passes')
        self.ros.wait_for(lambda: self._speeds()[-1][0] == sent, 'the last of the commands')
        self.wait_for_holding(False, False)
        self.out.clear()

    def publish_alarms(self, *alarms: bool) -> None:
        """Publish the alarm of each detector, as of now; the same for all where one is given."""
        values = alarms if len(alarms) > 1 else alarms * len(self._alarms)
        stamp = self.ros.node.get_clock().now().to_msg()
        for publisher, alarm in zip(self._alarms, values, strict=True):
            publisher.publish(report(alarm, stamp))

    def publish_alarm_of(self, detector: int, alarm: bool) -> None:
        """Publish the alarm of one detector, as of now."""
        self._alarms[detector].publish(report(alarm, self.ros.node.get_clock().now().to_msg()))

    def publish_report(self, stamp: float, alarm: bool = False) -> None:
        """Publish the alarm of the first detector with a stamp, in seconds."""
        self._alarms[0].publish(report(alarm, stamp_of(stamp)))

    def send(self, values: Speeds, number: int = 0) -> None:
        """Publish a command; with a header, where it has one, that has a number in it."""
        command: Any = twist_of(values)
        if self._stamped:
            command = TwistStamped(twist=command)
            command.header.frame_id = f'base_{number}'
            command.header.stamp.sec = number
        self.commands.publish(command)

    def drive(self, *commands: Speeds) -> list[Speeds]:
        """Publish commands, and return those that come out, when there are as many."""
        self.out.clear()
        for number, values in enumerate(commands):
            self.send(values, number)
            if number % 4 == 3:
                # Navigation does not send more at once than the guard's queue holds.
                self._wait_for_commands(number + 1)
        self._wait_for_commands(len(commands))
        return self._speeds()

    def _wait_for_commands(self, number: int) -> None:
        self.ros.wait_for(lambda: len(self.out) >= number, f'{number} commands')

    def wait_for_stop(self) -> None:
        """Wait for a zero command that nobody has sent, and for the hold to be published."""
        self.ros.wait_for(lambda: self.out, 'the zero command at the beginning of the stop')
        self.wait_for_holding(True)
        assert self._speeds() == [ZERO]
        self.out.clear()

    def wait_for_holding(self, holding: bool, *alarms: bool) -> None:
        """Wait until the guard holds or not, while detectors publish alarms."""
        def published() -> bool:
            if alarms:
                self.publish_alarms(*alarms)
            return bool(self._holding) and self._holding[-1].data is holding

        self.ros.wait_for(published, f'~/holding {holding}')

    def _speeds(self) -> list[Speeds]:
        return [speeds(each.twist if self._stamped else each) for each in self.out]
