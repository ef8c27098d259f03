# SPDX-License-Identifier: Apache-2.0
"""A guard under a steady flow of commands and reports, and what comes out of it, and when."""

from collections.abc import Callable
from contextlib import suppress
import os
from pathlib import Path
import re
import sys
import time
from typing import Any

from benchmark.ending_guard import ORDERS
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist, TwistStamped
from guarded_robot import report, stamp_of
from lifecycle_msgs.srv import ChangeState
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.qos import QoSProfile
from ros_session import RosSession, TIMEOUT
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

COMMAND_PERIOD, REPORT_PERIOD = 0.02, 0.03
# Seconds; of the guard's parameter.
DETECTOR_TIMEOUT = 0.25
# For which nothing but zeros is to come out.
SETTLED_AFTER = 0.3
SIMULATED_START = 1000.0
# A detector in a process of its own, which can be stopped and killed.
DETECTOR = """
import sys
from diagnostic_msgs.msg import DiagnosticArray
from fire_detector.ros.messages import alarm_array
import rclpy
from std_msgs.msg import Header
rclpy.init()
node = rclpy.create_node('detector', start_parameter_services=False)
publisher = node.create_publisher(DiagnosticArray, sys.argv[1], 10)
def publish():
    header = Header(stamp=node.get_clock().now().to_msg())
    publisher.publish(alarm_array(False, 'detector', header))
node.create_timer(0.03, publish)
rclpy.spin(node)
"""


