# SPDX-License-Identifier: Apache-2.0
"""
Look at parts of a picture too, where a small fire is larger.

A model sees a picture of any size in its few input pixels, in which a fire that covers a
hundredth of the picture is hardly there. In a tile, an overlapping crop, it is larger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import math

from fire_detector.classifier import FireClassifier
from fire_detector.model_contract import ModelContract
from fire_detector.picture import Picture

# Not 'off', which YAML, and so a ROS parameter on the command line, takes for False.
NONE, TURN, ALL = 'none', 'turn', 'all'
TILE_MODES = (NONE, TURN, ALL)


@dataclass(frozen=True)
class Grid:
    """
    Say how a picture is cut into tiles.

    :ivar rows: tiles from top to bottom.
    :ivar columns: tiles from left to right.
    :ivar share: width and height of a tile, as a share of the picture's; a tile is thus as wide
        for its height as the picture is, and stretched by the model as the picture is.
    :raises ValueError: when the tiles would not cover the picture, or be larger than it.
    """

    rows: int
    columns: int
    share: float

    def __post_init__(self) -> None:
        """Check what a type annotation cannot say."""
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f'{self.rows} rows and {self.columns} columns are not 1 or more')
        if not 1 / min(self.rows, self.columns) <= self.share <= 1:
            raise ValueError(f'{self.rows}x{self.columns} tiles of share {self.share:g} do not '
                             f'cover a picture, or are larger than it')

    def __str__(self) -> str:
        """Say it to a person."""
        return f'{self.rows}x{self.columns} of {100 * self.share:g} %'

    @property
    def size(self) -> int:
        """Tell the number of tiles."""
        return self.rows * self.columns


# Smaller tiles and finer grids find more fires and call more other things fire; at equally few
# false alarms they find no more, as far as can be told: python -m training.small_fires --compare.
GRID = Grid(2, 2, 0.75)


def tile(picture: Picture, number: int, grid: Grid = GRID) -> Picture:
    """
    Cut one tile out of a picture.

    :param picture: a picture of any size.
    :param number: of the tile, row by row from the upper left one, 0 to grid.size - 1.
    :param grid: how the picture is cut.
    :return: a view of the picture's pixels, not a copy; at least one pixel.
    """
    row, column = divmod(number, grid.columns)
    height, width = picture.pixels.shape[:2]
    return Picture(picture.pixels[_span(height, row, grid.rows, grid.share),
                                  _span(width, column, grid.columns, grid.share)],
                   picture.color_order)


def _span(length: int, number: int, count: int, share: float) -> slice:
    """Give the pixels of one of several evenly spread spans, the first and last at the edges."""
    # Rounded up, so that spans that just cover the length still do.
    size = math.ceil(length * share)
    start = round((length - size) * number / max(1, count - 1))
    return slice(start, start + size)


def combine(whole: float, tiles: Sequence[float]) -> float:
    """
    Make one probability of those of a picture and its tiles.

    It is the mean of the whole picture's and the largest of a tile's. The largest of them all
    finds more, but anything orange that fills a tile is then a fire; at equally few false alarms
    FireNet finds less so on `test`: python -m training.small_fires --compare.

    :param whole: the probability of the whole picture, 0..1.
    :param tiles: those of its tiles, 0..1; at least one.
    :return: 0..1.
    """
    return (whole + max(tiles)) / 2


class TiledClassifier:
    """
    Tell how likely it is that a picture, or some tile of it, shows fire.

    'none' asks the model about the whole picture only, 'all' about every tile too. 'turn' asks
    about the whole picture and one tile, the next one for each picture, and remembers what it
    was told of the others: without a memory, a fire in one tile of four would count in a quarter
    of the pictures, and the alarm's median would never see it. With it, a fire is counted as in
    'all', but up to `grid.size` pictures later; one odd answer for a tile likewise counts in
    `grid.size` pictures.
    """

    def __init__(self, classifier: FireClassifier, mode: str = NONE, grid: Grid = GRID) -> None:
        """
        Begin with no tile looked at.

        :param classifier: what is asked.
        :param mode: a member of TILE_MODES.
        :param grid: how pictures are cut.
        :raises ValueError: when there is no such mode.
        """
        if mode not in TILE_MODES:
            raise ValueError(f'tiles {mode!r} is not one of {TILE_MODES}')
        self._classifier = classifier
        self._mode = mode
        self._grid = grid
        self.reset()

    @property
    def contract(self) -> ModelContract:
        """Give the model's contract."""
        return self._classifier.contract

    @property
    def runtime(self) -> str:
        """Tell the runtime that the model runs in."""
        return self._classifier.runtime

    def reset(self) -> None:
        """Forget what is remembered of tiles; the next picture's first tile comes next."""
        self._remembered: dict[int, float] = {}
        self._next = 0
        self._shape: tuple[int, ...] = ()
        self._stamp = -math.inf

    def probability(self, picture: Picture, stamp: float | None = None) -> float:
        """
        Tell how likely it is that a picture shows fire.

        :param picture: a picture of any size; another size than the last one's is another
            camera's, and what is remembered is forgotten.
        :param stamp: the picture's time in seconds; a step backwards, as a looping bag makes,
            likewise. None where the time is not known.
        :return: probability, 0..1.
        :raises InferenceError: when the runtime fails or its answer is not a number from 0 to 1;
            the same tile then comes next.
        """
        whole = self._classifier.probability(picture)
        if self._mode == NONE:
            return whole
        if self._mode == ALL:
            return combine(whole, [self._of_tile(picture, number)
                                   for number in range(self._grid.size)])
        if picture.pixels.shape != self._shape or (stamp is not None and stamp < self._stamp):
            self.reset()
        self._shape = picture.pixels.shape
        self._stamp = self._stamp if stamp is None else stamp
        self._remembered[self._next] = self._of_tile(picture, self._next)
        self._next = (self._next + 1) % self._grid.size
        return combine(whole, list(self._remembered.values()))

    def _of_tile(self, picture: Picture, number: int) -> float:
        return self._classifier.probability(tile(picture, number, self._grid))
