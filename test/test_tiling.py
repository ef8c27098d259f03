# SPDX-License-Identifier: Apache-2.0
"""Tiles cover the picture, and what is found in one of them counts."""

from pathlib import Path

from fire_detector.alarm import FireAlarm
from fire_detector.classifier import FireClassifier, InferenceError
from fire_detector.model_contract import AlarmSettings
from fire_detector.picture import Picture
from fire_detector.picture_files import read_picture
from fire_detector.tiling import combine, GRID, Grid, NONE, tile, TILE_MODES, TiledClassifier
import numpy as np
import pytest

CORNERS = {'upper left': 0, 'upper right': 1, 'lower left': 2, 'lower right': 3}
CALM, FIRE = 0.1, 0.9


class BrightestPixel(FireClassifier):
    """
    Stand in for a model: a share of 255 in a picture's brightest pixel, if that is large in it.

    As a model does, it overlooks what is small: one pixel in 100 or more is not seen. What
    pictures it was asked about is kept.
    """

    def __init__(self) -> None:
        """Load no model."""
        self.asked: list[Picture] = []
        self.fails = False

    def probability(self, picture: Picture) -> float:
        """Tell the brightest pixel, or 0.1 where it is small or nothing shines."""
        if self.fails:
            raise InferenceError('asked to fail')
        self.asked.append(picture)
        height, width = picture.pixels.shape[:2]
        brightest = float(picture.pixels.max()) / 255
        return brightest if brightest > CALM and height * width < 100 else CALM


def scene(*lit: tuple[int, int], size: tuple[int, int] = (10, 10)) -> Picture:
    """Make a black picture with lit pixels, at (row, column), of 0.9."""
    pixels = np.zeros((*size, 3), np.uint8)
    for row, column in lit:
        pixels[row, column] = round(255 * FIRE)
    return Picture(pixels, 'RGB')


