# SPDX-License-Identifier: Apache-2.0
"""The chart of probability and alarm: what is drawn, and that it can be seen."""

from collections.abc import Sequence
import math
from typing import cast

from fire_detector.replay.chart import (
    decimate,
    draw_probability,
    Lane,
    merge_intervals,
    Series,
    SERIES_COLORS,
    split_at_gaps,
)
from hypothesis import given, strategies
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
import numpy as np
import pytest

NAN = math.nan


def chart(*series: Series, lanes: Sequence[Lane] = (), length: float = 9.0) -> Axes:
    """Draw a chart of 1000x300 pixels."""
    axes = Figure(figsize=(10, 3), dpi=100).subplots()
    draw_probability(axes, series, lanes, length)
    return axes


def lines(axes: Axes) -> list[list[tuple[float, float]]]:
    """Return the points of each line: curves, single predictions and thresholds."""
    return [[(float(x), float(y)) for x, y in np.asarray(line.get_xydata(), dtype=float)]
            for line in axes.lines]


def bars(axes: Axes, name: str) -> list[tuple[float, float]]:
    """Return start and end of the bars in a lane, by its name on the left."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    height = axes.get_yticks()[names.index(name)]
    boxes = [path.get_extents() for collection in axes.collections
             for path in collection.get_paths()]
    return [(round(box.x0, 3), round(box.x1, 3)) for box in boxes
            if box.y0 < height < box.y1 and box.height < 0.2]


def pixels_of(axes: Axes, color: str) -> int:
    """Count the pixels of a color, in the image that is drawn."""
    canvas = FigureCanvasAgg(cast(Figure, axes.figure))
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    wanted = np.round(np.multiply(to_rgb(color), 255)).astype(int)
    return int((np.abs(drawn - wanted).max(axis=2) < 40).sum())


def test_two_models() -> None:
    """
    Curves, alarms, thresholds, labels and rejected images stand at their times.

    A chart is 9 s long: the second alarm and the label go on after it, and are cut off there; an
    event before it is left out. A rejected image takes no time, and has the narrowest bar of all:
    a thousandth of the axis.
    """
    times = [0.0, 1.0, 2.0, 3.0]
    axes = chart(Series('A', times, [0.1, None, 0.9, 0.2], [(2.0, 5.0)], (0.7, 0.4)),
                 Series('B', times, [0.5, None, 0.5, 0.6], [(1.0, 3.0), (8.0, 12.0)]),
                 lanes=[Lane('labeled fire', [(-3.0, -1.0), (1.5, 4.0), (8.0, 20.0)], 'orange'),
                        Lane('rejected', [(1.0, 1.0)], 'black')])
    one, other = (line for line in lines(axes) if len(line) == 4)
    assert (one[0], *one[2:]) == ((0.0, 0.1), (2.0, 0.9), (3.0, 0.2))
    assert math.isnan(one[1][1])
    assert other[3] == (3.0, 0.6)
    assert bars(axes, 'alarm A') == [(2.0, 5.0)]
    assert bars(axes, 'alarm B') == [(1.0, 3.0), (8.0, 9.0)]
    assert bars(axes, 'labeled fire') == [(1.5, 4.0), (8.0, 9.0)]
    assert bars(axes, 'rejected') == [(1.0, 1.009)]
    assert all(any([y for _, y in line] == [level, level] for line in lines(axes))
               for level in (0.7, 0.4))
    low, high = axes.get_ylim()
    assert low < axes.get_yticks().min()
    assert high > 1


@pytest.mark.parametrize(('times', 'probabilities'), [
    ([4.5], [0.5]),
    ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [None, None, None, None, 0.5, None, None, None, None, None]),
    # On both sides of it there is a gap: the median step is 0.1 s.
    ([0, .1, .2, .3, .4, 4.5, 8.6, 8.7, 8.8, 8.9], [None] * 5 + [0.5] + [None] * 4),
])
def test_single_predictions_can_be_seen(times: list[float],
                                        probabilities: list[float | None]) -> None:
    """A prediction without neighbors, which makes no line, is a dot; without it there is none."""
    assert pixels_of(chart(Series('', times, probabilities, [])), SERIES_COLORS[0]) >= 4
    nothing: list[float | None] = [None] * len(times)
    assert pixels_of(chart(Series('', times, nothing, [])), SERIES_COLORS[0]) == 0


def test_long_recordings_are_bounded() -> None:
    """Six hours at 10 Hz with an alarm in each second: some thousand points, no peak lost."""
    count = 6 * 3600 * 10
    values: list[float | None] = [0.1] * count
    values[123_456] = 0.97
    times = [index / 10 for index in range(count)]
    alarms = [(float(second), second + 0.5) for second in range(6 * 3600)]
    axes = chart(Series('', times, values, alarms), length=times[-1])
    assert max(map(len, lines(axes))) <= 4 * 501
    assert max(y for line in lines(axes) for _, y in line) == 0.97
    assert sum(len(collection.get_paths()) for collection in axes.collections) < 1100


def test_lines_end_at_gaps() -> None:
    """Steps of 1 s, one of 5 s and one back: a line ends there; three periods are no gap."""
    times, values = split_at_gaps(np.array([0., 1., 2., 5., 6., 11., 12., 3., 4.]),
                                  np.array([1., 2., NAN, 3., 4., 5., 6., 7., 8.]))
    assert times.tolist() == [0, 1, 2, 5, 6, 11, 11, 12, 3, 3, 4]
    assert [None if math.isnan(value) else value for value in values] == [
        1, 2, None, 3, 4, None, 5, 6, None, 7, 8]


def test_decimation_by_hand() -> None:
    """
    Of a column, the first, lowest, highest and last point are left, in their order.

    Eleven points in two columns, 0 to 0.5 and 0.5 to 1, of which the second begins with a NaN;
    the last point has a column of its own. What is left out is 5 at 0.2, and 5 at 0.6.
    """
    times = np.array([0., .1, .2, .3, .4, .5, .55, .6, .7, .8, 1.])
    values = np.array([5., 9., 5., 1., 6., NAN, 3., 5., 7., 4., 2.])
    kept_times, kept = decimate(times, values, 2)
    assert kept_times.tolist() == [0, .1, .3, .4, .5, .55, .7, .8, 1.]
    assert [None if math.isnan(value) else value for value in kept] == [
        5, 9, 1, 6, None, 3, 7, 4, 2]


@given(strategies.lists(strategies.floats(0, 1) | strategies.just(NAN), min_size=1, max_size=200),
       strategies.integers(1, 20))
def test_no_peak_is_lost(values: list[float], columns: int) -> None:
    """Highest and lowest stay, with at most four points a column; none is made up."""
    given_points = list(enumerate(values))
    times, kept = decimate(np.arange(len(values), dtype=float), np.array(values), columns)
    # The last point has a column of its own, on the right edge.
    assert len(kept) <= 4 * (columns + 1)
    assert set(times) <= {index for index, _ in given_points}
    known = [value for value in values if not math.isnan(value)]
    if known:
        assert (np.nanmin(kept), np.nanmax(kept)) == (min(known), max(known))


def test_close_intervals_are_joined() -> None:
    """Two that lie 0.5 s apart become one, those further apart do not."""
    assert merge_intervals([(5, 6), (0, 1), (1.5, 2), (3, 3), (8, 20), (-2, -1)], 0.5, 10) == [
        (0, 2), (3, 3), (5, 6), (8, 10)]
