# SPDX-License-Identifier: Apache-2.0
"""Raw ROS images become the image that their fields describe, or an error."""

from array import array
from collections.abc import Iterator
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
from fire_detector.images import decode as camera_messages
from fire_detector.images.decode import from_image
from fire_detector.images.raw import convert_raw, ENCODINGS, ImageError
import numpy as np
from numpy.typing import NDArray
import pytest
from sensor_msgs.msg import Image

# Two rows of three pixels, in RGB.
ROWS = np.array([[(10, 20, 30), (40, 50, 60), (70, 80, 90)],
                 [(1, 2, 3), (4, 5, 6), (7, 8, 9)]], np.uint8)
BGR = ROWS[:, :, ::-1]
ALPHA = np.full((2, 3, 1), 255, np.uint8)
GRAY = ROWS[:, :, :1]

# What is left of ROWS in each encoding that keeps every pixel.
WHOLE = {
    'rgb8': ROWS, 'bgr8': BGR, 'mono8': GRAY,
    'rgba8': np.concatenate([ROWS, ALPHA], axis=2),
    'bgra8': np.concatenate([BGR, ALPHA], axis=2),
}
# Where Y of each pixel, and U and V of each pair, are in four bytes.
PAIRS = {'uyvy': (1, 0, 2), 'yuv422': (1, 0, 2), 'yuyv': (0, 1, 3), 'yuv422_yuy2': (0, 1, 3)}
BAYER = [encoding for encoding in ENCODINGS if encoding.startswith('bayer')]
PADDINGS = (0, 1, 13)


def pad(rows: NDArray[np.uint8], padding: int) -> tuple[int, array]:
    """Return the step and the data of rows with padding behind each."""
    data = [row.tobytes() + b'\xee' * padding for row in rows]
    return len(data[0]), array('B', b''.join(data))


def bt601(y: NDArray[Any], u: NDArray[Any], v: NDArray[Any]) -> NDArray[Any]:
    """Return RGB by ITU-R BT.601 with Y in 16..235, U and V in 16..240; Y below is taken as 16."""
    luma = 255 / 219 * (np.maximum(y, 16).astype(float) - 16)
    u, v = (255 / 224 * (chroma.astype(float) - 128) for chroma in (u, v))
    rgb = [luma + 1.402 * v, luma - 0.344136 * u - 0.714136 * v, luma + 1.772 * u]
    return np.asarray(np.clip(np.stack(rgb, axis=-1), 0, 255))


def test_every_encoding_is_tested() -> None:
    """None is in the table without a test."""
    assert {*WHOLE, *PAIRS, *BAYER, 'mono16', 'nv12', 'nv21', 'nv24'} == set(ENCODINGS)


@pytest.mark.parametrize('padding', PADDINGS)
@pytest.mark.parametrize('encoding', WHOLE)
def test_whole_pixels(encoding: str, padding: int) -> None:
    """The pixels come out in RGB as they went in, whatever follows each row."""
    step, data = pad(WHOLE[encoding], padding)
    image = convert_raw(encoding, 2, 3, step, data, is_bigendian=True)
    expected = np.repeat(GRAY, 3, axis=2) if WHOLE[encoding] is GRAY else ROWS
    np.testing.assert_array_equal(image.in_order('RGB'), expected)


@pytest.mark.parametrize('padding', PADDINGS)
@pytest.mark.parametrize('is_bigendian', [False, True])
def test_mono16(is_bigendian: bool, padding: int) -> None:
    """
    The full scale of 16 bits becomes that of 8, and the bytes are read in the order they have.

    v / 257, rounded: 0x1234 = 4660 -> 18.13; with its bytes exchanged it would be 51.9.
    128 -> 0.498, 129 -> 0.502, 33023 -> 128.49 (and 128.996 of 256).
    """
    values = np.array([[0, 128, 129], [0x1234, 33023, 0xffff]], '>u2' if is_bigendian else '<u2')
    step, data = pad(values.view(np.uint8), padding)
    image = convert_raw('mono16', 2, 3, step, data, is_bigendian)
    np.testing.assert_array_equal(
        image.pixels, np.repeat([[[0], [0], [1]], [[18], [128], [255]]], 3, axis=2))


