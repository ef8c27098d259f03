# SPDX-License-Identifier: Apache-2.0
"""
Decode the file in a compressed ROS image, after checking it.

The fields are those of sensor_msgs/msg/CompressedImage. Only the first bytes of `data` identify
the file; `format` is free text ('jpeg', 'rgb8; jpeg compressed bgr8', 'mono8; png compressed ').
Colors are those that every JPEG or PNG decoder sees: "compressed bgr8" says what image_transport's
publisher handed to OpenCV's encoder, which writes RGB of it
(ros-perception/image_transport_plugins, compressed_image_transport/src/compressed_publisher.cpp).
Publishers older than December 2012 handed it RGB, so that red and blue are swapped in what they
recorded; nothing in the file tells, and newer drivers use the same format text for right colors.

A file that is cut short is refused, and a PNG with a wrong checksum. A JPEG has no checksum: where
bytes between its headers and its end are wrong, OpenCV decodes what it can, libjpeg writes a line
on stderr, and the image is used.
"""

import re
import reprlib
from typing import Any
import zlib

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.raw import DecodeError, EncodingError, SizeError, to_8_bit
import numpy as np
from numpy.typing import NDArray

# More than any camera on a robot; an image of this size takes 192 MB.
MAX_PIXELS = 64_000_000
MAX_SIDE = 16_384

# ITU-T T.81, table B.1: markers of JPEG segments.
_JPEG_START = b'\xff\xd8'
_END_OF_FILE = b'\xff\xd9'
_END_OF_IMAGE = 0xd9
_START_OF_SCAN = 0xda
# Baseline, extended and progressive, Huffman coded: what cameras make.
_FRAMES = (0xc0, 0xc1, 0xc2)
_OTHER_FRAMES = (0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf)
_WITHOUT_LENGTH = (0x01, 0xd8)
# As libjpeg looks for the next marker: bytes between two segments are passed over.
_MARKER = re.compile(rb'\xff+([^\x00\xff\xd0-\xd7])')
# An 8x8 block takes at least one bit.
_PIXELS_PER_JPEG_BYTE = 64 * 8

# PNG specification (https://www.w3.org/TR/png/), sections 5.2 and 11.2.1.
_PNG_START = b'\x89PNG\r\n\x1a\n'
_PNG_HEADER = b'\x00\x00\x00\x0dIHDR'
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# The most that deflate can do (https://zlib.net/zlib_tech.html).
_PNG_BYTES_PER_BYTE = 1032

# A camera's pixels are where its sensor has them, whatever an EXIF header says of its mounting:
# raw images are not turned either, and annotations go back onto the topic's image.
_AS_STORED = cv2.IMREAD_IGNORE_ORIENTATION
_JPEG_FLAGS = (
    (8, cv2.IMREAD_REDUCED_COLOR_8 | _AS_STORED),
    (4, cv2.IMREAD_REDUCED_COLOR_4 | _AS_STORED),
    (2, cv2.IMREAD_REDUCED_COLOR_2 | _AS_STORED),
    (1, cv2.IMREAD_COLOR | _AS_STORED),
)