def spans(size: tuple[int, int], grid: Grid) -> list[tuple[int, int, int, int]]:
    """List the top, bottom, left and right edges of a picture's tiles, found in their pixels."""
    rows, columns = np.indices(size)
    found = []
    for axis in (rows, columns):
        # Two bytes hold positions up to 65,535.
        pixels = np.stack([axis // 256, axis % 256, axis * 0], axis=-1).astype(np.uint8)
        cut = [tile(Picture(pixels, 'RGB'), number, grid).pixels.astype(int)
               for number in range(grid.size)]
        found.append([(256 * one[..., 0] + one[..., 1]) for one in cut])
    return [(int(row.min()), int(row.max()) + 1, int(column.min()), int(column.max()) + 1)
            for row, column in zip(*found, strict=True)]


def test_tiles_of_a_wide_picture() -> None:
    """
    Check against edges worked out by hand.

    Of 48 rows, 75 % are 36, so tiles begin at 0 and 12; of 80 columns, 60, at 0 and 20.
    """
    assert spans((48, 80), Grid(2, 2, 0.75)) == [
        (0, 36, 0, 60), (0, 36, 20, 80), (12, 48, 0, 60), (12, 48, 20, 80)]


def test_tiles_of_an_odd_picture() -> None:
    """
    Check against edges worked out by hand.

    Of 7 rows, 60 % are 4.2, rounded up 5: at 0 and 2. Of 301 columns, 180.6, rounded up 181: at
    0, half of 120, and 120.
    """
    assert spans((7, 301), Grid(2, 3, 0.6)) == [
        (0, 5, 0, 181), (0, 5, 60, 241), (0, 5, 120, 301),
        (2, 7, 0, 181), (2, 7, 60, 241), (2, 7, 120, 301)]


@pytest.mark.parametrize('size', [(1, 1), (1, 9), (2, 3), (5, 4), (13, 400), (480, 641)])
@pytest.mark.parametrize('grid', [GRID, Grid(2, 2, 0.5), Grid(3, 3, 1 / 3), Grid(2, 3, 0.6)])
def test_every_pixel_is_in_a_tile(size: tuple[int, int], grid: Grid) -> None:
    """Also where there are fewer pixels than tiles, and where tiles just cover the picture."""
    seen = np.zeros(size, bool)
    for top, bottom, left, right in spans(size, grid):
        seen[top:bottom, left:right] = True
    assert seen.all()


def test_tile_is_a_view() -> None:
    """Nothing is copied, and the order of the colors is kept."""
    picture = Picture(np.zeros((48, 80, 3), np.uint8), 'BGR')
    cut = tile(picture, 3)
    assert np.shares_memory(cut.pixels, picture.pixels)
    assert cut.color_order == 'BGR'


@pytest.mark.parametrize(('rows', 'columns', 'share'), [
    (0, 2, 0.6), (2, -1, 0.6), (2, 2, 0.4), (2, 3, 0.49), (2, 2, 1.1), (2, 2, float('nan'))])
def test_grid_that_leaves_gaps(rows: int, columns: int, share: float) -> None:
    """A part of the picture that no tile has would never be looked at."""
    with pytest.raises(ValueError, match=f'{rows}'):
        Grid(rows, columns, share)


def test_grid_is_said() -> None:
    """A person reads it in tables."""
    assert str(Grid(2, 3, 0.6)) == '2x3 of 60 %'


def test_combination() -> None:
    """By hand: the mean of 0.2 and 0.8, the largest of the tiles."""
    assert combine(0.2, [0.1, 0.8, 0.3]) == pytest.approx(0.5)
    assert combine(0.8, [0.2]) == pytest.approx(0.5)


def test_none_asks_about_the_whole_picture_only() -> None:
    """One question, about the picture itself, and its answer."""
    model = BrightestPixel()
    picture = scene((1, 1))
    assert TiledClassifier(model).probability(picture) == CALM
    assert len(model.asked) == 1
    assert model.asked[0] is picture


@pytest.mark.parametrize(('row', 'column'), [(0, 0), (0, 9), (9, 0), (9, 9), (4, 5)])
def test_all_finds_a_small_fire_anywhere(row: int, column: int) -> None:
    """
    Check against a number worked out by hand.

    In the whole of 100 pixels it is overlooked, in a tile of 8x8 it is not: the mean of 0.1 and
    0.9, which eight bits hold to a part in 255, is 0.5.
    """
    model = BrightestPixel()
    assert TiledClassifier(model, 'all').probability(scene((row, column))) == pytest.approx(
        0.5, abs=1 / 255)
    assert len(model.asked) == 1 + GRID.size


@pytest.mark.parametrize(('corner', 'number'), CORNERS.items())
def test_turn_finds_it_when_its_tile_comes(corner: str, number: int) -> None:
    """
    From the picture with its tile on, a fire stays counted, whichever tile is looked at.

    Two questions are asked about each picture, not five.
    """
    model = BrightestPixel()
    classifier = TiledClassifier(model, 'turn')
    row, column = divmod(number, 2)
    picture = scene((9 * row, 9 * column))
    answers = [classifier.probability(picture) for _ in range(2 * GRID.size)]
    expected = [0.1] * number + [0.5] * (2 * GRID.size - number)
    assert answers == pytest.approx(expected, abs=1 / 255), corner
    assert len(model.asked) == 2 * len(answers)


def test_turn_counts_an_odd_tile_until_it_comes_again() -> None:
    """A flash in the upper left of the first picture counts in four, as there are four tiles."""
    classifier = TiledClassifier(BrightestPixel(), 'turn')
    shown = [scene((0, 0)), *[scene()] * 5]
    assert [classifier.probability(picture) for picture in shown] == pytest.approx(
        [0.5] * 4 + [0.1] * 2, abs=1 / 255)


def test_turn_raises_the_alarm() -> None:
    """
    A small fire in one tile of four passes the median, as it does when all are looked at.

    At 10 pictures a second and a window of 1 s, from the fourth picture on every one counts; of
    7, 4 do, and the median is theirs.
    """
    alarm = FireAlarm(AlarmSettings(0.4, 0.3, window=1.0, min_frames=3))
    classifier = TiledClassifier(BrightestPixel(), 'turn')
    raised = [alarm.update(stamp / 10, classifier.probability(scene((9, 9)), stamp / 10))
              for stamp in range(10)]
    assert raised.index(True) == 6
    assert all(raised[6:])


def test_turn_forgets() -> None:
    """A reset, a picture of another size, or a step back in time: tiles of before do not count."""
    fire, calm = scene((0, 0)), scene()
    for forget in ('nothing', 'reset', 'size', 'stamp'):
        classifier = TiledClassifier(BrightestPixel(), 'turn')
        classifier.probability(fire, 5.0)
        if forget == 'reset':
            classifier.reset()
        after = scene(size=(10, 9)) if forget == 'size' else calm
        answer = classifier.probability(after, 4.9 if forget == 'stamp' else 5.0)
        assert answer == pytest.approx(0.5 if forget == 'nothing' else 0.1, abs=1 / 255), forget


def test_turn_begins_anew_with_the_first_tile() -> None:
    """After a reset the upper left comes first again, so a fire there is seen at once."""
    classifier = TiledClassifier(BrightestPixel(), 'turn')
    classifier.probability(scene())
    classifier.reset()
    assert classifier.probability(scene((0, 0))) == pytest.approx(0.5, abs=1 / 255)


def test_failed_inference_is_passed_on() -> None:
    """The picture gets no number, and the tile that was due comes with the next one."""
    model = BrightestPixel()
    classifier = TiledClassifier(model, 'turn')
    model.fails = True
    with pytest.raises(InferenceError, match='asked to fail'):
        classifier.probability(scene((0, 0)))
    model.fails = False
    assert classifier.probability(scene((0, 0))) == pytest.approx(0.5, abs=1 / 255)


def test_unknown_mode() -> None:
    """The message has the word and those that there are."""
    with pytest.raises(ValueError, match=r"'some' is not one of \('none', 'turn', 'all'\)"):
        TiledClassifier(BrightestPixel(), 'some')


def test_real_model(data: Path, model: Path) -> None:
    """With a real model and pictures, the answers are those of the whole and its tiles."""
    classifier = FireClassifier(model)
    tiled = {mode: TiledClassifier(classifier, mode) for mode in TILE_MODES}
    for path in sorted((data / 'images' / 'news' / 'fire').iterdir())[:10]:
        picture = read_picture(path)
        whole = classifier.probability(picture)
        parts = [classifier.probability(tile(picture, number)) for number in range(GRID.size)]
        assert tiled[NONE].probability(picture) == whole
        assert tiled['all'].probability(picture) == pytest.approx((whole + max(parts)) / 2)
        tiled['turn'].reset()
        for number in range(GRID.size):
            assert tiled['turn'].probability(picture) == pytest.approx(
                (whole + max(parts[:number + 1])) / 2)
    assert tiled['turn'].contract == classifier.contract
    assert tiled['turn'].runtime == classifier.runtime
