# SPDX-License-Identifier: Apache-2.0
"""
Thousands of messages that are no images, over DDS, for each transport.

None of them gets a detection, and every good image between them does. What is sent is made by a
generator with a seed: the same messages each time.
"""

from array import array
from collections.abc import Callable
import random
from typing import Any

import cv2
from fire_detector.images.decode import decode_message
from fire_detector.images.raw import ENCODINGS, ImageError
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from ros_session import Camera, DEPTH, Diagnostics, image_message, RosSession
from sensor_msgs.msg import CompressedImage, Image

BURST = 100
# One of so many is not even a message, but the beginning of one.
CUT = 10
# Pixels that are enough for an image of the good and the bad ones.
ENOUGH = 64
NUMBERS = (0, 1, 2, 3, 7, 16, 48, 255, 2 ** 16, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1)
TEXTS = ('', ' ', 'bgr8\n', 'BGR8', 'jpeg', 'rgb16', 'bayer_rggb16', '32FC1', '8UC2', 'nv24',
         '\N{FIRE}', 'x' * 300, '%s%n', '../../etc/passwd')
PIXELS = np.arange(16 * 24 * 3, dtype=np.uint8).reshape(16, 24, 3)
FILES = [cv2.imencode(suffix, PIXELS)[1].tobytes() for suffix in ('.jpg', '.png', '.bmp', '.webp')]

Maker = Callable[[random.Random], Any]


def raw(chance: random.Random) -> Image:
    """Make a small raw image with some wrong fields."""
    message = image_message(PIXELS[:8, :16], chance.choice(list(ENCODINGS)))
    for _ in range(chance.randint(1, 3)):
        field = chance.choice(('encoding', 'height', 'width', 'step', 'data', 'bytes'))
        if field == 'encoding':
            message.encoding = chance.choice(TEXTS)
        elif field == 'data':
            message.data = array('B', chance.randbytes(chance.randrange(512)))
        elif field == 'bytes':
            message.data = message.data[:chance.randrange(len(message.data) + 1)]
        else:
            setattr(message, field, chance.choice((*NUMBERS, chance.randrange(64))))
    message.is_bigendian = chance.randrange(256)
    message.header.stamp.sec = chance.randrange(-2 ** 31, 2 ** 31)
    message.header.stamp.nanosec = chance.choice(NUMBERS)
    return message


def compressed(chance: random.Random) -> CompressedImage:
    """Make a small file with some wrong bytes, or of nothing but these."""
    file = bytearray(chance.choice(FILES))
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(file) + 1)
        kind = chance.choice(('flip', 'cut', 'insert', 'repeat', 'head', 'noise'))
        if kind == 'flip' and start < len(file):
            file[start] ^= chance.randrange(1, 256)
        elif kind == 'cut':
            del file[start:start + chance.randrange(1, 64)]
        elif kind == 'insert':
            file[start:start] = chance.randbytes(chance.randrange(64))
        elif kind == 'repeat':
            file += file[start:]
        elif kind == 'head':
            # Where sizes and lengths are.
            file[min(start, 40):min(start, 40) + 2] = chance.choice((b'\0\0', b'\xff\xff'))
        elif kind == 'noise':
            file[start:] = chance.randbytes(chance.randrange(256))
    return CompressedImage(format=chance.choice((*TEXTS, 'png', 'bgr8; jpeg compressed bgr8')),
                           data=array('B', file[:2000]))


def is_image(message: Any) -> bool:
    """Return whether a message shows an image after all."""
    try:
        decode_message(message, ENOUGH, ENOUGH)
    except ImageError:
        return False
    return True


def bad_messages(make: Maker, count: int) -> list[Any]:
    """Make so many messages that are no images; some are the first bytes of a message."""
    chance = random.Random(count)
    messages: list[Any] = []
    while len(messages) < count:
        message = make(chance)
        if len(messages) % CUT == 0:
            whole = serialize_message(message)
            # Not of no bytes at all, after which Fast DDS 3.2 passes on nothing of its publisher.
            messages.append(bytes(whole[:chance.randrange(1, len(whole) - 8)]))
        elif not is_image(message):
            messages.append(message)
    return messages


@pytest.mark.parametrize(('make', 'topic', 'good'), [
    (raw, '/image', image_message(PIXELS)),
    (compressed, '/image/compressed', CompressedImage(data=array('B', FILES[0]))),
], ids=['raw', 'compressed'])
@pytest.mark.parametrize('count', [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_nothing_but_images_is_processed(
        ros: RosSession, make: Maker, topic: str, good: Any, count: int) -> None:
    """Exactly the good images are processed, exactly the others rejected; memory stays."""
    diagnostics = Diagnostics(ros)
    process = ros.start_detector(f'image_transport:={make.__name__}',
                                 f'qos_overrides.{topic}.subscription.depth:={DEPTH}')
    camera = Camera(ros, topic, message_type=type(good))
    messages = bad_messages(make, count)
    camera.wait_until_heard(good)
    expected, _ = camera.detect(good)
    camera.probabilities.clear()
    before, memory = diagnostics.refreshed(), process.memory
    for start in range(0, count, BURST):
        for message in messages[start:start + BURST]:
            camera.publisher.publish(message)
        assert camera.detect(good)[0] == pytest.approx(expected, abs=1e-6)
    assert len(camera.probabilities) == count // BURST
    after = diagnostics.refreshed()
    assert int(after['processed']) - int(before['processed']) == count // BURST
    assert int(after['rejected']) - int(before['rejected']) == count - count // CUT
    assert process.memory - memory < 20e6
    assert ros.state() == 'active'
    assert 'Traceback' not in process.output
