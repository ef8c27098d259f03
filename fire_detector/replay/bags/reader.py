# SPDX-License-Identifier: Apache-2.0
"""Read the images of a bag of ROS 2 or ROS 1, without ROS."""

from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from fire_detector.images.decode import stamp_of
from fire_detector.replay.bags.files import (
    BagError,
    decompress_message,
    decompressed,
    files_of,
    ROS1_SUFFIX,
    topics_in_metadata,
)
from fire_detector.replay.bags.salvage import MendedMcap, rows_of
from rosbags.rosbag1 import Reader as Ros1Reader
from rosbags.rosbag2 import Reader as Ros2Reader
from rosbags.typesys import get_typestore, Stores

IMAGE, COMPRESSED_IMAGE = IMAGE_TYPES = (
    'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
# Topic, type, time in nanoseconds, serialized message.
_Row = tuple[str, str, int, bytes]


@dataclass(frozen=True)
class RecordedImage:
    """
    One image of a recording.

    :ivar topic: the topic, or the name of a video or folder.
    :ivar message_type: one of IMAGE_TYPES, or 'video' or 'images'.
    :ivar stamp: of the header, in nanoseconds; in a video or folder, since the first image.
    :ivar received: when the recorder got it, in nanoseconds.
    :ivar message: an object with the message's fields, or the Frame of a video or folder; None
        where it could not be read.
    :ivar problem: why it could not.
    """

    topic: str
    message_type: str
    stamp: int
    received: int
    message: Any
    problem: str = ''


class Bag:
    """
    A bag, of whose topics those with images are read.

    :ivar path: its file or folder.
    :ivar types: the type of each topic that was found, also of those without images.
    :ivar problems: what could not be read, so far.
    """

    def __init__(self, path: Path) -> None:
        """
        List the files.

        :raises BagError: when there are none.
        """
        self.path = path
        self.types: dict[str, str] = {}
        self._files, self.problems = files_of(path)

    def topics(self) -> dict[str, str]:
        """
        Return the type of each topic with messages.

        They are those in metadata.yaml, or else of the first file with images.

        :raises BagError: when nothing can be read.
        """
        listed = topics_in_metadata(self.path)
        if listed is not None:
            return {topic: kind for topic, kind, count in listed if count}
        probe = Bag(self.path)
        with closing(probe.messages()) as messages:
            next(messages, None)
        if not probe.types:
            raise BagError('; '.join(probe.problems) or f'{self.path}: no topic was found')
        return probe.types

    def count(self, topics: Collection[str]) -> int | None:
        """
        Return the number of messages, where the metadata has it.

        :param topics: those that are read; empty for all with images.
        """
        counts = topics_in_metadata(self.path)
        return None if counts is None else sum(
            count for topic, kind, count in counts if _is_wanted(topic, kind, topics))

    def messages(self, topics: Collection[str] = ()) -> Generator[RecordedImage, None, None]:
        """
        Read the messages, in the order in which they were received.

        Parts that cannot be read are listed in `problems`; those after them are read.

        :param topics: those to read; empty for all with images.
        """
        for file in self._files:
            count = 0
            try:
                with decompressed(file) as plain:
                    for row in self._read_file(plain, topics):
                        count += 1
                        yield _recorded_image(row, plain.suffix == ROS1_SUFFIX)
            except BagError as error:
                self.problems.append(str(error))
            # Bytes that are no bag lead to errors of many types in rosbags.
            except Exception as error:  # noqa: BLE001
                self.problems.append(
                    f'{file}: cannot be read further than {count} messages with images: '
                    f'{type(error).__name__}: {error}; check that the copy is complete')

    def _read_file(self, file: Path, topics: Collection[str]) -> Iterator[_Row]:
        if not file.exists():
            raise BagError(f'{file}: no such file')
        if file.stat().st_size == 0:
            raise BagError(f'{file}: empty; check that the copy is complete')
        log = file.with_name(f'{file.name}-wal')
        if log.exists() and log.stat().st_size:
            self.problems.append(
                f'{log}: the recorder was ended by force, and the messages in this file are not '
                f"read: sqlite3 {file} 'PRAGMA wal_checkpoint' moves them into the bag")
        reader: Any = Ros1Reader(file) if file.suffix == ROS1_SUFFIX else Ros2Reader(file)
        try:
            reader.open()
        except Exception as error:  # noqa: BLE001 - as above
            yield from self._salvage(file, error, topics)
            return
        with closing(reader):
            yield from self._read_connections(reader, topics)

    def _salvage(self, file: Path, error: Exception, topics: Collection[str]) -> Iterator[_Row]:
        """Read a file that rosbags does not open, as far as possible."""
        count = 0
        known, self.types = self.types, {}
        try:
            for row in self._read_remains(file, topics):
                count += 1
                yield row
        except Exception as other:  # noqa: BLE001 - as above
            error = error if not count else other
        found, self.types = bool(self.types), known | self.types
        if found:
            self.problems.append(f'{file}: cut short or damaged ({error}); {count} messages with '
                                 f'images were found in what is left of it')
        else:
            raise BagError(f'{file}: not a bag that can be read: {error}; rosbag2 writes .db3 and '
                           f'.mcap, ROS 1 .bag, which `rosbag reindex` mends')

    def _read_remains(self, file: Path, topics: Collection[str]) -> Iterator[_Row]:
        if file.suffix == '.mcap':
            with Ros2Reader(cast(Any, MendedMcap(file))) as reader:
                yield from self._read_connections(reader, topics)
        elif file.suffix == '.db3':
            for topic, kind, time, data in rows_of(file):
                self.types[topic] = kind
                if _is_wanted(topic, kind, topics):
                    yield topic, kind, time, data

    def _read_connections(self, reader: Any, topics: Collection[str]) -> Iterator[_Row]:
        self.types |= {connection.topic: connection.msgtype for connection in reader.connections}
        wanted = [connection for connection in reader.connections
                  if _is_wanted(connection.topic, connection.msgtype, topics)]
        # Without connections, rosbags reads all of them.
        if wanted:
            for connection, time, data in reader.messages(wanted):
                yield connection.topic, connection.msgtype, time, data


def _is_wanted(topic: str, kind: str, topics: Collection[str]) -> bool:
    return kind in IMAGE_TYPES and (not topics or topic in topics)


# When they are needed: each takes a tenth of a second.
_typestore = cache(get_typestore)


def _recorded_image(row: _Row, is_ros1: bool) -> RecordedImage:
    topic, kind, received, data = row
    try:
        message = (
            _typestore(Stores.ROS1_NOETIC).deserialize_ros1(data, kind) if is_ros1
            # The two messages are the same in every release of ROS 2.
            else _typestore(Stores.ROS2_HUMBLE).deserialize_cdr(
                decompress_message(bytes(data)), kind))
    # Nor is there one type of error for bytes that are no message.
    except Exception as error:  # noqa: BLE001
        return RecordedImage(topic, kind, received, received, None, (
            f'{len(data)} bytes are not a {kind}: {type(error).__name__}: {error}'))
    return RecordedImage(topic, kind, stamp_of(message), received, message)


def serialize(image: RecordedImage) -> bytes:
    """
    Return the bytes of a message in CDR, as ROS 2 sends it.

    :param image: with a message, of ROS 1 or 2.
    """
    return bytes(_typestore(Stores.ROS2_HUMBLE).serialize_cdr(image.message, image.message_type))
