# SPDX-License-Identifier: Apache-2.0
"""The drawing shows the detection and leaves the image alone."""

import cv2
from fire_detector.images.annotate import annotate
from fire_detector.images.color_image import ColorImage
import numpy as np
import pytest

HEIGHT, WIDTH = 120, 200
# A sixteenth of the height would be 7 rows, too few for letters.
STRIP = 14
CALM, RED = (70, 130, 40), (40, 40, 220)


def plain(height: int, width: int, value: int = 0) -> ColorImage:
    """Build a gray image, black unless a value is given."""
    return ColorImage(np.full((height, width, 3), value, np.uint8), 'BGR')


def white(drawn: ColorImage) -> np.ndarray:
    """Return where letters are: (height, width) of bool."""
    return np.asarray((drawn.pixels > 200).all(axis=2))


def test_colors_survive() -> None:
    """An RGB image comes out with its red in BGR's place, outside the strip."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, :, 0] = 200
    drawn = annotate(ColorImage(pixels, 'RGB'), 0.5, False)
    assert drawn.color_order == 'BGR'
    np.testing.assert_array_equal(drawn.pixels[HEIGHT // 2, WIDTH // 2], (0, 0, 200))


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
    black = plain(height, width)
    letters = white(annotate(black, probability, alarm, 29.8))
    rows, columns = np.nonzero(letters)
    assert rows.min() > height - min(max(height // 16, 14), 400)
    assert rows.max() < height - 1
    assert 0 < columns.min() < columns.max() < width - 1
    assert rows.max() - rows.min() >= 6


def test_rate_is_shown_where_there_is_room() -> None:
    """It takes room to the right of what is there without it; in 64 columns there is none."""
    for width, shown in ((640, True), (64, False)):
        black = plain(3 * width // 4, width)
        without, with_rate = (white(annotate(black, 0.5, True, rate)) for rate in (None, 29.8))
        last = np.nonzero(without)[1].max()
        assert with_rate[:, last + 1:].any() == shown
        np.testing.assert_array_equal(with_rate[:, :last + 1], without[:, :last + 1])
        assert (with_rate == without).all() == (not shown)


def test_alarm_is_a_word_too() -> None:
    """Color alone is not for everybody: in 64 columns the word is written, at any probability."""
    black = plain(48, 64)
    for probability in (0.07, 1.0):
        calm, alarm = (white(annotate(black, probability, each)) for each in (False, True))
        assert np.nonzero(alarm)[1].max() > 40
        assert (calm != alarm).any()
    # Where the number does not fit beside the word, the word is what is left.
    np.testing.assert_array_equal(alarm, white(annotate(black, 0.999, True)))


@pytest.mark.parametrize(('probability', 'alarm', 'color', 'filled'), [
    (0.0, False, CALM, 0), (0.5, False, CALM, 5), (1.0, False, CALM, 10), (1.0, True, RED, 10)])
def test_every_pixel_of_a_strip_without_letters(
        probability: float, alarm: bool, color: tuple[int, int, int], filled: int) -> None:
    """In 10 columns there is no room for letters: 14 rows of color, and of black beside it."""
    white_image = plain(HEIGHT, 10, 255)
    drawn = annotate(white_image, probability, alarm).pixels
    expected = np.full((HEIGHT, 10, 3), 255, np.uint8)
    expected[-STRIP:] = 0
    expected[-STRIP:, :filled] = color
    if alarm:
        # A line of two, about the outermost pixels: the outer half of it lies outside.
        expected[:2] = expected[-2:] = expected[:, :2] = expected[:, -2:] = RED
    np.testing.assert_array_equal(drawn, expected)
    assert (white_image.pixels == 255).all(), 'the image itself is not changed'


@pytest.mark.parametrize(('height', 'rows'), [(8, 1), (160, 2), (480, 3), (6400, 40)])
def test_width_of_the_frame(height: int, rows: int) -> None:
    """It is a fifth of the strip's 8, 14, 30 or 400 rows, of which half lies outside."""
    black = plain(height, 300)
    column = annotate(black, 0.0, alarm=True).pixels[:, 250]
    red = (column == RED).all(axis=1)
    assert red[:height - 2 * rows].sum() == pytest.approx(rows, abs=min(rows // 2, 1))
    assert red[-1]


def test_strip_has_a_largest_height() -> None:
    """A sixteenth of 8000 rows would be 500: it has 400."""
    white_image = plain(8000, 10, 255)
    black = (annotate(white_image, 0.0, False).pixels == 0).all(axis=(1, 2))
    assert black.sum() == 400


def test_no_letters_in_three_rows() -> None:
    """The strip is no higher than the image, and letters no higher than the strip."""
    low = plain(3, 500)
    assert not white(annotate(low, 0.5, False)).any()


def test_letters_are_those_of_the_probability() -> None:
    """50 % and 50.4 % are written alike, and 51 % and 100 % are not."""
    black = plain(480, 640)
    written = [white(annotate(black, probability, False))[:, :250]
               for probability in (0.5, 0.504, 0.51, 1.0)]
    np.testing.assert_array_equal(written[0], written[1])
    assert (written[0] != written[2]).any()
    assert (written[2] != written[3]).any()


def test_strokes_are_as_wide_as_the_letters_need() -> None:
    """
    Of 1080 rows, letters have strokes of 3 pixels, smooth edges, and a margin of 11.

    The strip has 67 rows, so that the scale is 67 / 32 = 2.09, and 1.6 times that 3.35.
    """
    drawn = annotate(plain(1080, 1920), 0.0, False).pixels
    letters = (drawn > 128).all(axis=2).astype(np.uint8)
    assert cv2.erode(letters, np.ones((3, 3))).any()
    assert ((drawn > 60) & (drawn < 200)).any()
    assert 11 <= np.nonzero(letters)[1].min() <= 18


def test_turned_image() -> None:
    """Pixels that lie column by column are drawn on like any."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8).transpose(1, 0, 2)
    drawn = annotate(ColorImage(pixels, 'BGR'), 0.5, True)
    np.testing.assert_array_equal(
        drawn.pixels, annotate(ColorImage(pixels.copy('C'), 'BGR'), 0.5, True).pixels)


def test_shrinking_averages() -> None:
    """Of each four columns one is 200: all become 50. A single row stays one, or a column."""
    pixels = np.zeros((1, 1280, 3), np.uint8)
    pixels[:, ::4] = 200
    image = ColorImage(np.repeat(pixels, 720, axis=0), 'BGR')
    assert (annotate(image, 0.5, False, max_width=320).pixels[:100] == 50).all()
    assert annotate(ColorImage(pixels, 'BGR'), 0.5, False, max_width=320).pixels.shape == (
        1, 320, 3)
    assert annotate(image, 0.5, False, max_width=1).pixels.shape[1] == 1


@pytest.mark.parametrize(('height', 'width'), [
    (1, 1), (3, 500), (500, 3), (2_000_000, 1), (1, 2_000_000)])
def test_odd_sizes(height: int, width: int) -> None:
    """No image is too small to be drawn on."""
    image = plain(height, width)
    assert annotate(image, 0.5, True).pixels.shape == (height, width, 3)


def test_wide_image_is_shrunk() -> None:
    """A gray image of 1280x721 becomes 640x360 and stays gray above the strip; 300x20 stays."""
    wide = ColorImage(np.full((721, 1280, 3), 90, np.uint8), 'RGB')
    shrunk = annotate(wide, 0.5, alarm=False, max_width=640).pixels
    assert shrunk.shape == (360, 640, 3)
    assert (shrunk[:300] == 90).all()
    narrow = plain(20, 300, 90)
    assert annotate(narrow, 0.5, alarm=False, max_width=640).pixels.shape == (20, 300, 3)
