# SPDX-License-Identifier: Apache-2.0
"""The drawing shows the answer and leaves the image alone."""

from fire_detector.images.annotate import annotate
from fire_detector.images.color_image import ColorImage
import numpy as np
import pytest

HEIGHT, WIDTH = 120, 200
# A sixteenth of the height would be 7 rows, too few for letters.
STRIP = 14
GRAY = ColorImage(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), 'RGB')


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


def test_image_is_not_changed() -> None:
    """What other subscribers see has no drawing on it."""
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    drawn = annotate(ColorImage(pixels, 'BGR'), 0.7, True)
    assert (pixels == 128).all()
    assert (drawn.pixels != 128).any()


def test_colors_survive() -> None:
    """An RGB image comes out with its red in BGR's place, outside the strip."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, :, 0] = 200
    drawn = annotate(ColorImage(pixels, 'RGB'), 0.5, False)
    assert drawn.color_order == 'BGR'
    np.testing.assert_array_equal(drawn.pixels[HEIGHT // 2, WIDTH // 2], (0, 0, 200))


def white(drawn: ColorImage) -> np.ndarray:
    """Return where letters are: (height, width) of bool."""
    return np.asarray((drawn.pixels > 200).all(axis=2))


@pytest.mark.parametrize('alarm', [False, True])
@pytest.mark.parametrize('probability', [0.0, 0.07, 1.0])
@pytest.mark.parametrize(('width', 'height'), [
    (64, 48), (80, 60), (160, 120), (320, 240), (640, 480), (1920, 1080), (120, 1000), (1000, 60)])
def test_text_is_whole_at_every_size(
        width: int, height: int, probability: float, alarm: bool) -> None:
    """
    Nothing is cut off: there are letters, within the strip, and none touches its edges.

    They are at least 6 rows high: capitals have 22 at scale 1, of which 0.32 is the least.
    """
    black = ColorImage(np.zeros((height, width, 3), np.uint8), 'BGR')
    letters = white(annotate(black, probability, alarm, 29.8))
    rows, columns = np.nonzero(letters)
    assert rows.min() > height - min(max(height // 16, 14), 400)
    assert rows.max() < height - 1
    assert 0 < columns.min() < columns.max() < width - 1
    assert rows.max() - rows.min() >= 6


def test_rate_is_shown_where_there_is_room() -> None:
    """It takes room to the right of what is there without it; in 64 columns there is none."""
    for width, shown in ((640, True), (64, False)):
        black = ColorImage(np.zeros((3 * width // 4, width, 3), np.uint8), 'BGR')
        without, with_rate = (white(annotate(black, 0.5, True, rate)) for rate in (None, 29.8))
        last = np.nonzero(without)[1].max()
        assert with_rate[:, last + 1:].any() == shown
        assert (with_rate == without).all() == (not shown)


def test_alarm_is_a_word_too() -> None:
    """Color alone is not for everybody: in 64 columns the word is written, at any probability."""
    black = ColorImage(np.zeros((48, 64, 3), np.uint8), 'BGR')
    for probability in (0.07, 1.0):
        calm, alarm = (white(annotate(black, probability, each)) for each in (False, True))
        assert np.nonzero(alarm)[1].max() > 40
        assert (calm != alarm).any()
    # Where the number does not fit beside the word, the word is what is left.
    np.testing.assert_array_equal(alarm, white(annotate(black, 0.999, True)))


@pytest.mark.parametrize(('height', 'width'), [
    (1, 1), (3, 500), (500, 3), (2_000_000, 1), (1, 2_000_000)])
def test_odd_sizes(height: int, width: int) -> None:
    """No image is too small to be drawn on."""
    image = ColorImage(np.zeros((height, width, 3), np.uint8), 'BGR')
    assert annotate(image, 0.5, True).pixels.shape == (height, width, 3)


def test_wide_image_is_shrunk() -> None:
    """A gray image of 1280x721 becomes 640x360 and stays gray above the strip; 300x20 stays."""
    wide = ColorImage(np.full((721, 1280, 3), 90, np.uint8), 'RGB')
    shrunk = annotate(wide, 0.5, alarm=False, max_width=640).pixels
    assert shrunk.shape == (360, 640, 3)
    assert (shrunk[:300] == 90).all()
    narrow = ColorImage(np.full((20, 300, 3), 90, np.uint8), 'BGR')
    assert annotate(narrow, 0.5, alarm=False, max_width=640).pixels.shape == (20, 300, 3)
