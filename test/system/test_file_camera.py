# SPDX-License-Identifier: Apache-2.0
"""A bag is a source of file_camera: its images arrive over real DDS as they were recorded."""

from pathlib import Path
import re
import shutil
import time

import cv2
from fire_detector.nodes.file_camera import create_playback
from fire_detector.parameters.cameras import FILE_CAMERA
import numpy as np
import pytest
from replay_bags import (
    camera,
    COMPRESSED,
    DELAY,
    IMAGE,
    Record,
    ROS1,
    ROS2,
    START,
    text,
    write_bag,
    write_ros1_bag,
)
from ros_session import camera_of_detector, RosSession
from rosbags.rosbag2 import CompressionMode, StoragePlugin
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image

COUNT, RATE = 50, 25.0
MCAP, SQLITE3 = StoragePlugin.MCAP, StoragePlugin.SQLITE3
DEFAULTS = {parameter.name: parameter.default for parameter in FILE_CAMERA}
MESSAGE_TYPES = {IMAGE: (Image, '/image'), COMPRESSED: (CompressedImage, '/image/compressed')}


def images(count: int = COUNT, topic: str = '/front/image_raw', rate: float = RATE,
           kind: str = IMAGE) -> list[Record]:
    """Record images that differ; their stamps are not the times at which they were received."""
    return camera([np.full((8, 8, 3), index, np.uint8) for index in range(count)], topic, rate,
                  kind)


def collect(ros: RosSession, kind: str = IMAGE) -> list[tuple[float, bytes]]:
    """Subscribe to serialized messages; they arrive with the time in seconds."""
    arrived: list[tuple[float, bytes]] = []
    message_type, topic = MESSAGE_TYPES[kind]
    ros.node.create_subscription(
        message_type, topic, lambda data: arrived.append((time.monotonic(), data)), 1000,
        raw=True)
    return arrived


def serialized(records: list[Record]) -> list[bytes]:
    """Return the bytes that are in the bag, filled up to a multiple of 4 as DDS sends them."""
    written = [bytes(ROS2.serialize_cdr(message, kind)) for _, kind, _, message in records]
    return [data + bytes(-len(data) % 4) for data in written]


def seconds(message: Clock) -> float:
    """Return a time of the clock, since START."""
    return float(message.clock.sec - START + 1e-9 * message.clock.nanosec)


@pytest.mark.parametrize(('storage', 'mode', 'kind'), [
    (MCAP, CompressionMode.NONE, IMAGE), (SQLITE3, CompressionMode.MESSAGE, COMPRESSED)])
@pytest.mark.time
def test_as_recorded(ros: RosSession, tmp_path: Path, storage: StoragePlugin,
                     mode: CompressionMode, kind: str) -> None:
    """
    Every message arrives, in order, byte by byte, twice as fast as recorded.

    49 periods of 40 ms between the first image and the last are 1.96 s, half of it 0.98 s.
    """
    recorded = images(kind=kind)
    bag = write_bag(tmp_path / 'bag', [text(), *recorded], storage, mode)
    arrived = collect(ros, kind)
    process = ros.start('file_camera', f'path:={bag}', 'speed:=2')
    ros.wait_for(lambda: len(arrived) >= COUNT, 'every image')
    process.check_end()
    assert [data for _, data in arrived] == serialized(recorded)
    assert arrived[-1][0] - arrived[0][0] == pytest.approx(0.98, abs=0.2)


