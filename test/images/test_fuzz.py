# SPDX-License-Identifier: Apache-2.0
"""Whatever a message holds, it becomes an image or an ImageError, and takes little memory."""

from array import array
from collections.abc import Iterator
from pathlib import Path
from random import Random
import re
from typing import Any
import zlib

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.decode import decode_message
from fire_detector.images.raw import ENCODINGS, ImageError
from image_messages import png_chunk
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

# A second or so, and the long form.
EXAMPLES = (300, pytest.param(10_000, marks=pytest.mark.slow))
ROW_OF_BYTES = np.random.default_rng(0).integers(0, 256, 50_000, np.uint8).tobytes()
MEGABYTE = 1_000_000

EXTREMES = (32_767, 65_536, 2**31 - 1, 2**31, 2**32 - 1)
TEXTS = ('', 'jpeg', 'png', 'rgb8; jpeg compressed bgr8', '16UC1; png compressed ',
         'bayer_rggb8; jpeg compressed ', 'h264', 'x' * 10_000, '\0', '\n', 'ä{}%s', '\ud800')
NAMES = (*ENCODINGS, '', 'rgb16', '16UC1', '32FC1', '8UC3', '8UC0', 'yuv9', 'x' * 10_000, '\0',
         '\n{}%s')
SAMPLE = {'rgb8': 3, 'bgr8': 3, '8UC3': 3, 'rgba8': 4, 'bgra8': 4,
          'mono16': 2, 'uyvy': 2, 'yuv422': 2, 'yuyv': 2, 'yuv422_yuy2': 2}


def choose_side(chance: Random) -> int:
    """Choose a side: mostly small, sometimes none, sometimes huge."""
    sides: list[int] = [*range(1, 9), *range(21), *EXTREMES[:chance.randrange(6)]]
    return chance.choice(sides)


def small_files() -> list[bytes]:
    """Encode a small image in the ways that OpenCV offers."""
    noise = np.random.default_rng(0).integers(0, 256, (17, 26, 3), np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 3)
    jpeg = [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 1)]
    alpha = np.dstack([image, image[:, :, :1]])
    files = [cv2.imencode('.jpg', image, options)[1] for options in jpeg]
    files += [cv2.imencode('.jpg', image[:, :, 0])[1]]
    files += [cv2.imencode('.png', pixels)[1] for pixels in (
        image, image[:, :, 0], alpha, image[:, :, 0].astype(np.uint16) * 257)]
    files += [cv2.imencode('.png', image[:, :, 0], [cv2.IMWRITE_PNG_BILEVEL, 1])[1]]
    return [file.tobytes() for file in files]


FILES = small_files()


def with_right_checksums(file: bytes) -> bytes:
    """Return a changed PNG with right checksums."""
    result, position = file[:8], 8
    while position + 12 <= len(file):
        end = position + 8 + int.from_bytes(file[position:position + 4], 'big')
        result += png_chunk(file[position + 4:position + 8], file[position + 8:end])
        position = end + 4
    return result


# Chunks and segments that make decoders take other ways.
INSERTIONS = (
    *(png_chunk(kind, payload) for kind in (b'acTL', b'fcTL', b'fdAT', b'PLTE', b'tRNS', b'iCCP',
                                            b'zTXt', b'gAMA', b'eXIf', b'IDAT', b'IEND')
      for payload in (b'', bytes(26), bytes(range(1, 27)), b'\xff' * 26)),
    png_chunk(b'zTXt', b'a\0\0' + zlib.compress(bytes(30 * MEGABYTE))),
    png_chunk(b'IDAT', zlib.compress(bytes(30 * MEGABYTE))),
    b'\xff\xd9', b'\xff\xd8', b'\xff\xda\0\x0c', b'\xff\xc0\0\x11\x08\x20\0\x20\0', b'\xff\xdc',
    b'\xff\xe1\0\x08Exif\0\0', b'\xff\xff\xff', b'\xff\xdd\0\x04\0\x01',
)