@pytest.mark.parametrize(('yuv', 'rgb'), [
    ((16, 128, 128), (0, 0, 0)),
    ((235, 128, 128), (255, 255, 255)),
    # R = 1.164 * 65 + 1.596 * 112 = 254.4; G = 75.7 + 0.392 * 38 - 0.813 * 112 = -0.5.
    ((81, 90, 240), (254, 0, 0)),
    ((145, 54, 34), (0, 255, 1)),
    ((41, 240, 110), (0, 0, 255)),
])
def test_yuv_of_plain_colors(yuv: tuple[int, int, int], rgb: tuple[int, int, int]) -> None:
    """The colors of BT.601's test bars, computed by hand, come out of all YUV encodings."""
    y, u, v = yuv
    data = {'uyvy': [u, y, v, y] * 2, 'yuyv': [y, u, y, v] * 2,
            'nv12': [y] * 4 + [u, v], 'nv21': [y] * 4 + [v, u]}
    for encoding, layout in data.items():
        image = convert_raw(encoding, 2, 2, 2 if encoding.startswith('nv') else 4,
                            array('B', layout))
        np.testing.assert_array_equal(image.in_order('RGB'), np.full((2, 2, 3), rgb), encoding)


@pytest.mark.parametrize('padding', PADDINGS)
@pytest.mark.parametrize('encoding', PAIRS)
def test_yuv_422(encoding: str, padding: int) -> None:
    """Every pixel has its own lightness and its pair's colors; the height may be odd."""
    raw = np.random.default_rng(0).integers(0, 256, (5, 3, 4), np.uint8)
    step, data = pad(raw, padding)
    image = convert_raw(encoding, 5, 6, step, data)
    first, u, v = PAIRS[encoding]
    y = raw[:, :, [first, first + 2]].reshape(5, 6)
    expected = bt601(y, np.repeat(raw[:, :, u], 2, axis=1), np.repeat(raw[:, :, v], 2, axis=1))
    np.testing.assert_allclose(image.in_order('RGB'), expected, atol=1.5)


@pytest.mark.parametrize('padding', PADDINGS)
@pytest.mark.parametrize(('encoding', 'u', 'v'), [('nv12', 0, 1), ('nv21', 1, 0)])
def test_yuv_420(encoding: str, u: int, v: int, padding: int) -> None:
    """Every pixel has its own lightness and the colors of its square, in a plane below."""
    raw = np.random.default_rng(0).integers(0, 256, (6, 10), np.uint8)
    step, data = pad(raw, padding)
    image = convert_raw(encoding, 4, 10, step, data[:len(data) - padding])
    chroma = np.repeat(np.repeat(raw[4:].reshape(2, 5, 2), 2, axis=0), 2, axis=1)
    expected = bt601(raw[:4], chroma[:, :, u], chroma[:, :, v])
    np.testing.assert_allclose(image.in_order('RGB'), expected, atol=1.5)


@pytest.mark.parametrize('padding', [0, 3])
def test_nv24(padding: int) -> None:
    """
    Each square has the colors of its upper left pixel; a row of colors has two bytes a pixel.

    Below 4 rows of lightness are 4 rows of colors, each of 6 pairs. With padding, a row of colors
    has twice that of a row of lightness, as V4L2 says of bytesperline.
    """
    generator = np.random.default_rng(0)
    lightness = generator.integers(16, 236, (4, 6), np.uint8)
    colors = generator.integers(16, 241, (4, 6, 2), np.uint8)
    data = (np.pad(lightness, ((0, 0), (0, padding))).tobytes()
            + np.pad(colors.reshape(4, 12), ((0, 0), (0, 2 * padding))).tobytes())
    chroma = np.repeat(np.repeat(colors[::2, ::2], 2, axis=0), 2, axis=1)
    expected = bt601(lightness, chroma[:, :, 0], chroma[:, :, 1])
    image = convert_raw('nv24', 4, 6, 6 + padding, data)
    np.testing.assert_allclose(image.in_order('RGB'), expected, atol=1.5)


@pytest.mark.parametrize('padding', PADDINGS)
@pytest.mark.parametrize('encoding', BAYER)
def test_bayer(encoding: str, padding: int) -> None:
    """
    The pattern begins at the first pixel, as its name spells it, also in odd sizes.

    Where an image has one color, whatever is interpolated is that color: away from the border
    between the two halves, nothing is lost.
    """
    rgb = np.full((5, 9, 3), (200, 100, 50), np.uint8)
    rgb[:, 5:] = (20, 120, 220)
    colors = ['rgb'.index(letter) for letter in encoding[6:10]]
    mosaic = np.empty((5, 9), np.uint8)
    for index, color in enumerate(colors):
        row, column = divmod(index, 2)
        mosaic[row::2, column::2] = rgb[row::2, column::2, color]
    step, data = pad(mosaic, padding)
    pixels = convert_raw(encoding, 5, 9, step, data).in_order('RGB')
    np.testing.assert_array_equal(pixels[:, :4], rgb[:, :4])
    np.testing.assert_array_equal(pixels[:, 6:], rgb[:, 6:])


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8'])
def test_three_channels_are_not_copied(encoding: str) -> None:
    """A frame is viewed where the middleware put it."""
    step, data = pad(ROWS, 0)
    image = convert_raw(encoding, 2, 3, step, data)
    data[0] = 99
    assert image.pixels[0, 0, 0] == 99


