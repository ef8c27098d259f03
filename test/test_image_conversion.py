# SPDX-License-Identifier: Apache-2.0
"""Raw ROS images become the picture that their fields describe, or an error."""

from array import array

from fire_detector.image_conversion import ENCODINGS, ImageError, to_picture
import numpy as np
import pytest

# Two rows of three pixels, in RGB.
ROWS = np.array([[(10, 20, 30), (40, 50, 60), (70, 80, 90)],
                 [(1, 2, 3), (4, 5, 6), (7, 8, 9)]], np.uint8)


def encode(encoding: str, padding: int = 0) -> tuple[int, bytes]:
    """Lay ROWS out in an encoding, with padded rows; give the step and the bytes."""
    alpha = np.full((2, 3, 1), 255, np.uint8)
    pixels = {
        'rgb8': ROWS, 'bgr8': ROWS[:, :, ::-1],
        'rgba8': np.concatenate([ROWS, alpha], axis=2),
        'bgra8': np.concatenate([ROWS[:, :, ::-1], alpha], axis=2),
        'mono8': ROWS[:, :, :1],
    }[encoding]
    rows = [row.tobytes() + b'\xee' * padding for row in pixels]
    return len(rows[0]), b''.join(rows)


@pytest.mark.parametrize('padding', [0, 1, 13])
@pytest.mark.parametrize('encoding', sorted(ENCODINGS))
def test_every_encoding(encoding: str, padding: int) -> None:
    """The pixels come out in RGB as they went in, whatever follows each row."""
    step, data = encode(encoding, padding)
    picture = to_picture(encoding, 2, 3, step, array('B', data))
    rgb = picture.pixels if picture.color_order == 'RGB' else picture.pixels[:, :, ::-1]
    expected = np.repeat(ROWS[:, :, :1], 3, axis=2) if encoding == 'mono8' else ROWS
    np.testing.assert_array_equal(rgb, expected)


def test_three_channels_are_not_copied() -> None:
    """A frame is viewed where the middleware put it."""
    step, data = encode('rgb8')
    message_data = array('B', data)
    picture = to_picture('rgb8', 2, 3, step, message_data)
    message_data[0] = 99
    assert picture.pixels[0, 0, 0] == 99


def test_last_row_needs_no_padding() -> None:
    """Some drivers end the data with the last pixel."""
    step, data = encode('rgb8', padding=4)
    picture = to_picture('rgb8', 2, 3, step, data[:-4])
    np.testing.assert_array_equal(picture.pixels, ROWS)


@pytest.mark.parametrize(('encoding', 'height', 'width', 'step', 'size', 'message'), [
    ('32FC1', 2, 3, 12, 24, "encoding '32FC1' is not one of"),
    ('', 2, 3, 9, 18, "encoding '' is not one of"),
    ('rgb8', 0, 3, 9, 18, '3x0 is not a picture size'),
    ('rgb8', 2, 0, 0, 0, '0x2 is not a picture size'),
    ('rgb8', 2, 3, 8, 18, 'step 8 is less than the 9 bytes'),
    ('rgb8', 2, 3, 0, 18, 'step 0 is less than the 9 bytes'),
    ('rgb8', 2, 3, 9, 17, '17 bytes of data are fewer than the 18'),
    ('rgb8', 2, 3, 9, 0, '0 bytes of data are fewer than the 18'),
    ('bgra8', 4_000_000, 4_000_000, 16_000_000, 18, '18 bytes of data are fewer'),
])
def test_contradictions_are_named(encoding: str, height: int, width: int, step: int, size: int,
                                  message: str) -> None:
    """Nothing is reshaped, let alone allocated, before the sizes are checked."""
    with pytest.raises(ImageError, match=message):
        to_picture(encoding, height, width, step, bytes(size))
