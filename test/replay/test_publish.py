# SPDX-License-Identifier: Apache-2.0
"""A bag is played into ROS as it was recorded, over real DDS."""

from collections.abc import Sequence
import os
from pathlib import Path
import subprocess
import sys
import time
from typing import Any

from fire_detector.replay.bag_player import recorded_qos
from fire_detector.replay.publish import publish_bag
import numpy as np
import pytest
from rclpy.qos import QoSDurabilityPolicy, QoSReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message
from ros_session import image_message, Process, RosSession
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_msgs.msg import Float32

# Nanoseconds; a recording begins at a time of the wall clock.
START = 1_700_000_000_000_000_000
PERIOD = 40_000_000
IMAGES = 50
RATE = 2.0
PROGRAM = ('import sys; from pathlib import Path; '
           'from fire_detector.replay.publish import publish_bag; '
           'sys.exit(publish_bag(Path(sys.argv[1]), sys.argv[3].split(), float(sys.argv[2])))')
STORE = get_typestore(Stores.ROS2_HUMBLE)


def qos(reliability: QosReliability, durability: QosDurability = QosDurability.VOLATILE,
        depth: int = 0) -> Qos:
    """Make a profile as a recorder writes it."""
    none = QosTime(0, 0)
    return Qos(QosHistory.UNKNOWN, depth, reliability, durability, none, none,
               QosLiveliness.AUTOMATIC, none, False)


def write_bag(path: Path, messages: Sequence[tuple[str, str, int, bytes]],
              plugin: StoragePlugin = StoragePlugin.MCAP,
              profiles: Sequence[Qos] = ()) -> None:
    """Write messages, each as topic, type, time of recording and bytes, with a real writer."""
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        connections: dict[str, Any] = {}
        for topic, name, stamp, data in messages:
            if topic not in connections:
                definition = {} if name in STORE.fielddefs else {
                    'msgdef': 'float32 data', 'rihs01': 'RIHS01_' + 64 * '0'}
                connections[topic] = writer.add_connection(
                    topic, name, typestore=STORE, offered_qos_profiles=profiles, **definition)
            writer.write(connections[topic], stamp, data)


def images() -> list[tuple[str, str, int, bytes]]:
    """Make images that differ, with a stamp that is not the time of recording."""
    return [('/camera/image', 'sensor_msgs/msg/Image', START + index * PERIOD,
             serialize_message(image_message(np.full((8, 8, 3), index, np.uint8),
                                             stamp=float(index))))
            for index in range(IMAGES)]


def numbers() -> list[tuple[str, str, int, bytes]]:
    """Make numbers, recorded halfway between the images."""
    return [('/number', 'std_msgs/msg/Float32', START + index * PERIOD + PERIOD // 2,
             serialize_message(Float32(data=float(index)))) for index in range(IMAGES)]


def start(ros: RosSession, bag: Path, rate: float = RATE, topics: str = '') -> Process:
    """Publish a bag in a process of its own."""
    return ros.start_command([sys.executable, '-c', PROGRAM, str(bag), str(rate), topics])


def collect_raw(ros: RosSession, message_type: Any, topic: str) -> list[tuple[float, bytes]]:
    """Subscribe to serialized messages; they arrive with the time in seconds."""
    arrived: list[tuple[float, bytes]] = []
    ros.node.create_subscription(
        message_type, topic, lambda data: arrived.append((time.monotonic(), data)), 1000,
        raw=True)
    return arrived


