# SPDX-License-Identifier: Apache-2.0
"""
Measure what the guard adds: `PYTHONPATH=test .venv/bin/python -m benchmark.guard_latency`.

One process publishes commands, each with the time in it; this one hears them directly, through the
guard's process and through one that only passes them on, all over DDS, and compares.
"""

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import quantiles
import sys
import tempfile
import time

from benchmark.bench import Subject
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist
from guarded_robot import ALARM, report, twist_of
import rclpy
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from ros_session import RosSession

WARM_UP = 1.0
DIRECT, GUARDED, RELAYED = TOPICS = '/cmd_vel_in', '/cmd_vel_out', '/cmd_vel_relayed'


def publish(rate: float) -> None:
    """Publish commands with the time of a clock that all processes share, until interrupted."""
    rclpy.init()
    node = rclpy.create_node('navigation')
    publisher = node.create_publisher(Twist, DIRECT, 10)
    node.create_timer(
        1 / rate,
        lambda: publisher.publish(twist_of((time.monotonic(), 0.0, 0.0, 0.0, 0.0, 0.0))),
        clock=Clock(clock_type=ClockType.STEADY_TIME))
    rclpy.spin(node)


def relay() -> None:
    """Pass commands on, with as little as rclpy needs for it, until interrupted."""
    rclpy.init()
    node = rclpy.create_node('relay', start_parameter_services=False)
    publisher = node.create_publisher(Twist, RELAYED, 10)
    node.create_subscription(Twist, DIRECT, publisher.publish, 10)
    rclpy.spin(node)


def measure(seconds: float, rate: float) -> str:
    """Measure commands from their publisher to here, directly and through the guard."""
    ages: dict[str, dict[float, float]] = {topic: {} for topic in TOPICS}
    begin = float('inf')

    def listen(ros: RosSession, topic: str) -> None:
        def take(command: Twist) -> None:
            # Zero where the guard has stopped.
            if command.linear.x > begin:
                ages[topic][command.linear.x] = time.monotonic() - command.linear.x

        ros.node.create_subscription(Twist, topic, take, 10)

    with tempfile.TemporaryDirectory() as folder, RosSession(Path(folder)) as ros:
        guard = Subject('guard', ros.start('guard_node', 'detector_timeout:=3600'))
        ros.start_command([sys.executable, __file__, '--run', 'relay'])
        for topic in TOPICS:
            listen(ros, topic)
        alarm = ros.node.create_publisher(DiagnosticArray, ALARM, 10)
        ros.wait_for(lambda: alarm.get_subscription_count() == 1
                     and ros.node.count_publishers(RELAYED) == 1, 'guard and relay')
        alarm.publish(report(False, ros.node.get_clock().now().to_msg()))
        ros.start_command([sys.executable, __file__, '--run', 'publish', '--rate', str(rate)])
        ros.wait_for(lambda: ros.node.count_publishers(DIRECT) == 1, 'commands')
        begin = time.monotonic() + WARM_UP
        ros.happens(lambda: time.monotonic() > begin, WARM_UP + 1)
        cpu = guard.cpu
        ros.happens(lambda: time.monotonic() > begin + seconds, seconds + 1)
        cpu, memory = guard.cpu - cpu, guard.process.memory / 2 ** 20
    direct, guarded, relayed = ages.values()
    everywhere = sorted(direct.keys() & guarded.keys() & relayed.keys())
    return '\n'.join((
        f'{len(everywhere)} commands at {rate:g} Hz, of {len(direct)}',
        _line('without guard', [direct[sent] for sent in everywhere]),
        _line('with guard', [guarded[sent] for sent in everywhere]),
        _line('added by guard', [guarded[sent] - direct[sent] for sent in everywhere]),
        _line('by an empty relay', [relayed[sent] - direct[sent] for sent in everywhere]),
        f'guard process: {100 * cpu / seconds:.1f} % of a core, {memory:.0f} MiB'))


def _line(name: str, values: Sequence[float]) -> str:
    percentiles = quantiles(values, n=100)
    return f'{name:>18}: p50 {1e3 * percentiles[49]:.3f} ms, p99 {1e3 * percentiles[98]:.3f} ms'


def main() -> None:
    """Measure, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=20.0, help='how long')
    parser.add_argument('--rate', type=float, default=20.0, help='commands a second')
    parser.add_argument('--run', choices=('publish', 'relay'), help=argparse.SUPPRESS)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        if options.run == 'publish':
            publish(options.rate)
        elif options.run == 'relay':
            relay()
        else:
            print(measure(options.seconds, options.rate))


if __name__ == '__main__':
    main()
