# SPDX-License-Identifier: Apache-2.0
"""
Measure what the guard adds: `python test/guard_latency.py`.

One process publishes commands, each with the time in it; this one hears them directly, through the
guard's process and through one that only passes them on, all over DDS, and compares. Apart from
that it times the guard's callback.
"""

import argparse
from collections.abc import Sequence
from contextlib import suppress
import os
from pathlib import Path
from statistics import quantiles
import sys
import tempfile
import time

from fire_detector.detection.statistics import read_usage
from fire_detector.nodes.guard_node import FireGuardNode
from geometry_msgs.msg import Twist
from guarded_robot import ALARM, twist_of
import rclpy
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from ros_domain import isolated_domain
from ros_session import RosSession
from std_msgs.msg import Bool

from benchmark.subjects import Subject

WARM_UP = 1.0
RELAYED = '/cmd_vel_relayed'


def publish(rate: float) -> None:
    """Publish commands with the time of a clock that all processes share, until interrupted."""
    rclpy.init()
    node = rclpy.create_node('navigation')
    publisher = node.create_publisher(Twist, '/cmd_vel_in', 10)
    node.create_timer(
        1 / rate,
        lambda: publisher.publish(twist_of((time.monotonic(), 0.0, 0.0, 0.0, 0.0, 0.0))),
        clock=Clock(clock_type=ClockType.STEADY_TIME))
    with suppress(KeyboardInterrupt):
        rclpy.spin(node)


def relay() -> None:
    """Pass commands on, with as little as rclpy needs for it, until interrupted."""
    rclpy.init()
    node = rclpy.create_node('relay', start_parameter_services=False)
    publisher = node.create_publisher(Twist, RELAYED, 10)
    node.create_subscription(Twist, '/cmd_vel_in', publisher.publish, 10)
    with suppress(KeyboardInterrupt):
        rclpy.spin(node)


def over_dds(seconds: float, rate: float) -> str:
    """Measure commands from their publisher to here, directly and through the guard."""
    with tempfile.TemporaryDirectory() as folder, RosSession(Path(folder)) as ros:
        guard = ros.start('guard_node', '-p', 'detector_timeout:=3600')
        ages: dict[str, dict[float, float]] = {
            '/cmd_vel_in': {}, '/cmd_vel_out': {}, RELAYED: {}}
        ros.start_command([sys.executable, __file__, '--relay'])

        def listen(topic: str) -> None:
            def take(command: Twist) -> None:
                sent = command.linear.x
                # Zero where the guard has stopped.
                if sent > begin:
                    ages[topic][sent] = time.monotonic() - sent

            ros.node.create_subscription(Twist, topic, take, 10)

        begin = float('inf')
        for topic in ages:
            listen(topic)
        alarm = ros.node.create_publisher(Bool, ALARM, 10)
        ros.wait_for(lambda: alarm.get_subscription_count() == 1
                     and ros.node.count_publishers(RELAYED) == 1, 'guard and relay')
        alarm.publish(Bool(data=False))
        ros.start_command([sys.executable, __file__, '--publish', '--rate', str(rate)])
        ros.wait_for(lambda: ros.node.count_publishers('/cmd_vel_in') == 1, 'commands')
        begin = time.monotonic() + WARM_UP
        ros.happens(lambda: time.monotonic() > begin, WARM_UP + 1)
        cpu = Subject('guard', guard.popen).cpu
        ros.happens(lambda: time.monotonic() > begin + seconds, seconds + 1)
        cpu = Subject('guard', guard.popen).cpu - cpu
        memory = guard.memory / 2 ** 20
    direct, guarded, relayed = ages.values()
    everywhere = sorted(direct.keys() & guarded.keys() & relayed.keys())
    return '\n'.join((
        f'{len(everywhere)} commands at {rate:g} Hz, of {len(direct)}',
        _line('without guard', [direct[sent] for sent in everywhere]),
        _line('with guard', [guarded[sent] for sent in everywhere]),
        _line('added by guard', [guarded[sent] - direct[sent] for sent in everywhere]),
        _line('by an empty relay', [relayed[sent] - direct[sent] for sent in everywhere]),
        f'guard process: {100 * cpu / seconds:.1f} % of a core, {memory:.0f} MiB'))


def in_process(commands: int) -> str:
    """Time the callback for a command, deserialization and executor left out."""
    with isolated_domain() as variables:
        os.environ.update(variables)
        rclpy.init()
        node = FireGuardNode()
        node.start()
        node._on_detector(0, Bool(data=False))
        command, spent = twist_of((1.0, 0.0, 0.0, 0.0, 0.0, 0.5)), []
        before = read_usage().cpu
        for _ in range(commands):
            started = time.perf_counter()
            node._on_command(command)
            spent.append(time.perf_counter() - started)
        cpu = (read_usage().cpu - before) / commands
        node.destroy_node()
        rclpy.shutdown()
    return f'{_line("callback", spent)}, processor time {1e3 * cpu:.3f} ms'


def _line(name: str, values: Sequence[float]) -> str:
    percentiles = quantiles(values, n=100)
    return f'{name:>18}: p50 {1e3 * percentiles[49]:.3f} ms, p99 {1e3 * percentiles[98]:.3f} ms'


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=20.0, help='how long')
    parser.add_argument('--rate', type=float, default=20.0, help='commands a second')
    parser.add_argument('--publish', action='store_true', help=argparse.SUPPRESS)
    parser.add_argument('--relay', action='store_true', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.relay:
        relay()
        return
    if arguments.publish:
        publish(arguments.rate)
        return
    sys.stdout.write(f'{over_dds(arguments.seconds, arguments.rate)}\n')
    sys.stdout.write(f'{in_process(1000)}\n')


if __name__ == '__main__':
    main()