def damaged_file(chance: Random) -> bytes:
    """Change, insert and cut off bytes of a file; sometimes let it look whole all the same."""
    file = bytearray(chance.choice(FILES))
    is_png, repair = file[:1] == b'\x89', chance.randrange(2)
    for _ in range(chance.randrange(4)):
        file[chance.randrange(len(file))] = chance.randrange(256)
    if chance.randrange(2):
        # Behind IHDR, where most chunks belong, or anywhere.
        place = 33 if is_png and repair else chance.randrange(len(file))
        file[place:place] = chance.choice(INSERTIONS)
    if not chance.randrange(4):
        del file[chance.randrange(len(file)):]
    if repair:
        return with_right_checksums(bytes(file)) if is_png else bytes(file) + b'\xff\xd9'
    return bytes(file)


def most_bytes(file: bytes) -> int:
    """
    Return how large the image in a file can be.

    Deflate makes up to 1032 bytes of one, each of which may be eight pixels of a bilevel PNG; the
    pixel has three bytes.
    """
    return len(file) * 1032 * 8 * 3


def try_decoding(message: Any, rows: int, columns: int, limit: int) -> ColorImage | None:
    """Decode a message; nothing but an ImageError of one line may be raised."""
    try:
        image = decode_message(message, rows, columns)
    except ImageError as error:
        assert 0 < len(str(error)) < 1000
        assert '\n' not in str(error)
        return None
    assert isinstance(image, ColorImage)
    assert image.pixels.nbytes <= limit
    return image


def check_share(images: int, examples: int) -> None:
    """Fail where all, or hardly any, messages were images: then little was tried."""
    assert 0.02 < images / examples < 0.98


@pytest.fixture(autouse=True)
def memory() -> Iterator[None]:
    """Fail where the process took 200 MB more at any time, as far as the system tells."""
    def status(name: str) -> int:
        found = re.search(rf'{name}:\s+(\d+) kB', Path('/proc/self/status').read_text())
        return int(found[1]) * 1024 if found else 0
    try:
        # Linux, proc(5): resets VmHWM, the peak of the resident memory.
        Path('/proc/self/clear_refs').write_text('5')
    except OSError:
        yield
        return
    before = status('VmRSS')
    yield
    assert status('VmHWM') - before < 200 * MEGABYTE


def fields(chance: Random) -> tuple[str, int, int, int, int, bool]:
    """Build encoding, height, width, step, bytes of data and byte order, often nearly right."""
    encoding = chance.choice(NAMES)
    height, width = choose_side(chance), choose_side(chance)
    step = width * SAMPLE.get(encoding, 1) + chance.choice((0, 0, 0, 1, 2, 3, 9, -1))
    step = chance.choice((step, step, step, step, *EXTREMES[:chance.randrange(6)]))
    rows = height * 3 // 2 if encoding.startswith('nv') else height
    size = rows * step + chance.choice((0, 0, 0, 1, 100, -1, -2, -chance.randrange(50)))
    return (encoding, height, width, min(max(step, 0), 2**32 - 1),
            min(max(size, 0), len(ROW_OF_BYTES)), bool(chance.randrange(2)))


def compressed(chance: Random) -> tuple[bytes, str, int, int]:
    """Build a file, the format's text, and the rows and columns that are wanted."""
    file = damaged_file(chance) if chance.randrange(20) else chance.randbytes(
        chance.randrange(12))
    return file, chance.choice(TEXTS), choose_side(chance), choose_side(chance)


@pytest.mark.parametrize('examples', EXAMPLES)
def test_raw_images(examples: int) -> None:
    """Each is the image that its fields describe, at most three times as large as the data."""
    images = 0
    for seed in range(examples):
        encoding, height, width, step, size, is_bigendian = fields(Random(seed))
        raw = Image(encoding=encoding, height=height, width=width, step=step,
                    data=array('B', ROW_OF_BYTES[:size]), is_bigendian=int(is_bigendian))
        image = try_decoding(raw, 0, 0, 3 * size)
        if image is not None:
            assert image.pixels.shape == (height, width, 3), f'{seed=}'
            images += 1
    check_share(images, examples)


@pytest.mark.parametrize('examples', EXAMPLES)
def test_compressed_images(examples: int) -> None:
    """A damaged file never is an image of more than its bytes allow."""
    images = 0
    for seed in range(examples):
        file, text, rows, columns = compressed(Random(seed))
        message = CompressedImage(format=text, data=array('B', file))
        images += try_decoding(message, rows, columns, most_bytes(file)) is not None
    check_share(images, examples)