@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_as_recorded(ros: RosSession, tmp_path: Path, plugin: StoragePlugin) -> None:
    """
    Every message arrives, in order, byte by byte, twice as fast as recorded, with the clock.

    49 periods of 40 ms between the first image and the last are 1.96 s, half of it 0.98 s. The
    clock tells the times of recording: from START to the last number's, 49.5 periods later.
    """
    bag = tmp_path / 'bag'
    recorded = sorted(images() + numbers(), key=lambda message: message[2])
    write_bag(bag, recorded, plugin)
    times = ros.collect(Clock, '/clock')
    received = collect_raw(ros, Image, '/camera/image')
    floats = collect_raw(ros, Float32, '/number')
    process = start(ros, bag)
    ros.wait_for(lambda: len(received) >= IMAGES and len(floats) >= IMAGES, 'every message')
    assert process.popen.wait(10) == 0, process.output
    assert 'published 100 messages' in process.output
    for topic, arrived in (('/camera/image', received), ('/number', floats)):
        assert [data for _, data in arrived] == [
            message[3] for message in recorded if message[0] == topic]
    assert received[-1][0] - received[0][0] == pytest.approx(0.98, abs=0.2)

    end = START + (2 * IMAGES - 1) * PERIOD // 2
    ros.wait_for(lambda: times and nanoseconds(times[-1]) >= end, 'the last time')
    told = [nanoseconds(one) for one in times]
    assert told == sorted(told)
    assert told[0] == START
    assert told[-1] == end
    assert {message[2] for message in recorded} <= set(told)


def test_clock_goes_on_between_messages(ros: RosSession, tmp_path: Path) -> None:
    """
    Time passes for others while nothing is published, at the rate of playing.

    At 4 times the recorded pace, 4 s take 1 s: 40 times are told between the two messages, or
    fewer on a busy machine, each no more than 4 * 25 ms after the one before if nothing else runs.
    """
    bag = tmp_path / 'bag'
    first, last = images()[0], images()[1]
    write_bag(bag, [first, (*last[:2], START + 4_000_000_000, last[3])])
    times = ros.collect(Clock, '/clock')
    received = collect_raw(ros, Image, '/camera/image')
    start(ros, bag, rate=4.0)
    ros.wait_for(lambda: len(received) == 2, 'both images')
    told = [nanoseconds(one) - START for one in times]
    assert told == sorted(told)
    assert 20 <= len(told) <= 45
    assert len(set(told)) >= 20
    assert max(told) <= 4_000_000_000


def test_ctrl_c(ros: RosSession, tmp_path: Path) -> None:
    """It ends when asked to, without a complaint, in the middle of a long silence."""
    bag = tmp_path / 'bag'
    first, last = images()[0], images()[1]
    write_bag(bag, [first, (*last[:2], START + 3600 * 10**9, last[3])])
    received = collect_raw(ros, Image, '/camera/image')
    process = start(ros, bag)
    ros.wait_for(lambda: received, 'the first image')
    assert process.end() == 0
    assert 'Traceback' not in process.output


def test_waits_for_a_subscriber(ros: RosSession, tmp_path: Path) -> None:
    """Nothing is played before somebody listens; what cannot be imported here is named."""
    bag = tmp_path / 'bag'
    odd = ('/odd', 'nosuch_msgs/msg/Odd', START, b'\0\1\0\0\0\0\0\0')
    clock = ('/clock', 'rosgraph_msgs/msg/Clock', START, serialize_message(Clock()))
    write_bag(bag, [odd, clock, *images()[:2]])
    times = ros.collect(Clock, '/clock')
    process = start(ros, bag)
    ros.wait_for(lambda: 'waiting for a subscriber' in process.output, 'it waits')
    ros.wait_for(lambda: ros.node.count_publishers('/clock'), 'the clock is offered')
    assert not ros.happens(lambda: times, 0.5)
    received = collect_raw(ros, Image, '/camera/image')
    ros.wait_for(lambda: len(received) == 2, 'both images')
    assert process.popen.wait(10) == 0, process.output
    assert 'left out: /odd, whose type nosuch_msgs/msg/Odd cannot be imported' in process.output
    assert 'left out: /clock, which is published from the times' in process.output
    # That of the bag would be 0.
    assert nanoseconds(times[0]) == START


def test_plays_for_nobody_in_the_end(ros: RosSession, tmp_path: Path) -> None:
    """Where nobody subscribes in time, a warning says so, and the clock runs all the same."""
    bag = tmp_path / 'bag'
    write_bag(bag, images()[:5])
    times = ros.collect(Clock, '/clock')
    impatient = f'import fire_detector.replay.bag_player as p; p.HEARD_TIMEOUT = 1.0; {PROGRAM}'
    process = ros.start_command([sys.executable, '-c', impatient, str(bag), '1', ''])
    ros.wait_for(lambda: times and nanoseconds(times[-1]) == START + 4 * PERIOD, 'the end')
    assert process.popen.wait(10) == 0, process.output
    assert 'nobody has subscribed within 1 s: playing all the same' in process.output


