# SPDX-License-Identifier: Apache-2.0
"""Read files of a bag that are cut short, as far as possible."""

from collections.abc import Iterator
from contextlib import closing
import io
from pathlib import Path
import sqlite3
import struct
from typing import Any, BinaryIO

# https://mcap.dev/spec: magic, then records of opcode, length and content.
_MAGIC = b'\x89MCAP0\r\n'
_HEAD = struct.Struct('<BQ')
_DATA_END, _FOOTER = 0x0f, 0x02
# A footer without an index.
_END = _HEAD.pack(_FOOTER, 20) + bytes(20) + _MAGIC


class MendedMcap:
    """
    The path of an MCAP file that is cut short, which opens as its whole records and an end.

    It has those members of a path that rosbags uses.
    """

    suffix = '.mcap'

    def __init__(self, path: Path) -> None:
        """Find the end of the last whole record."""
        self._path = path
        self._whole = _whole_bytes(path)

    def __str__(self) -> str:
        """Return the path."""
        return str(self._path)

    def exists(self) -> bool:
        """Return whether the file exists."""
        return self._path.exists()

    def is_dir(self) -> bool:
        """Return False: it is a file."""
        return False

    def open(self, mode: str = 'rb') -> BinaryIO:  # noqa: A003 - as pathlib calls it
        """Open the mended file."""
        return io.BufferedReader(_Mended(self._path.open('rb'), self._whole))


class _Mended(io.RawIOBase):
    """The beginning of a file, followed by _END."""

    def __init__(self, file: BinaryIO, whole: int) -> None:
        self._file, self._whole, self._position = file, whole, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position,
                 io.SEEK_END: self._whole + len(_END)}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        wanted = len(buffer)
        if self._position < self._whole:
            self._file.seek(self._position)
            data = self._file.read(min(wanted, self._whole - self._position))
        else:
            start = self._position - self._whole
            data = _END[start:start + wanted]
        buffer[:len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _whole_bytes(path: Path) -> int:
    size = path.stat().st_size
    with path.open('rb') as file:
        position = len(_MAGIC)
        while position + _HEAD.size <= size:
            file.seek(position)
            code, length = _HEAD.unpack(file.read(_HEAD.size))
            # Behind the data lies the index, of which a part is worse than none.
            if code == _DATA_END or position + _HEAD.size + length > size:
                break
            position += _HEAD.size + length
    return min(position, size)


def rows_of(path: Path) -> Iterator[tuple[str, str, int, bytes]]:
    """
    Read the messages of an SQLite file in the order in which they were written, without an index.

    :return: topic, type, time in nanoseconds and serialized message.
    :raises sqlite3.DatabaseError: when there is no more that can be read.
    """
    uri = f'{path.resolve().as_uri()}?mode=ro&immutable=1'
    with closing(sqlite3.connect(uri, uri=True)) as database:
        # Or SQLite opens no file that is smaller than its header says (lockBtree in btree.c).
        database.execute('PRAGMA writable_schema=ON')
        topics = {number: (name, kind) for number, name, kind in database.execute(
            'SELECT id, name, type FROM topics')}
        for topic, time, data in database.execute(
                'SELECT topic_id, timestamp, data FROM messages ORDER BY id'):
            if topic in topics:
                yield *topics[topic], time, data