def test_last_row_needs_no_padding() -> None:
    """Some drivers end the data with the last pixel."""
    step, data = pad(ROWS, 4)
    image = convert_raw('rgb8', 2, 3, step, data[:-4].tobytes())
    np.testing.assert_array_equal(image.pixels, ROWS)


@pytest.mark.parametrize(('encoding', 'height', 'width', 'step', 'size', 'message'), [
    ('rgb8', 0, 3, 9, 18, '3x0 is not an image size for rgb8'),
    ('rgb8', 2, 0, 0, 0, '0x2 is not an image size for rgb8'),
    ('rgb8', 2, 3, 8, 18, 'step 8 is less than the 9 bytes'),
    ('rgb8', 2, 3, 0, 18, 'step 0 is less than the 9 bytes'),
    ('rgb8', 2, 3, 9, 17, '17 bytes of data are fewer than the 18'),
    ('rgb8', 2, 3, 9, 0, '0 bytes of data are fewer than the 18'),
    ('bgra8', 4_000_000, 4_000_000, 16_000_000, 18, '18 bytes of data are fewer'),
    ('mono16', 2, 3, 5, 12, 'step 5 is less than the 6 bytes'),
    ('mono16', 2, 3, 6, 11, '11 bytes of data are fewer than the 12'),
    ('uyvy', 2, 3, 6, 12, '3x2 .* for uyvy: 2x1 pixels share their colors'),
    ('uyvy', 2, 4, 7, 16, 'step 7 is less than the 8 bytes'),
    ('nv12', 2, 3, 3, 12, '3x2 .* for nv12: 2x2 pixels share their colors'),
    ('nv21', 3, 2, 2, 12, '2x3 .* for nv21: 2x2 pixels share their colors'),
    ('nv12', 4, 6, 6, 35, '35 bytes of data are fewer than the 36'),
    ('bayer_rggb8', 2, 9, 9, 18, '9x2 .* for bayer_rggb8: it has at least 3x3 pixels'),
    ('bayer_grbg8', 9, 2, 2, 18, '2x9 .* for bayer_grbg8: it has at least 3x3 pixels'),
])
def test_contradictions_are_named(encoding: str, height: int, width: int, step: int, size: int,
                                  message: str) -> None:
    """Nothing is reshaped, let alone allocated, before the sizes are checked."""
    with pytest.raises(ImageError, match=message):
        convert_raw(encoding, height, width, step, bytes(size))


def rgb16_message(is_bigendian: bool = False, padding: int = 0) -> Image:
    """Build a message with ROWS in 16 bits."""
    samples = (ROWS.astype(np.uint16) * 257).astype('>u2' if is_bigendian else '<u2')
    step, data = pad(samples.reshape(2, 9).view(np.uint8), padding)
    return Image(height=2, width=3, step=step, encoding='rgb16', data=data,
                 is_bigendian=int(is_bigendian))


class MockBridge:
    """
    A stand-in for cv_bridge.CvBridge, which has no wheel.

    It reads 16-bit RGB as cv_bridge/python/cv_bridge/core.py does, and raises `error` if given.
    """

    error: BaseException | None = None

    def encoding_to_dtype_with_channels(self, encoding: str) -> tuple[str, int]:
        """Return the type and channels of rgb16, the only encoding."""
        if encoding != 'rgb16':
            raise RuntimeError(f'Unrecognized image encoding [{encoding}]')
        return 'uint16', 3

    def imgmsg_to_cv2(self, message: Image, desired_encoding: str) -> NDArray[Any]:
        """Return the pixels as desired, which is bgr8."""
        if self.error is not None:
            raise self.error
        assert desired_encoding == 'bgr8'
        wide: NDArray[np.uint16] = np.ndarray(
            (message.height, message.step // 6, 3),
            '>u2' if message.is_bigendian else '<u2', message.data)
        return (wide[:, :message.width, ::-1] // 257).astype(np.uint8)


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[MockBridge]]:
    """Replace cv_bridge by the mock."""
    module = ModuleType('cv_bridge')
    module.CvBridge = MockBridge  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)
    monkeypatch.setattr(MockBridge, 'error', None)
    forget = camera_messages._load_cv_bridge.cache_clear
    forget()
    yield MockBridge
    forget()


