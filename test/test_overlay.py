# SPDX-License-Identifier: Apache-2.0
"""The drawing shows the answer and leaves the picture alone."""

from fire_detector.overlay import annotate
from fire_detector.picture import Picture
import numpy as np
import pytest

HEIGHT, WIDTH = 120, 200
STRIP = HEIGHT // 12
GRAY = Picture(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), 'RGB')


@pytest.mark.parametrize(('probability', 'filled'), [(0.0, 0), (0.25, 50), (1.0, 200)])
def test_strip_is_filled_by_probability(probability: float, filled: int) -> None:
    """A quarter of 200 columns is 50: there the strip is green, beyond it gray text on black."""
    row = annotate(GRAY, probability, False).pixels[HEIGHT - STRIP]
    greenness = row[:, 1].astype(int) - row[:, 0]
    assert int((greenness > 40).sum()) == filled


def test_alarm_is_red_and_framed() -> None:
    """In BGR, red is the last channel."""
    drawn = annotate(GRAY, 1.0, True).pixels
    for row, column in ((0, WIDTH // 2), (HEIGHT // 2, 0), (HEIGHT - 1, WIDTH // 2)):
        blue, green, red = (int(value) for value in drawn[row, column])
        assert red > 150 > 100 > max(blue, green)


def test_picture_is_not_changed() -> None:
    """What other subscribers see has no drawing on it."""
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    drawn = annotate(Picture(pixels, 'BGR'), 0.7, True)
    assert (pixels == 128).all()
    assert (drawn.pixels != 128).any()


def test_colors_survive() -> None:
    """An RGB picture comes out with its red in BGR's place, outside the strip."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, :, 0] = 200
    drawn = annotate(Picture(pixels, 'RGB'), 0.5, False)
    assert drawn.color_order == 'BGR'
    np.testing.assert_array_equal(drawn.pixels[HEIGHT // 2, WIDTH // 2], (0, 0, 200))


@pytest.mark.parametrize(('height', 'width'), [
    (1, 1), (3, 500), (500, 3), (2_000_000, 1), (1, 2_000_000)])
def test_odd_sizes(height: int, width: int) -> None:
    """No picture is too small to be drawn on."""
    picture = Picture(np.zeros((height, width, 3), np.uint8), 'BGR')
    assert annotate(picture, 0.5, True).pixels.shape == (height, width, 3)
