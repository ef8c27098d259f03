# SPDX-License-Identifier: Apache-2.0
"""Messages and frames of files become images by what they are."""

from types import SimpleNamespace
from typing import Any

from fire_detector.images.color_image import ColorImage
from fire_detector.images.decode import decode_message, describe, stamp_of
from fire_detector.images.files import Frame
from image_messages import compressed_message, header, raw_message
import numpy as np
import pytest

PIXELS = np.arange(3 * 64 * 48, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8)


@pytest.mark.parametrize('message', [
    raw_message(PIXELS, 12.25), compressed_message(PIXELS, 12.25),
    Frame(0, 12_250_000_000, ColorImage(PIXELS, 'RGB'))],
    ids=['raw', 'compressed', 'frame'])
def test_message(message: Any) -> None:
    """Pixels and stamp are those of the message."""
    np.testing.assert_array_equal(decode_message(message, 1, 1).in_order('RGB'), PIXELS)
    assert stamp_of(message) == 12_250_000_000


@pytest.mark.parametrize(('rows', 'columns', 'shape'), [
    (6, 8, (6, 8, 3)), (7, 8, (12, 16, 3)), (6, 9, (12, 16, 3))])
def test_jpeg_is_no_larger_than_needed(rows: int, columns: int, shape: tuple[int, ...]) -> None:
    """Both sides are passed on: an eighth of 48x64 is 6x8."""
    message = compressed_message(PIXELS, 12.25, '.jpg')
    assert decode_message(message, rows, columns).pixels.shape == shape


def test_nanoseconds() -> None:
    """A stamp of 5 s and 7 ns."""
    assert stamp_of(SimpleNamespace(header=header(5 + 7e-9))) == 5_000_000_007


def test_description() -> None:
    """Diagnostics have encoding and pixels of a raw image, format and bytes of a file."""
    assert describe(raw_message(PIXELS, 12.25)) == ('rgb8', '64x48')
    message = SimpleNamespace(format='jpeg', data=bytes(10))
    assert describe(message) == ('jpeg', '10 bytes')