def test_only_the_topics_asked_for(ros: RosSession, tmp_path: Path) -> None:
    """The others are not offered."""
    bag = tmp_path / 'bag'
    write_bag(bag, [*images()[:2], *numbers()[:2]],
              profiles=[qos(QosReliability.BEST_EFFORT)])
    process = start(ros, bag, topics='/number')
    ros.wait_for(lambda: ros.node.count_publishers('/number'), 'the topic is offered')
    assert ros.node.count_publishers('/camera/image') == 0
    offered = ros.node.get_publishers_info_by_topic('/number')[0].qos_profile
    assert offered.reliability == QoSReliabilityPolicy.BEST_EFFORT
    assert process.end() == 0


@pytest.mark.parametrize(('profiles', 'reliability', 'durability', 'depth'), [
    ([], 'RELIABLE', 'VOLATILE', 10),
    ([qos(QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL, 1)],
     'RELIABLE', 'TRANSIENT_LOCAL', 1),
    ([qos(QosReliability.BEST_EFFORT, depth=5)], 'BEST_EFFORT', 'VOLATILE', 5),
    ([qos(QosReliability.BEST_EFFORT), qos(QosReliability.RELIABLE)],
     'RELIABLE', 'VOLATILE', 10),
    ([qos(QosReliability.UNKNOWN, QosDurability.UNKNOWN)], 'RELIABLE', 'VOLATILE', 10),
])
def test_recorded_qos(profiles: list[Qos], reliability: str, durability: str,
                      depth: int) -> None:
    """What was offered is offered; of several, what suits every subscriber; else the usual."""
    profile = recorded_qos(profiles)
    assert profile.reliability is getattr(QoSReliabilityPolicy, reliability)
    assert profile.durability is getattr(QoSDurabilityPolicy, durability)
    assert profile.depth == depth


def test_what_cannot_be_played(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each is told in one line that names the file and what is wrong."""
    bag = tmp_path / 'bag'
    write_bag(bag, [('/odd', 'nosuch_msgs/msg/Odd', START, b'\0\1\0\0\0\0\0\0')])
    broken = tmp_path / 'broken.mcap'
    broken.write_bytes(b'no bag')
    database = tmp_path / 'broken.db3'
    database.write_bytes(b'no bag')
    for path, topics, message in (
            (tmp_path / 'nosuch', [], 'nosuch cannot be read: '),
            (broken, [], 'broken.mcap cannot be read: '),
            (database, [], 'broken.db3 cannot be read: '),
            (tmp_path / 'old.bag', [], 'rosbags-convert --src'),
            (bag, [], 'nothing to publish. left out: /odd'),
            (bag, ['/odd'], 'cannot publish /odd, whose type nosuch_msgs/msg/Odd'),
            (bag, ['/image'], 'has no topic /image; it has: /odd')):
        assert publish_bag(path, topics, 1.0) == 2
        told = capfd.readouterr().err
        assert told.startswith('fire_replay: ')
        assert message in told
        assert told.count('\n') == 1


def test_without_ros(tmp_path: Path) -> None:
    """Where rclpy cannot be imported, it says so, and the report can be written all the same."""
    (tmp_path / 'rclpy.py').write_text('raise ImportError("no ROS here")')
    program = ('import fire_detector.replay.report.page, sys; assert "rclpy" not in sys.modules; '
               + PROGRAM)
    result = subprocess.run(
        [sys.executable, '-c', program, 'bag', '1', ''], capture_output=True, text=True,
        env=os.environ | {'PYTHONPATH': f'{tmp_path}:{Path(__file__).parents[2]}'}, check=False)
    assert result.returncode == 2
    assert 'needs ROS 2' in result.stderr
    assert 'no ROS here' in result.stderr


def nanoseconds(message: Clock) -> int:
    """Return the time that was told."""
    return int(message.clock.sec * 10**9 + message.clock.nanosec)


def test_bytes_of_the_recorder() -> None:
    """What the tests call recorded is what ROS itself makes of a message, and reads again."""
    assert deserialize_message(images()[3][3], Image).data[0] == 3
