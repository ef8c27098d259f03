# SPDX-License-Identifier: Apache-2.0
"""The chart of probability and alarm: what is drawn, and that it can be seen."""

from collections.abc import Sequence
import math
from typing import cast

from fire_detector.replay.chart import (
    draw_probability,
    Lane,
    merge_intervals,
    Series,
    SERIES_COLORS,
    split_at_gaps,
)
from fire_detector.replay.report.images import SIMPLIFY_THRESHOLD
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
import numpy as np
from numpy.typing import NDArray
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


def rows_of(axes: Axes, color: str = SERIES_COLORS[0]) -> NDArray[np.intp]:
    """Return the row of each pixel of a color, in the image that is drawn."""
    canvas = FigureCanvasAgg(cast(Figure, axes.figure))
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    expected = np.round(np.multiply(to_rgb(color), 255)).astype(int)
    return np.nonzero(np.abs(drawn - expected).max(axis=2) < 40)[0]


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


@pytest.mark.filterwarnings('error')
def test_charts_fill_a_figure() -> None:
    """Of a figure of two charts, their axes with names and numbers around them take most."""
    figure = Figure(figsize=(12, 6), layout='constrained')
    for axes in figure.subplots(2):
        draw_probability(axes, [Series('', [0.0, 1.0], [0.5, 0.6], [])], [], 1.0)
    FigureCanvasAgg(figure).draw()
    assert all(axes.get_position().height > 0.4 for axes in figure.axes)
    assert all(axes.get_position().x0 < 0.08 for axes in figure.axes)


@pytest.mark.parametrize(('times', 'probabilities'), [
    ([4.5], [0.5]),
    ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [None, None, None, None, 0.5, None, None, None, None, None]),
    # On both sides of it there is a gap: the median step is 0.1 s.
    ([0, .1, .2, .3, .4, 4.5, 8.6, 8.7, 8.8, 8.9], [None] * 5 + [0.5] + [None] * 4),
])
def test_single_predictions_can_be_seen(times: list[float],
                                        probabilities: list[float | None]) -> None:
    """A prediction without neighbors, which makes no line, is a dot; without it there is none."""
    assert len(rows_of(chart(Series('', times, probabilities, [])))) >= 4
    nothing: list[float | None] = [None] * len(times)
    assert len(rows_of(chart(Series('', times, nothing, [])))) == 0


@pytest.mark.parametrize('threshold', [1 / 9, SIMPLIFY_THRESHOLD])
def test_peak_of_a_long_recording(threshold: float) -> None:
    """Six hours at 10 Hz: a single image with a high probability is drawn, at its height."""
    count = 6 * 3600 * 10
    values: list[float | None] = [0.1] * count
    times = [index / 10 for index in range(count)]
    with rc_context({'path.simplify_threshold': threshold}):
        assert rows_of(chart(Series('', times, values, []), length=times[-1])).min() > 100
        values[123_456] = 0.97
        axes = chart(Series('', times, values, []), length=times[-1])
        # From the upper edge of the image, which is 300 pixels high.
        expected = 300 - axes.transData.transform((0, 0.97))[1]
        assert rows_of(axes).min() == pytest.approx(expected, abs=2)


def test_many_alarms_are_joined() -> None:
    """Six hours with an alarm in each second: no more bars than pixels."""
    alarms = [(float(second), second + 0.5) for second in range(6 * 3600)]
    axes = chart(Series('', [0.0], [0.1], alarms), length=6 * 3600)
    assert sum(len(collection.get_paths()) for collection in axes.collections) < 1100


def test_lines_end_at_gaps() -> None:
    """Steps of 1 s, one of 5 s and one back: a line ends there; three periods are no gap."""
    times, values = split_at_gaps(np.array([0., 1., 2., 5., 6., 11., 12., 3., 4.]),
                                  np.array([1., 2., NAN, 3., 4., 5., 6., 7., 8.]))
    assert times.tolist() == [0, 1, 2, 5, 6, 11, 11, 12, 3, 3, 4]
    assert [None if math.isnan(value) else value for value in values] == [
        1, 2, None, 3, 4, None, 5, 6, None, 7, 8]


def test_close_intervals_are_joined() -> None:
    """Two that lie 0.5 s apart become one, those further apart do not."""
    assert merge_intervals([(5, 6), (0, 1), (1.5, 2), (3, 3), (8, 20), (-2, -1)], 0.5, 10) == [
        (0, 2), (3, 3), (5, 6), (8, 10)]