def test_clock(ros: RosSession, tmp_path: Path) -> None:
    """
    The clock has the times of recording, and goes on where nothing was recorded.

    At 4 times the recorded pace, 4 s between two images take 1 s: 40 times are published, or fewer
    on a busy machine, beside those of the two images.
    """
    bag = write_bag(tmp_path / 'bag', images(2, rate=0.25), MCAP)
    clock = ros.collect(Clock, '/clock')
    arrived = collect(ros)
    process = ros.start('file_camera', f'path:={bag}', 'speed:=4.0', 'clock:=true')
    ros.wait_for(lambda: len(arrived) == 2 and clock and seconds(clock[-1]) > 4, 'the end')
    process.check_end()
    times = [seconds(one) for one in clock]
    assert times == sorted(times)
    assert times[0] == pytest.approx(DELAY, abs=1e-6)
    assert times[-1] == pytest.approx(4 + DELAY, abs=1e-6)
    assert 20 <= len(set(times)) <= 45


def test_detector_on_the_clock_of_a_bag(ros: RosSession, tmp_path: Path) -> None:
    """A detector that takes its time from the bag processes every image, none of them too old."""
    bag = write_bag(tmp_path / 'bag', images(20), MCAP)
    detector = camera_of_detector(ros, 'use_sim_time:=true',
                                  'qos_overrides./image.subscription.depth:=100')
    process = ros.start('file_camera', f'path:={bag}', 'clock:=true')
    ros.wait_for(lambda: len(detector.probabilities) == len(detector.alarms) == 20,
                 'a detection for each image')
    process.check_end()
    assert ros.parameter('/fire_detector', 'use_sim_time') is True


def test_waits_for_a_subscription(ros: RosSession, tmp_path: Path) -> None:
    """Nothing is played before, and compressed images not to one who wants raw ones."""
    bag = write_bag(tmp_path / 'bag', images(2, kind=COMPRESSED), MCAP)
    clock = ros.collect(Clock, '/clock')
    collect(ros, IMAGE)
    process = ros.start('file_camera', f'path:={bag}', 'clock:=true')
    ros.wait_for(lambda: ros.node.count_publishers('/clock'), 'the clock')
    ros.wait_for(lambda: f'/front/image_raw of {bag}, ' in process.output, 'a line in the log')
    assert not ros.happens(lambda: clock, 0.5)
    assert ros.node.count_publishers('/image') == 0
    arrived = collect(ros, COMPRESSED)
    ros.wait_for(lambda: len(arrived) == 2, 'both images')
    process.check_end()


def test_several_topics(ros: RosSession, tmp_path: Path) -> None:
    """One of them is to be named, and it alone is played."""
    front, rear = images(3), images(3, '/rear/compressed', kind=COMPRESSED)
    bag = write_bag(tmp_path / 'bag', [*front, *rear], SQLITE3)
    with pytest.raises(ValueError, match='with images: /front/image_raw, /rear/compressed'):
        create_playback(ros.node, DEFAULTS | {'path': str(bag)})
    arrived = collect(ros, COMPRESSED)
    process = ros.start('file_camera', f'path:={bag}', 'topic:=/rear/compressed')
    ros.wait_for(lambda: len(arrived) == 3, 'the images of one topic')
    process.check_end()
    assert [data for _, data in arrived] == serialized(rear)


def test_bag_of_a_killed_recorder(ros: RosSession, tmp_path: Path) -> None:
    """A file without its end, and no metadata: what is left is played, without what is damaged."""
    recorded = images(40)
    damaged = (*recorded[2][:3], b'odd')
    bag = write_bag(tmp_path / 'bag', [*recorded[:2], damaged, *recorded[3:]], MCAP)
    file, = bag.glob('*.mcap')
    file.write_bytes(file.read_bytes()[:-2000])
    (bag / 'metadata.yaml').unlink()
    arrived = collect(ros)
    process = ros.start('file_camera', f'path:={bag}', 'speed:=10')
    ros.wait_for(lambda: process.popen.poll() is not None, 'the end')
    assert process.popen.returncode == 0, process.output
    expected = serialized(recorded[:2] + recorded[3:])
    ros.wait_for(lambda: len(arrived) > 2, 'images behind the damaged one')
    assert [data for _, data in arrived] == expected[:len(arrived)]
    assert f'{file}: /front/image_raw: 3 bytes are not a' in process.output
    assert f'{file}: cut short or damaged' in process.output