def decode(format_text: str, data: Any, rows: int, columns: int) -> ColorImage:
    """
    Decode a JPEG or PNG file, no larger than is needed.

    A JPEG is decoded at a half, a quarter or an eighth of its size where that is enough: libjpeg
    then computes fewer pixels. A PNG can only be decoded in full. Alpha is dropped.

    :param format_text: the message's `format`; used in errors, and to refuse files of a
        camera's Bayer mosaic.
    :param data: the file, as any object with the buffer protocol.
    :param rows: rows that are enough.
    :param columns: columns that are enough.
    :return: the image in BGR order, not turned by an EXIF orientation; at least as large as is
        enough, unless the file is smaller.
    :raises ImageError: when it is neither JPEG nor PNG, damaged, too large, or not decodable.
    """
    # Copying takes microseconds, and only bytes can be searched at full speed.
    file = bytes(memoryview(data))
    # image_transport writes what it encoded behind "compressed", and nothing when it encoded the
    # message's own samples.
    if re.fullmatch(r'bayer_.*compressed\s*', format_text, re.DOTALL):
        raise EncodingError(f'format {reprlib.repr(format_text)} is a Bayer mosaic, no image: '
                            f'debayer before compressing, or use the raw topic')
    if file[:2] == _JPEG_START:
        label = f'JPEG data of {len(file)} bytes (format {reprlib.repr(format_text)})'
        size = _check_jpeg(file, label)
        flags = next(flags for divisor, flags in _JPEG_FLAGS
                     if divisor == 1 or (-(-size[0] // divisor) >= rows
                                         and -(-size[1] // divisor) >= columns))
    elif file[:8] == _PNG_START:
        label = f'PNG data of {len(file)} bytes (format {reprlib.repr(format_text)})'
        _check_png(file, label)
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | _AS_STORED
    else:
        raise EncodingError(f'data of {len(file)} bytes (format {reprlib.repr(format_text)}) are '
                            f'neither JPEG nor PNG: they begin with {file[:8].hex(" ")!r}')
    return ColorImage(_decode(file, flags, label), 'BGR')


def _decode(file: bytes, flags: int, label: str) -> NDArray[np.uint8]:
    try:
        pixels = cv2.imdecode(np.frombuffer(file, np.uint8), flags)
    except cv2.error as error:
        raise DecodeError(f'{label} cannot be decoded by OpenCV: {error.err}') from error
    if pixels is None:
        raise DecodeError(f'{label} cannot be decoded by OpenCV: they are damaged, or of a kind '
                          f'that it does not know')
    return to_8_bit(pixels) if pixels.dtype == np.uint16 else np.asarray(pixels, dtype=np.uint8)


def _check_jpeg(file: bytes, label: str) -> tuple[int, int]:
    """Walk through the segments to the coded pixels, find their end, and return the size."""
    size: tuple[int, int] | None = None
    position = len(_JPEG_START)
    while match := _MARKER.search(file, position):
        marker, position = file[match.end() - 1], match.end()
        if marker in (_START_OF_SCAN, _END_OF_IMAGE):
            break
        if marker in _WITHOUT_LENGTH:
            continue
        if marker in _OTHER_FRAMES:
            raise DecodeError(f'{label} are neither baseline nor progressive, but coding process '
                              f'{marker - 0xc0} of ITU-T T.81')
        if marker in _FRAMES and size is None:
            size = (int.from_bytes(file[position + 3:position + 5], 'big'),
                    int.from_bytes(file[position + 5:position + 7], 'big'))
        position += int.from_bytes(file[position:position + 2], 'big')
    # Not before: the thumbnail in an EXIF segment has an end, too. Coded pixels cannot hold it.
    if match is None or file.rfind(_END_OF_FILE, match.start()) < 0:
        raise DecodeError(f'{label} are cut short: there is no end-of-image marker')
    if size is None:
        raise DecodeError(f'{label} have no frame header before the coded pixels')
    _check_size(*size, len(file) * _PIXELS_PER_JPEG_BYTE, label)
    return size


def _check_png(file: bytes, label: str) -> None:
    """Walk through the chunks to the last."""
    if file[8:16] != _PNG_HEADER or len(file) < 33:
        raise DecodeError(f'{label} do not begin with an IHDR chunk')
    position, kind = len(_PNG_START), b''
    while kind != b'IEND':
        end = position + 12 + int.from_bytes(file[position:position + 4], 'big')
        if end > len(file):
            raise DecodeError(f'{label} are cut short: there is no IEND chunk')
        kind = file[position + 4:position + 8]
        checksum = int.from_bytes(file[end - 4:end], 'big')
        if zlib.crc32(memoryview(file)[position + 4:end - 4]) != checksum:
            raise DecodeError(f'{label} are damaged: the checksum of chunk {kind!r} is another')
        position = end
    columns, rows = (int.from_bytes(file[start:start + 4], 'big') for start in (16, 20))
    bits = file[24] * _PNG_CHANNELS.get(file[25], 1)
    _check_size(rows, columns, len(file) * _PNG_BYTES_PER_BYTE * 8 // max(bits, 1), label)


def _check_size(rows: int, columns: int, most_pixels: int, label: str) -> None:
    """Refuse what would take much memory, or cannot be what so few bytes stand for."""
    if not (0 < rows <= MAX_SIDE and 0 < columns <= MAX_SIDE and rows * columns <= MAX_PIXELS):
        raise SizeError(f'{label} say {columns}x{rows} pixels: sides are from 1 to {MAX_SIDE}, '
                        f'pixels at most {MAX_PIXELS}')
    if rows * columns > most_pixels:
        raise SizeError(f'{label} say {columns}x{rows} pixels: '
                        f'so few bytes hold at most {most_pixels}')