@pytest.mark.parametrize('is_bigendian', [False, True])
@pytest.mark.parametrize('padding', [0, 6])
def test_other_encodings_go_through_cv_bridge(bridge: type[MockBridge], is_bigendian: bool,
                                              padding: int) -> None:
    """What it makes of them is the image (cv_bridge is a mock here)."""
    image = from_image(rgb16_message(is_bigendian, padding))
    np.testing.assert_array_equal(image.in_order('RGB'), ROWS)


def test_real_cv_bridge() -> None:
    """The real one gives the same, where it is installed."""
    pytest.importorskip('cv_bridge', reason='cv_bridge is not installed')
    np.testing.assert_array_equal(from_image(rgb16_message()).in_order('RGB'), ROWS)


@pytest.mark.parametrize('error', [
    TypeError('CvBridgeError is one'), RuntimeError('yuv9 is not a color format'),
    cv2.error('assertion failed'), KeyError('yuv9'), AttributeError('newbyteorder'),
])
def test_errors_of_cv_bridge(bridge: type[MockBridge], error: BaseException,
                             monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises is an ImageError (cv_bridge is a mock here)."""
    monkeypatch.setattr(bridge, 'error', error)
    with pytest.raises(ImageError, match=rf"encoding 'rgb16' .* {type(error).__name__}: "):
        from_image(rgb16_message())


def test_unknown_to_cv_bridge(bridge: type[MockBridge]) -> None:
    """Its words are in the error (cv_bridge is a mock here)."""
    with pytest.raises(ImageError, match=r"'yuv9' .*, and .* Unrecognized image encoding \[yuv9"):
        from_image(Image(height=2, width=3, step=6, encoding='yuv9', data=array('B', bytes(18))))


@pytest.mark.parametrize('encoding', ['8UC1', '8UC3', '8UC4', '8SC3', '16UC1', '32FC1', '64FC10'])
def test_without_colors(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by cv_bridge, colors are not guessed; the error has the remedy, with or without it."""
    monkeypatch.setattr(camera_messages, '_load_cv_bridge', pytest.fail)
    message = Image(height=1, width=1, step=80, encoding=encoding, data=array('B', bytes(80)))
    with pytest.raises(ImageError, match=rf"^encoding '{encoding}' .* encoding='bgr8'") as error:
        from_image(message)
    assert error.value.reason == 'encoding'


def test_sheared_image_is_rejected(bridge: type[MockBridge]) -> None:
    """cv_bridge would take 20 bytes for rows of three pixels of six bytes, and lose two a row."""
    with pytest.raises(ImageError, match='step 20 is not a multiple of the 6 bytes'):
        from_image(rgb16_message(padding=2))


def test_narrowed_image_is_rejected(bridge: type[MockBridge]) -> None:
    """cv_bridge would return two of the three columns."""
    message = rgb16_message()
    message.step = 12
    with pytest.raises(ImageError, match='step 12 is not that of 3x2 pixels'):
        from_image(message)


@pytest.mark.parametrize('encoding', ['rgb16', '', 'x' * 1_000_000])
def test_without_cv_bridge(bridge: type[MockBridge], encoding: str,
                           monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has what is known, and what is missing; a long encoding is cut short."""
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    with pytest.raises(ImageError, match=r"is not one of \('rgb8'.* cv_bridge, which") as error:
        from_image(SimpleNamespace(encoding=encoding))
    assert str(error.value).startswith(f"encoding '{encoding[:10]}")
    assert len(str(error.value)) < 600


def test_cv_bridge_of_another_numpy(bridge: type[MockBridge],
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """One that imports but breaks is tried once (cv_bridge is a mock here)."""
    tries = []

    def break_up(self: MockBridge, encoding: str) -> tuple[str, int]:
        tries.append(encoding)
        raise AttributeError('_ARRAY_API not found')

    monkeypatch.setattr(bridge, 'encoding_to_dtype_with_channels', break_up)
    for _ in range(2):
        with pytest.raises(ImageError, match='cannot be used: AttributeError: _ARRAY_API'):
            from_image(rgb16_message())
    assert len(tries) == 1


def test_known_encodings_do_not_need_cv_bridge(bridge: type[MockBridge],
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not even imported; byte order is that of the message."""
    monkeypatch.setattr(camera_messages, '_load_cv_bridge', pytest.fail)
    message = Image(height=1, width=1, step=2, encoding='mono16', data=array('B', b'\x12\x34'),
                    is_bigendian=1)
    assert from_image(message).pixels[0, 0, 0] == 18
