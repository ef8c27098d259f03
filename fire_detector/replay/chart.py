# SPDX-License-Identifier: Apache-2.0
"""Draw probability and alarm over time, for the timeline, the report and the demo."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fire_detector.detection.alarm import alarm_intervals
from fire_detector.replay.records import FIRE, longest_step, Prediction, Run, TopicReport
from matplotlib.axes import Axes
import numpy as np
from numpy.typing import NDArray

# Okabe and Ito's colors, which color-blind people can tell apart, darker where a line is thin
# (https://jfly.uni-koeln.de/color/). Names and dashes tell them apart, too.
SERIES_COLORS = ('#0072b2', '#b34700')
SERIES_DASHES = ('-', '--')
ALARM_COLOR, FIRE_COLOR, NOFIRE_COLOR, REJECTED_COLOR = '#d55e00', '#e69f00', '#8c959f', '#1b1f23'
# Part of the time axis that a bar takes at least.
NARROWEST = 1e-3
# Height of a lane below the curves, and the part of it that is filled.
LANE_HEIGHT, LANE_FILL = 0.12, 0.07
# Seconds that the time axis has at least.
MIN_LENGTH = 1e-3

# Seconds that stamps may span beyond the recording; with more, a clock was set, or a camera left
# some stamps at 0.
PLAUSIBLE_EXCESS = 3600.0

Interval = tuple[float, float]


@dataclass(frozen=True)
class TimeAxis:
    """
    Seconds since the first image of a topic.

    :ivar start: time of the first image, in nanoseconds: a stamp, or when it was recorded.
    :ivar length: seconds until the last image; above 0.
    :ivar by_stamp: whether times are stamps, and not those of the recorder.
    """

    start: int
    length: float
    by_stamp: bool

    def position(self, prediction: Prediction) -> float:
        """Return how many seconds after the start of the axis an image was taken."""
        return self.seconds(prediction.stamp if self.by_stamp else prediction.received)

    def seconds(self, time: int) -> float:
        """Return the seconds since the start of the axis."""
        return (time - self.start) / 1e9


def find_axis(topic: TopicReport) -> TimeAxis:
    """
    Return the axis of a topic: its stamps, or where they are not plausible, the time of recording.

    Labels do not lengthen it: they may be of a longer recording.
    """
    stamps = [prediction.stamp for prediction in topic.predictions]
    received = [prediction.received for prediction in topic.predictions]
    length, recorded = ((max(times) - min(times)) / 1e9 for times in (stamps, received))
    by_stamp = not (length == 0 < recorded or length > 2 * recorded + PLAUSIBLE_EXCESS)
    # One image alone has no length.
    return (TimeAxis(min(stamps), length or 1.0, True) if by_stamp
            else TimeAxis(min(received), recorded or 1.0, False))


@dataclass(frozen=True)
class Series:
    """
    The predictions of one model.

    :ivar letter: that names the model in the chart; '' where there is one model only.
    :ivar times: of the images, in seconds since the start of the axis.
    :ivar probabilities: of fire, 0..1; None where the image was rejected.
    :ivar alarms: start and end of each alarm, in seconds since the start of the axis.
    :ivar thresholds: of the alarm, 0..1.
    """

    letter: str
    times: Sequence[float]
    probabilities: Sequence[float | None]
    alarms: Sequence[Interval]
    thresholds: Sequence[float] = ()


@dataclass(frozen=True)
class Lane:
    """
    A row of bars below the curves.

    :ivar name: of the lane, written on the left.
    :ivar intervals: start and end of each bar, in seconds since the start of the axis.
    :ivar color: of the bars, as matplotlib reads it.
    """

    name: str
    intervals: Sequence[Interval]
    color: str


def draw_probability(axes: Axes, series: Sequence[Series], lanes: Sequence[Lane],
                     length: float) -> None:
    """
    Draw the probability of fire over time, with alarms, thresholds, events and rejected images.

    :param axes: to draw on.
    :param series: one or two models' predictions of the same images.
    :param lanes: labeled events and rejected images, from top to bottom; those of the alarms
        follow.
    :param length: of the time axis, in seconds.
    """
    length = max(length, MIN_LENGTH)
    lanes = list(lanes)
    for index, model in enumerate(series):
        color = SERIES_COLORS[index % len(SERIES_COLORS)]
        alarm_color = color if len(series) > 1 else ALARM_COLOR
        _draw_series(axes, model, color, SERIES_DASHES[index % len(SERIES_DASHES)])
        lanes.append(Lane(f'alarm {model.letter}'.strip(), model.alarms, alarm_color))
        _draw_bars(axes, model.alarms, (0.0, 1.0), length, alarm_color, alpha=0.2)
    lows = [-LANE_HEIGHT * (number + 1.2) for number in range(len(lanes))]
    for lane, low in zip(lanes, lows, strict=True):
        _draw_bars(axes, lane.intervals, (low, LANE_FILL), length, lane.color)
    levels = (0.0, 0.25, 0.5, 0.75, 1.0)
    names = [f'{100 * level:.0f} %' for level in levels]
    names += [plain_text(lane.name) for lane in lanes]
    axes.set_yticks([*levels, *(low + LANE_FILL / 2 for low in lows)], names)
    axes.set(xlim=(0, length), ylim=(-LANE_HEIGHT * (len(lanes) + 0.5), 1.02))
    axes.grid(axis='x', alpha=0.3)
    axes.hlines(levels, 0, length, color='gray', alpha=0.3, linewidth=0.8)


def _draw_series(axes: Axes, series: Series, color: str, dash: str) -> None:
    times, values = split_at_gaps(
        np.array(series.times, float), np.array(series.probabilities, float))
    axes.plot(times, values, color=color, linestyle=dash, linewidth=1.4,
              label=f'fire probability {series.letter}'.strip())
    # A single prediction between two rejected images makes no line.
    known = np.pad(~np.isnan(values), 1)
    alone = known[1:-1] & ~known[:-2] & ~known[2:]
    dots, = axes.plot(times[alone], values[alone], color=color, linestyle='', marker='.',
                      markersize=6, clip_on=False)
    # Or matplotlib makes room for a line without points in the corner of the figure.
    dots.set_in_layout(False)
    for number, threshold in enumerate(series.thresholds):
        axes.axhline(threshold, color=color, linewidth=1.2, linestyle=':',
                     label='' if number else f'thresholds {series.letter}'.strip())


def _draw_bars(axes: Axes, intervals: Iterable[Interval], y: Interval, length: float,
               color: str, alpha: float = 1.0) -> None:
    """Draw intervals of time, none of them too narrow to be seen."""
    narrowest = NARROWEST * length
    bars = [(start, max(end - start, narrowest))
            for start, end in merge_intervals(intervals, narrowest, length)]
    axes.broken_barh(bars, y, linewidth=0, color=color, alpha=alpha)


def merge_intervals(intervals: Iterable[Interval], distance: float,
                    length: float) -> list[Interval]:
    """
    Join intervals that lie closer together than can be seen, so that a chart has not too many.

    :param intervals: start and end of each.
    :param distance: up to which two are joined, in seconds.
    :param length: of the axis, in seconds; what lies outside of it is left out.
    :return: the intervals in order.
    """
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if end < 0 or start > length:
            continue
        start, end = max(start, 0.0), min(end, length)
        if merged and start - merged[-1][1] <= distance:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


Values = NDArray[np.float64]


def split_at_gaps(times: Values, values: Values) -> tuple[Values, Values]:
    """
    Put a NaN before each image after a gap, and where time goes back: no line is drawn across.

    :param times: of the images, in seconds.
    :param values: as many; NaN where there is none.
    """
    steps = np.diff(times)
    breaks = 1 + np.flatnonzero((steps < 0) | (steps > longest_step(times.tolist())))
    return np.insert(times, breaks, times[breaks]), np.insert(values, breaks, np.nan)


def series_of(topic: TopicReport, axis: TimeAxis) -> list[Series]:
    """Return the series of each model."""
    return [_series(letter, run, axis)
            for letter, run in zip(topic.letters, topic.runs, strict=True)]


def _series(letter: str, run: Run, axis: TimeAxis) -> Series:
    times = [axis.position(prediction) for prediction in run.predictions]
    alarms = alarm_intervals(
        zip(times, (prediction.alarm for prediction in run.predictions), strict=True), axis.length)
    return Series(letter, times, [prediction.probability for prediction in run.predictions],
                  alarms, run.thresholds)


def lanes_of(topic: TopicReport, axis: TimeAxis) -> list[Lane]:
    """List labeled events, where the axis is that of their stamps, and rejected images."""
    labels = topic.runs[0].labels if axis.by_stamp else None
    events = labels.events if labels else ()
    lanes = [Lane(f'labeled {label}', [
        (axis.seconds(event.start), axis.seconds(event.end))
        for event in events if event.label == label],
        FIRE_COLOR if label == FIRE else NOFIRE_COLOR)
        for label in sorted({event.label for event in events})]
    rejected = [axis.position(prediction) for prediction in topic.predictions
                if prediction.probability is None]
    if rejected:
        lanes.append(Lane('rejected', [(time, time) for time in rejected], REJECTED_COLOR))
    return lanes


def plain_text(name: str) -> str:
    """Return a name such that matplotlib draws it: no formula, and escapes for odd bytes."""
    return name.replace('$', r'\$').encode('utf-8', 'backslashreplace').decode('utf-8')