class GuardedLife:
    """
    One guard process in a namespace of its own, with navigation, a detector and a base.

    :ivar arrivals: each command at the base: when it came, seconds, and when it had been sent; 0
        for a zero.
    :ivar stamp: returns the stamp of the next report, seconds; None where none is to be published.
    :ivar fresh_at: when the last report was sent that was to be heard, and its stamp.
    """

    def __init__(self, ros: RosSession, name: str, stamped: bool, simulated: bool,
                 separate_detector: bool) -> None:
        """
        Start the guard.

        :param ros: in which it runs.
        :param name: of the namespace.
        :param stamped: whether commands are TwistStamped.
        :param simulated: whether time is simulated.
        :param separate_detector: whether a second detector runs in a process of its own.
        """
        self.ros, self.name, self._stamped, self.simulated = ros, name, stamped, simulated
        message_type: Any = TwistStamped if stamped else Twist
        self._make = message_type
        self.arrivals: list[tuple[float, float]] = []
        node = ros.node
        self._commands = node.create_publisher(message_type, f'/{name}/cmd_vel_in', 10)
        self._reports = node.create_publisher(DiagnosticArray, f'/{name}/alarm', 10)
        self._clock = node.create_publisher(Clock, f'/{name}/clock', 10)
        self._base = node.create_subscription(
            message_type, f'/{name}/cmd_vel_out', self._receive, QoSProfile(depth=1000))
        guard = f'/{name}/fire_guard'
        self.change_state: Any = node.create_client(ChangeState, f'{guard}/change_state')
        self.release: Any = node.create_client(Trigger, f'{guard}/release')
        self.detector = ros.start_command(
            [sys.executable, '-c', DETECTOR, f'/{name}/second']) if separate_detector else None
        detectors = '[alarm, second]' if separate_detector else '[alarm]'
        self._orders = Path(ros.environment['ROS_LOG_DIR']).with_name(f'{name}.orders')
        os.mkfifo(self._orders)
        ros.environment[ORDERS] = str(self._orders)
        self.process = ros.start_command([
            sys.executable, '-m', 'benchmark.ending_guard', '--ros-args', '-r', f'__ns:=/{name}',
            '-r', f'/clock:=/{name}/clock', '-p', f'use_sim_time:={str(simulated).lower()}',
            '-p', f'stamped:={str(stamped).lower()}', '-p', f'detectors:={detectors}',
            '-p', f'detector_timeout:={DETECTOR_TIMEOUT}'])
        self._began = time.monotonic()
        self.clock_stands_at: float | None = None
        self.stamp: Callable[[], float | None] = self.now
        self.fresh_at = 0.0, 0.0
        self._next_command = self._next_report = 0.0

    def now(self) -> float:
        """Return the time that the guard's clock shows, seconds."""
        if not self.simulated:
            return time.time()
        if self.clock_stands_at is not None:
            return self.clock_stands_at
        return SIMULATED_START + time.monotonic() - self._began

    def order(self, order: str) -> None:
        """Tell the guard's process what is to happen."""
        self._orders.write_text(f'{order}\n')

    def happened_at(self) -> float:
        """Wait for what was ordered to happen; return when it did."""
        def found() -> Any:
            return re.search(r'^happened ([\d.]+)$', self.process.output, re.MULTILINE)

        def called() -> bool:
            # The order may be that this raises; whatever else it is happens within a second.
            self.release.call_async(Trigger.Request())
            return self.run(0.2, found)

        self.run_until(called, f'what was ordered of {self.name}')
        return float(found()[1])

    def run_until(self, condition: Callable[[], object], what: str) -> None:
        """Go on until a condition is true; fail with its name where it is late."""
        if not self.run(TIMEOUT, condition):
            raise AssertionError(f'not within {TIMEOUT} s: {what}\n{self.process.output}')

    def run(self, seconds: float, condition: Callable[[], object] = lambda: False) -> bool:
        """Send commands and reports for so long, or until a condition; return whether it is."""
        deadline = time.monotonic() + seconds
        while not condition():
            now = time.monotonic()
            if now > deadline:
                return False
            if now >= self._next_command:
                self._next_command = now + COMMAND_PERIOD
                with suppress(rclpy_implementation.RCLError):
                    # A starved Fast DDS cannot always publish; the next will do.
                    self._commands.publish(self._command(now))
            if now >= self._next_report:
                self._next_report = now + REPORT_PERIOD
                with suppress(rclpy_implementation.RCLError):
                    self._publish_report()
            self.ros.spin_once()
        return True

    def connect(self) -> None:
        """Go on until commands pass."""
        self.run_until(lambda: self.change_state.service_is_ready()
                       and self.release.service_is_ready() and self.passes(), 'a command')

    def stops(self, within: float) -> None:
        """Go on until zeros come out, for so long at most, and then for a while."""
        self.run(within, lambda: self.arrivals and not self.passes())
        self.run(SETTLED_AFTER)

    def passes(self) -> bool:
        """Return whether the last command that came out is one that was sent."""
        return bool(self.arrivals) and self.arrivals[-1][1] > 0

    def destroy(self) -> None:
        """End the processes, and free the topics."""
        for process in (self.process, self.detector):
            if process is not None:
                process.kill()
        node = self.ros.node
        for publisher in (self._commands, self._reports, self._clock):
            node.destroy_publisher(publisher)
        for client in (self.change_state, self.release):
            node.destroy_client(client)
        node.destroy_subscription(self._base)
        self._orders.unlink()

    def _command(self, now: float) -> Any:
        command = self._make()
        (command.twist if self._stamped else command).linear.x = now
        return command

    def _publish_report(self) -> None:
        if self.simulated and self.clock_stands_at is None:
            self._clock.publish(Clock(clock=stamp_of(self.now())))
        stamp = self.stamp()
        if stamp is not None:
            if self.stamp == self.now and self.clock_stands_at is None:
                self.fresh_at = time.monotonic(), stamp
            self._reports.publish(report(False, stamp_of(stamp)))

    def _receive(self, command: Any, info: Any) -> None:
        # When the middleware had it, and not when this process, which does much else, takes it.
        waited = time.time() - 1e-9 * info['received_timestamp']
        twist = command.twist if self._stamped else command
        self.arrivals.append((time.monotonic() - waited, twist.linear.x))