def test_bag_of_ros1(ros: RosSession, tmp_path: Path) -> None:
    """Its messages are published as those of ROS 2."""
    pixels = [np.full((8, 8, 3), index, np.uint8) for index in range(10)]
    bag = write_ros1_bag(tmp_path / 'old.bag', camera(pixels, rate=RATE, types=ROS1))
    arrived = collect(ros)
    process = ros.start('file_camera', f'path:={bag}')
    ros.wait_for(lambda: len(arrived) == 10, 'every image')
    process.check_end()
    assert [data for _, data in arrived] == serialized(images(10))


def test_ctrl_c(ros: RosSession, tmp_path: Path) -> None:
    """An interrupt ends it cleanly in the middle of a long silence."""
    bag = write_bag(tmp_path / 'bag', images(2, rate=1 / 3600), MCAP)
    arrived = collect(ros)
    process = ros.start('file_camera', f'path:={bag}')
    ros.wait_for(lambda: arrived, 'the first image')
    process.interrupt()


def write_sources(folder: Path) -> None:
    """Write bags and images, of which some are broken."""
    write_bag(folder / 'text', [text()], MCAP)
    bag = write_bag(folder / 'bag', images(2), MCAP)
    file, = bag.glob('*.mcap')
    (folder / 'bags').mkdir()
    for name in ('one.mcap', 'other.mcap'):
        shutil.copy(file, folder / 'bags' / name)
    (folder / 'broken.mcap').write_bytes(b'no bag')
    (folder / 'broken.db3').write_bytes(b'no bag')
    cv2.imwrite(str(folder / 'image.png'), np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize(('path', 'changes', 'words'), [
    ('nosuch.mcap', {}, ['nosuch.mcap: no such file']),
    ('broken.mcap', {}, ['broken.mcap: not a bag that can be read']),
    ('broken.db3', {}, ['broken.db3: not a bag that can be read']),
    ('text', {}, ['text: no topic with images', '/chatter (std_msgs/msg/String)']),
    ('bags', {}, ['bags: several bags', 'one.mcap, other.mcap']),
    ('bag', {'topic': '/rear'}, ["parameter topic is '/rear'", '/front/image_raw']),
    ('bag', {'rate': 5.0}, ['parameter rate is 5.0', 'bag']),
    ('image.png', {'clock': True}, ['parameter clock is True', 'image.png']),
])
def test_what_cannot_be_played(ros: RosSession, tmp_path: Path, path: str,
                               changes: dict[str, object], words: list[str]) -> None:
    """The file or parameter, what is wrong and what is expected are in the error."""
    write_sources(tmp_path)
    with pytest.raises(ValueError, match=re.escape(words[0])) as error:
        create_playback(ros.node, DEFAULTS | {'path': str(tmp_path / path)} | changes)
    assert [word for word in words if word not in str(error.value)] == []


def test_without_rosbags(ros: RosSession, tmp_path: Path) -> None:
    """What is to be installed for a bag is named; an image needs nothing of it."""
    write_sources(tmp_path)
    missing = tmp_path / 'missing'
    missing.mkdir()
    for name in ('backports', 'rosbags', 'ruamel'):
        (missing / f'{name}.py').write_text(f'raise ImportError("no {name} here")')
    path = ros.environment.get('PYTHONPATH', '')
    ros.environment['PYTHONPATH'] = f'{missing}:{path}' if path else str(missing)
    process = ros.start('file_camera', f'path:={tmp_path}/bag')
    process.check_end(1)
    assert 'rosbags (no rosbags here)' in process.output
    assert "pip install '.[replay]'" in process.output
    arrived = collect(ros)
    process = ros.start('file_camera', f'path:={tmp_path}/image.png')
    ros.wait_for(lambda: arrived, 'the image')
    process.check_end()
