# SPDX-License-Identifier: Apache-2.0
"""A replay predicts for a recording what the node predicts for the same messages over DDS."""

from copy import deepcopy
import csv
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from fire_detector.replay.recording import replay, Task
from fire_detector.ros.messages import is_alarm
import pytest
from rclpy.serialization import deserialize_message
from replay_bags import camera, COMPRESSED, frames, IMAGE, write_bag
from ros_session import Camera, RosSession
from rosbags.rosbag2 import Reader, StoragePlugin
import sensor_msgs.msg

# From a part of the clip in which probabilities go up and down.
FIRST, COUNT = 470, 90
# Such that the alarm comes and goes in it; twice what is published at a time fits the queue.
ALARM = {'alarm.on_threshold': 0.3, 'alarm.off_threshold': 0.2, 'alarm.window': 0.2,
         'alarm.min_frames': 3}
BURST = 10


@pytest.mark.parametrize(('kind', 'storage'), [
    (IMAGE, StoragePlugin.SQLITE3), (COMPRESSED, StoragePlugin.MCAP)])
def test_live_and_replayed(ros: RosSession, data: Path, tmp_path: Path, kind: str,
                           storage: StoragePlugin) -> None:
    """
    The probabilities of every frame are equal to 1e-6, and so are the alarms.

    In timeline.csv each stamp is, as a text, that of the image's and the alarm's message.
    """
    topic = '/image' if kind == IMAGE else '/image/compressed'
    clip = frames(data / 'video' / 'furg_house6_fire.mp4', COUNT, FIRST)
    records = camera(clip, topic, kind=kind)
    for number, (*_, message) in enumerate(records):
        # No such time is a float of seconds.
        message.header.stamp.nanosec += number % 97
    bag = write_bag(tmp_path / 'bag', records, storage)
    outcome = replay(Task(bag, tmp_path / 'out', (ALARM,), threads=2))
    assert outcome.report is not None, outcome.problems
    replayed = outcome.report.topics[0].runs[0].predictions
    # Or the alarms' edges would prove nothing.
    assert {prediction.alarm for prediction in replayed} == {False, True}

    message_type = getattr(sensor_msgs.msg, kind.split('/')[-1])
    ros.start_detector(f'qos_overrides.{topic}.subscription.depth:=100',
                       f'image_transport:={"raw" if kind == IMAGE else "compressed"}',
                       *(f'{name}:={value}' for name, value in ALARM.items()))
    detector = Camera(ros, topic, message_type=message_type)
    alarms = ros.collect(DiagnosticArray, '/fire_detector/alarm')
    messages = recorded(bag, message_type)
    # A stamp far ahead, so that the alarm begins anew with the recording.
    detector.wait_until_heard(probe(messages[0]))
    for start in range(0, COUNT, BURST):
        for message in messages[start:start + BURST]:
            detector.publisher.publish(message)
        ros.wait_for(lambda: len(detector.alarms) >= min(start + BURST, COUNT)  # noqa: B023
                     <= len(detector.probabilities), f'the results after {start}')
    assert [message.data for message in detector.probabilities] == pytest.approx(
        [prediction.probability for prediction in replayed], abs=1e-6)
    assert [message.data for message in detector.alarms] == [
        prediction.alarm for prediction in replayed]
    with (tmp_path / 'out' / 'timeline.csv').open(newline='') as file:
        timeline = [(row['stamp'], row['alarm'] == '1') for row in csv.DictReader(file)]
    assert [stamp for stamp, _ in timeline] == [stamp_of(message) for message in messages]
    ros.wait_for(lambda: alarms and stamp_of(alarms[-1]) == timeline[-1][0], 'the last alarm')
    # The topic keeps the last one only, and the probes' come first.
    assert {(stamp_of(alarm), is_alarm(alarm)) for alarm in alarms[-COUNT // 2:]} <= set(timeline)


def stamp_of(message: Any) -> str:
    """Return a message's stamp as it stands in timeline.csv."""
    return f'{message.header.stamp.sec}.{message.header.stamp.nanosec:09d}'


def recorded(bag: Path, message_type: Any) -> list[Any]:
    """Read the messages as ROS does, of the bytes that were recorded."""
    with Reader(bag) as reader:
        return [deserialize_message(bytes(data), message_type)
                for _, _, data in reader.messages()]


def probe(message: Any) -> Any:
    """Return a copy of a message, with a stamp far ahead."""
    copy = deepcopy(message)
    copy.header.stamp.sec = 2_000_000_000
    return copy
