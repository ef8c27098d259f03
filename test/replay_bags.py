# SPDX-License-Identifier: Apache-2.0
"""Record bags for tests, with rosbags and without ROS."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
from fire_detector.images.files import read_video
import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import get_typestore, Stores

ROS2, ROS1 = get_typestore(Stores.ROS2_HUMBLE), get_typestore(Stores.ROS1_NOETIC)
IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
TEXT = 'std_msgs/msg/String'
# Of the first image. A recorder gets it a moment later.
START, DELAY = 1_700_000_000.25, 0.004
JPEG_QUALITY = 90

Pixels = NDArray[np.uint8]
# Topic, type, seconds at which it was received, message.
Record = tuple[str, str, float, Any]


def frames(path: Path, count: int, first: int = 0) -> list[Pixels]:
    """Return some frames of a video, in BGR order."""
    found: list[Pixels] = []
    for frame in read_video(path):
        if len(found) == count:
            break
        if frame.index >= first:
            found.append(frame.image.pixels)
    return found


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    """Return pixels at another size."""
    return np.asarray(cv2.resize(pixels, (width, height)), dtype=np.uint8)


def header(stamp: float, types: Any = ROS2) -> Any:
    """Return a header."""
    seconds, rest = divmod(round(stamp * 1e9), 10 ** 9)
    time = types.types['builtin_interfaces/msg/Time'](seconds, rest)
    fields = {'seq': 0} if types is ROS1 else {}
    return types.types['std_msgs/msg/Header'](stamp=time, frame_id='camera', **fields)


def image(pixels: Pixels, stamp: float, types: Any = ROS2, encoding: str = 'bgr8') -> Any:
    """Return a raw image message."""
    height, width = pixels.shape[:2]
    return types.types[IMAGE](
        header=header(stamp, types), height=height, width=width, encoding=encoding,
        is_bigendian=0, step=3 * width, data=pixels.reshape(-1))


def jpeg(pixels: Pixels, stamp: float, types: Any = ROS2) -> Any:
    """Return a compressed image message, as image_transport does."""
    _, encoded = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return types.types[COMPRESSED](
        header=header(stamp, types), format='bgr8; jpeg compressed bgr8', data=encoded.reshape(-1))


def camera(images: Iterable[Pixels], topic: str = '/image', rate: float = 30.0,
           kind: str = IMAGE, types: Any = ROS2) -> list[Record]:
    """Return the messages of a camera, from START on."""
    make = image if kind == IMAGE else jpeg
    return [(topic, kind, START + index / rate + DELAY, make(pixels, START + index / rate, types))
            for index, pixels in enumerate(images)]


def text(topic: str = '/chatter', at: float = START) -> Record:
    """Return a message that is no image."""
    return topic, TEXT, at, ROS2.types[TEXT](data='hello')


def write_bag(path: Path, records: Sequence[Record], storage: StoragePlugin,
              mode: CompressionMode = CompressionMode.NONE, version: Literal[8, 9] = 9) -> Path:
    """Write a bag of ROS 2; a message that is bytes is written as it is."""
    writer = Ros2Writer(path, version=version, storage_plugin=storage)
    if mode != CompressionMode.NONE:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for topic, kind, received, message in records:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=ROS2)
            data = message if isinstance(message, bytes) else ROS2.serialize_cdr(message, kind)
            writer.write(connections[topic], round(received * 1e9), data)
    return path


def write_ros1_bag(path: Path, records: Sequence[Record]) -> Path:
    """Write a bag of ROS 1."""
    with Ros1Writer(path) as writer:
        connections: dict[str, Any] = {}
        for topic, kind, received, message in records:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=ROS1)
            writer.write(connections[topic], round(received * 1e9),
                         ROS1.serialize_ros1(message, kind))
    return path
