# SPDX-License-Identifier: Apache-2.0
"""Messages with wrong fields or files, and clocks that jump."""

from array import array
from collections.abc import Callable
from pathlib import Path

from builtin_interfaces.msg import Time
import cv2
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
import pytest
from ros_session import (
    CALM,
    Camera,
    camera_of_detector,
    Diagnostics,
    FIRE,
    image_message,
    Process,
    RosSession,
)
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

LARGEST = 2 ** 32 - 1
JPEG, PNG = (cv2.imencode(suffix, FIRE)[1].tobytes() for suffix in ('.jpg', '.png'))
HOUR = 3600.0


def raw(**fields: object) -> Image:
    """Make a good raw image, but for some fields."""
    message = image_message(CALM, stamp=100)
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def compressed(file: bytes, format_text: str = 'jpeg') -> CompressedImage:
    """Make a message of a file."""
    return CompressedImage(format=format_text, data=array('B', file))


def with_size(file: bytes, columns: int, rows: int) -> bytes:
    """Change the size in the frame header of a baseline JPEG (ITU-T T.81, B.2.2)."""
    start = file.index(b'\xff\xc0') + 5
    return (file[:start] + rows.to_bytes(2, 'big') + columns.to_bytes(2, 'big')
            + file[start + 4:])


RAW_BAD = {
    'nothing': Image(),
    'no encoding': raw(encoding=''),
    'unknown encoding': raw(encoding='rgb9'),
    'endless encoding': raw(encoding='x' * 100_000),
    'odd characters': raw(encoding='bgr8\N{FIRE}'),
    'no data': raw(data=array('B')),
    'one byte short': raw(data=array('B', CALM.tobytes()[:-1])),
    'step 0': raw(step=0),
    'short step': raw(step=239),
    'largest step': raw(step=LARGEST),
    'largest height': raw(height=LARGEST),
    'largest width': raw(width=LARGEST),
    'largest of all': raw(height=LARGEST, width=LARGEST, step=LARGEST),
    'no height': raw(height=0),
    'odd height of nv12': raw(encoding='nv12', height=47),
    'odd width of yuyv': raw(encoding='yuyv', width=79),
    'bytes of mono8 as mono16': raw(encoding='mono16', step=80, data=array('B', bytes(80 * 48))),
}
RAW_ODD = {
    'data to spare': raw(data=array('B', CALM.tobytes() + bytes(1_000_000))),
    'largest stamp': raw(header=Header(stamp=Time(sec=2 ** 31 - 1, nanosec=LARGEST))),
    'smallest stamp': raw(header=Header(stamp=Time(sec=-2 ** 31, nanosec=0))),
    'endless frame': raw(header=Header(frame_id='x' * 100_000)),
    'big endian bytes': raw(is_bigendian=255),
}
COMPRESSED_BAD = {
    'nothing': CompressedImage(),
    'text': compressed(b'hello'),
    'half a JPEG': compressed(JPEG[:len(JPEG) // 2]),
    'a JPEG without its end': compressed(JPEG[:-2]),
    'a JPEG without its pixels': compressed(JPEG[:JPEG.index(b'\xff\xda')] + b'\xff\xd9'),
    'a JPEG of gigabytes': compressed(with_size(JPEG, 65_535, 65_535)),
    'a JPEG of many pixels': compressed(with_size(JPEG, 8_000, 8_000)),
    'a JPEG of no pixels': compressed(with_size(JPEG, 0, 0)),
    'half a PNG': compressed(PNG[:len(PNG) // 2]),
    'a PNG with a wrong checksum': compressed(PNG[:200] + bytes([PNG[200] ^ 1]) + PNG[201:]),
    'a PNG of gigabytes': compressed(PNG[:16] + b'\x7f\xff\xff\xff' * 2 + PNG[24:]),
    'a Bayer mosaic': compressed(PNG, 'bayer_rggb8; png compressed '),
    'a GIF': compressed(b'GIF89a' + bytes(100)),
}
COMPRESSED_ODD = {
    'a PNG with the format of a JPEG': compressed(PNG),
    'an endless format': compressed(JPEG, 'x' * 100_000),
    'bytes behind the end': compressed(JPEG + bytes(100_000)),
    'wrong bytes among the pixels': compressed(JPEG[:-400] + bytes(200) + JPEG[-200:]),
}


def peak_memory(process: Process) -> int:
    """Return the most bytes that a process has held so far (man 5 proc)."""
    status = Path(f'/proc/{process.popen.pid}/status').read_text()
    line = next(line for line in status.splitlines() if line.startswith('VmHWM:'))
    return 1024 * int(line.split()[1])


@pytest.mark.parametrize(('topic', 'good', 'bad', 'odd'), [
    ('/image', raw(header=Header()), RAW_BAD, RAW_ODD),
    ('/image/compressed', compressed(JPEG), COMPRESSED_BAD, COMPRESSED_ODD),
], ids=['raw', 'compressed'])
def test_wrong_messages(ros: RosSession, topic: str, good: object, bad: dict[str, object],
                        odd: dict[str, object]) -> None:
    """
    Process what is an image, reject what is none, and go on, without taking memory for promises.

    The largest image here takes 1 MB. A hundred, a tenth of a gigabyte, are never held.
    """
    diagnostics = Diagnostics(ros)
    process = ros.start_detector(
        f'image_transport:={"raw" if topic == "/image" else "compressed"}',
        f'qos_overrides.{topic}.subscription.depth:=10')
    camera = Camera(ros, topic, message_type=type(good)).wait_until_heard(good)
    expected, _ = camera.detect(good)
    before, memory = diagnostics.refreshed(), peak_memory(process)
    count = len(camera.probabilities)
    for name, message in bad.items():
        camera.publisher.publish(message)
        assert camera.detect(good)[0] == pytest.approx(expected, abs=1e-6), name
        count += 1
        assert len(camera.probabilities) == count, f'{name} was not rejected'
    for message in odd.values():
        probability, _ = camera.detect(message)
        assert 0.0 <= probability <= 1.0
    values = diagnostics.refreshed()
    assert int(values['rejected']) - int(before['rejected']) == len(bad)
    assert int(values['processed']) - int(before['processed']) == len(bad) + len(odd)
    assert peak_memory(process) - memory < 100e6
    assert ros.state() == 'active'
    assert 'Traceback' not in process.output


def test_images_jump_in_time(ros: RosSession) -> None:
    """
    Decide anew where a bag loops back, or time goes on by an hour.

    Five images decide, and the alarm stays as it is until then. An image that is 2 s late counts
    as of now.
    """
    camera = camera_of_detector(ros)
    start, stamps = 10_000.0, 0.1 * np.arange(6)
    for jump in (-900.0, HOUR, -2.0):
        assert camera.alarms_of(FIRE, start + stamps) == 4 * [False] + 2 * [True]
        assert camera.alarms_of(FIRE, start + jump + stamps) == 6 * [True]
        start += 2 * HOUR
        assert camera.alarms_of(CALM, start + stamps) == 4 * [True] + 2 * [False]
        start += 2 * HOUR


def test_simulated_clock_jumps(ros: RosSession) -> None:
    """Forward by an hour, back to the start: all is well with the images of the new time."""
    diagnostics = Diagnostics(ros)
    clock = ros.node.create_publisher(Clock, '/clock', 10)
    process = ros.start_detector('use_sim_time:=true')
    camera = Camera(ros).wait_until_heard()
    ros.wait_for(lambda: clock.get_subscription_count() > 0, 'a subscription to the clock')
    seen = ros.collect(DiagnosticArray, '/diagnostics')
    for begin in (1000.0, 1000.0 + HOUR, 5.0):
        diagnostics.messages.clear()
        diagnostics.wait_for(DiagnosticStatus.OK, 'images/s', player(camera, clock, begin))
        values = diagnostics.wait_for(DiagnosticStatus.OK, 'images/s',
                                      player(camera, clock, begin + 100))
        assert 0 <= float(values['age max (s)']) < 1
        assert values['alarm'] == 'not raised'
    assert {message.status[0].level for message in seen} <= {
        DiagnosticStatus.OK, DiagnosticStatus.WARN}
    assert ros.state() == 'active'
    assert 'Traceback' not in process.output


def player(camera: Camera, clock: object, begin: float) -> Callable[[], None]:
    """Return a function that plays one more image, with the clock of its moment before it."""
    times = iter(np.arange(begin, begin + 90, 0.05))

    def play() -> None:
        message = image_message(CALM, stamp=float(next(times)))
        clock.publish(Clock(clock=message.header.stamp))  # type: ignore[attr-defined]
        camera.detect(message)

    return play


def test_message_without_bytes(ros: RosSession) -> None:
    """Fast DDS is silent after it; the node subscribes anew, and images are processed again."""
    camera = camera_of_detector(ros, 'image_timeout:=1.0')
    camera.publisher.publish(b'')
    before = len(camera.probabilities)

    def processed() -> bool:
        camera.publisher.publish(image_message(CALM))
        return len(camera.probabilities) > before

    ros.wait_for(processed, 'a probability')
