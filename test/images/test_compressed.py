# SPDX-License-Identifier: Apache-2.0
"""JPEG and PNG files become images no larger than needed, or an error."""

from array import array
from pathlib import Path
from typing import Any

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.compressed import decode, MAX_SIDE
from fire_detector.images.decode import decode_message
from fire_detector.images.raw import convert_raw, ImageError
from fire_detector.ros.messages import to_compressed_message
from image_messages import png_chunk
import numpy as np
from numpy.typing import NDArray
import pytest
from std_msgs.msg import Header

FULL = 100_000


def corners(rows: int, columns: int) -> NDArray[np.uint8]:
    """Draw a BGR image whose four quarters are blue, green, red and gray."""
    image = np.full((rows, columns, 3), 128, np.uint8)
    image[:rows // 2, :columns // 2] = (255, 0, 0)
    image[:rows // 2, columns // 2:] = (0, 255, 0)
    image[rows // 2:, :columns // 2] = (0, 0, 255)
    return image


IMAGE = corners(37, 53)


def encode(suffix: str, pixels: NDArray[Any] = IMAGE, *options: int) -> bytes:
    """Return the file that OpenCV makes of pixels in BGR order."""
    encoded, file = cv2.imencode(suffix, pixels, options)
    assert encoded
    return file.tobytes()


JPEG = encode('.jpg', IMAGE, cv2.IMWRITE_JPEG_QUALITY, 95)
PNG = encode('.png')


def is_corners(pixels: NDArray[np.uint8]) -> bool:
    """Return whether the middles of the quarters have their colors."""
    rows, columns = pixels.shape[:2]
    middles = pixels[rows // 4::rows // 2, columns // 4::columns // 2][:2, :2].astype(int)
    return bool(np.abs(middles - corners(2, 2)).max() < 8)


def segment(marker: int, payload: bytes) -> bytes:
    """Build a JPEG segment."""
    return bytes((0xff, marker)) + (len(payload) + 2).to_bytes(2, 'big') + payload


def with_jpeg_size(rows: int, columns: int, marker: int = 0xc0) -> bytes:
    """Return a JPEG with another size, or coding process, in its header."""
    start = JPEG.index(b'\xff\xc0')
    return (JPEG[:start] + bytes((0xff, marker)) + JPEG[start + 2:start + 5]
            + rows.to_bytes(2, 'big') + columns.to_bytes(2, 'big') + JPEG[start + 9:])


def with_png_size(rows: int, columns: int, kind: bytes = b'') -> bytes:
    """Return a PNG with another size, or kind of pixels, in its header."""
    header = columns.to_bytes(4, 'big') + rows.to_bytes(4, 'big') + (kind or PNG[24:29])
    return PNG[:8] + png_chunk(b'IHDR', header) + PNG[33:]


def without_huffman_tables(file: bytes) -> bytes:
    """Leave the tables out, as the MJPEG of USB cameras does."""
    while (start := file.find(b'\xff\xc4')) > 0:
        file = file[:start] + file[start + 2 + int.from_bytes(file[start + 2:start + 4], 'big'):]
    return file


# Exif for "turned by 90 degrees": a big-endian TIFF header, one entry (tag 0x112, SHORT, 6).
TURNED = bytes.fromhex('4d4d002a00000008' '0001' '0112000300000001' '00060000' '00000000')


@pytest.mark.parametrize('color_order', ['RGB', 'BGR'])
@pytest.mark.parametrize('text', [None, 'jpeg', 'jpg', 'JPEG', '', 'png', 'rgb8; png compressed ',
                                  'rgb8; jpeg compressed rgb8',
                                  'bayer_rggb8; jpeg compressed bgr8'])
def test_jpeg_messages(color_order: str, text: str | None) -> None:
    """Colors are those of the file, whatever the format's text says; None: image_transport's."""
    sent = ColorImage(IMAGE if color_order == 'BGR' else IMAGE[:, :, ::-1].copy(), color_order)
    message = to_compressed_message(sent, Header(), 95)
    message.format = message.format if text is None else text
    image = decode_message(message, FULL, FULL)
    assert image.pixels.shape == IMAGE.shape
    assert is_corners(image.in_order('BGR'))


@pytest.mark.parametrize('text', ['png', 'bgr8; png compressed bgr8', 'jpeg'])
def test_png_is_exact(text: str) -> None:
    """Nothing is lost, whatever the format's text says."""
    image = decode(text, array('B', PNG), 8, 8)
    np.testing.assert_array_equal(image.in_order('BGR'), IMAGE)


def test_png_with_alpha() -> None:
    """The colors are kept where the image is transparent, too."""
    alpha = np.arange(37 * 53, dtype=np.uint8).reshape(37, 53, 1)
    file = encode('.png', np.concatenate([IMAGE, alpha], axis=2))
    np.testing.assert_array_equal(decode('bgra8; png compressed bgr8', file, 8, 8).pixels, IMAGE)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_gray(suffix: str) -> None:
    """An image without colors has three equal channels."""
    gray = np.full((20, 30), 100, np.uint8)
    pixels = decode('mono8; png compressed ', encode(suffix, gray), FULL, FULL).pixels
    np.testing.assert_array_equal(pixels, np.full((20, 30, 3), 100))


@pytest.mark.parametrize('text', ['mono16; png compressed ', '16UC1; png compressed '])
def test_gray_png_of_16_bits(text: str) -> None:
    """It is the image that the same samples are in a raw message: see test_mono16."""
    samples = np.array([[0, 128, 129], [0x1234, 33023, 0xffff]], np.uint16)
    pixels = decode(text, encode('.png', samples), FULL, FULL).pixels
    raw = convert_raw('mono16', 2, 3, 6, samples.astype('<u2').tobytes())
    np.testing.assert_array_equal(pixels, raw.pixels)
    assert pixels[:, :, 0].tolist() == [[0, 0, 1], [18, 128, 255]]


def test_color_png_of_16_bits() -> None:
    """Each sample is 257 times what it is in 8 bits."""
    file = encode('.png', IMAGE.astype(np.uint16) * 257)
    np.testing.assert_array_equal(
        decode('rgb16; png compressed bgr16', file, FULL, FULL).in_order('BGR'), IMAGE)


@pytest.mark.parametrize(('wanted', 'size'), [
    ((96, 96), (120, 160)),   # 480 / 4 = 120, 480 / 8 = 60
    ((60, 80), (60, 80)),     # an eighth, exactly
    ((61, 80), (120, 160)),
    ((60, 81), (120, 160)),
    ((10, 321), (480, 640)),  # 640 / 2 = 320
    ((240, 10), (240, 320)),
    ((481, 641), (480, 640)),
    ((1, 1), (60, 80)),
])
def test_jpeg_is_decoded_no_larger_than_needed(wanted: tuple[int, int],
                                               size: tuple[int, int]) -> None:
    """Both sides are at least as large as wanted, and the image is not cropped."""
    pixels = decode('jpeg', encode('.jpg', corners(480, 640)), *wanted).pixels
    assert pixels.shape == (*size, 3)
    assert is_corners(pixels)


@pytest.mark.parametrize('size', [(1, 1), (1, MAX_SIDE), (MAX_SIDE, 1)])
def test_smallest_and_largest_sides(size: tuple[int, int]) -> None:
    """One pixel is an image, and so is one of the longest sides."""
    for suffix in ('.png', '.jpg'):
        file = encode(suffix, np.zeros((*size, 3), np.uint8))
        assert decode('', file, FULL, FULL).pixels.shape == (*size, 3)


def test_odd_sides_are_rounded_up() -> None:
    """Half of 37 x 53 is 19 x 27."""
    assert decode('jpeg', JPEG, 19, 27).pixels.shape == (19, 27, 3)
    assert decode('jpeg', JPEG, 20, 27).pixels.shape == (37, 53, 3)


def test_real_images(data: Path) -> None:
    """
    Real files are decoded as OpenCV decodes them, and a half of one is nearly its average.

    Every 50th image: each source is among them.
    """
    files = sorted(path for path in (data / 'images').rglob('*') if path.is_file())[::50]
    assert len(files) > 100
    for file in files:
        encoded = file.read_bytes()
        pixels = decode('', encoded, FULL, FULL).pixels
        np.testing.assert_array_equal(
            pixels, cv2.imread(str(file), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION))
        rows, columns = (side // 2 for side in pixels.shape[:2])
        half = decode('', encoded, rows, columns).pixels
        assert half.shape[0] - rows in (0, 1)
        averaged = cv2.resize(pixels[:2 * rows, :2 * columns], (columns, rows),
                              interpolation=cv2.INTER_AREA)
        assert np.abs(half[:rows, :columns].astype(int) - averaged).mean() < 4, file


@pytest.mark.parametrize('file', [
    JPEG[:2] + segment(0xe1, b'Exif\0\0' + TURNED) + JPEG[2:],
    PNG[:33] + png_chunk(b'eXIf', TURNED) + PNG[33:],
], ids=['jpeg', 'png'])
def test_exif_orientation_is_not_applied(file: bytes) -> None:
    """The image has the pixels where the camera has them."""
    assert is_corners(decode('', file, FULL, FULL).pixels)
    assert decode('', file, FULL, FULL).pixels.shape == IMAGE.shape


@pytest.mark.parametrize('file', [
    JPEG + bytes(1000),
    JPEG[:-2] + b'\xff\xff' + JPEG[-2:],
    JPEG[:2] + segment(0xe1, JPEG) + JPEG[2:],
    without_huffman_tables(JPEG),
    encode('.jpg', IMAGE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    encode('.jpg', IMAGE, cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    PNG + bytes(1000),
], ids=['zeros behind', 'filled up', 'thumbnail', 'mjpeg', 'progressive', 'restarts', 'png zeros'])
def test_files_as_cameras_make_them(file: bytes) -> None:
    """Buffers that are not full, thumbnails, MJPEG and other kinds are images."""
    assert is_corners(decode('', file, FULL, FULL).pixels)


@pytest.mark.parametrize('file', [
    JPEG, PNG, encode('.jpg', IMAGE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    encode('.jpg', IMAGE, cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    JPEG[:2] + segment(0xe1, JPEG) + JPEG[2:],
], ids=['jpeg', 'png', 'progressive', 'restarts', 'thumbnail'])
def test_files_cut_short(file: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """None is an image, wherever it ends, and nothing is written on stderr."""
    for length in range(len(file)):
        with pytest.raises(ImageError, match=r'cut short|neither JPEG nor PNG|begin with an IHDR'):
            decode('', file[:length], FULL, FULL)
    assert capfd.readouterr().err == ''


def test_every_damaged_byte_of_a_png(capfd: pytest.CaptureFixture[str]) -> None:
    """One wrong bit anywhere is found, and nothing is written on stderr."""
    for position in range(len(PNG)):
        damaged = bytearray(PNG)
        damaged[position] ^= 0x10
        with pytest.raises(ImageError):
            decode('', damaged, FULL, FULL)
    assert capfd.readouterr().err == ''


@pytest.mark.parametrize(('file', 'message'), [
    (with_jpeg_size(65535, 65535), rf'say 65535x65535 pixels: sides are from 1 to {MAX_SIDE}'),
    (with_jpeg_size(1, 16_385), 'say 16385x1 pixels: sides'),
    (with_jpeg_size(8000, 8001), 'say 8001x8000 pixels: .* at most 64000000'),
    (with_jpeg_size(0, 53), 'say 53x0 pixels'),
    (with_jpeg_size(8000, 8000),
     rf'^JPEG data of .* so few bytes hold at most {len(JPEG) * 512}$'),
    (with_jpeg_size(37, 0), 'say 0x37 pixels'),
    (JPEG[:JPEG.index(b'\xff\xc0')] + JPEG[JPEG.index(b'\xff\xc4'):], 'have no frame header'),
    (with_jpeg_size(37, 53, 0xc3), 'but coding process 3'),
    (with_png_size(2 ** 31 - 1, 2 ** 31 - 1), 'say 2147483647x2147483647 pixels: sides'),
    (with_png_size(0, 53), 'say 53x0 pixels'),
    (with_png_size(8000, 8000),
     rf'^PNG data of .* so few bytes hold at most {len(PNG) * 344}$'),
    (with_png_size(37, 0), 'say 0x37 pixels'),
    (with_png_size(len(PNG), 344), 'cannot be decoded'),
    (with_png_size(8000, 8000, b'\x01\0\0\0\0'), rf'at most {len(PNG) * 8256}$'),
    (with_png_size(37, 53, b'\x08\5\0\0\0'), 'cannot be decoded'),
    (JPEG[:700], r"^JPEG data of 700 bytes \(format 'h264'\) are cut short: there is no end-of-"),
    (PNG[:33], 'are cut short: there is no IEND chunk'),
    (PNG[:32], 'do not begin with an IHDR chunk'),
    (b'\xff\xd8\xff\xd9', 'have no frame header before the coded pixels'),
    (b'\xff\xd8' + segment(0xda, b'') + b'\xff\xd9', 'no frame header before the coded pixels'),
    (JPEG[:JPEG.index(b'\xff\xda')] + b'\xff\xd9', 'cannot be decoded by OpenCV'),
    (PNG[:8] + PNG[33:], 'do not begin with an IHDR chunk'),
    (PNG[:33] + PNG[-12:], 'cannot be decoded by OpenCV'),
    (b'\0\0\0\x01\x67', "neither JPEG nor PNG: they begin with '00 00 00 01 67'"),
    (b'', r"data of 0 bytes \(format 'h264'\) are neither JPEG nor PNG: they begin with ''"),
    (bytes(12) + PNG, r"\(format 'h264'\) are neither JPEG nor PNG"),
])
def test_rejections(file: bytes, message: str) -> None:
    """The message has what is wrong, before memory for its pixels is taken."""
    with pytest.raises(ImageError, match=message):
        decode('h264', file, 96, 96)


@pytest.mark.parametrize('text', ['bayer_rggb8; jpeg compressed ', 'bayer_grbg8; png compressed',
                                  'bayer_rggb16; png compressed '])
def test_mosaics_are_refused(text: str) -> None:
    """A gray file of a mosaic would pass for a gray image."""
    with pytest.raises(ImageError, match=r'is a Bayer mosaic, no image: debayer'):
        decode(text, encode('.png', np.full((20, 30), 100, np.uint8)), 8, 8)


@pytest.mark.parametrize('text', ['mono8; png compressed ', 'bayer_rggb8; jpeg compressed mono8'])
def test_gray_of_other_texts_is_taken(text: str) -> None:
    """Since ROS 2, image_transport makes a gray image of a mosaic."""
    assert decode(text, encode('.jpg', np.full((20, 30), 100, np.uint8)), 8, 8)
