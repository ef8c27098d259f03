# SPDX-License-Identifier: Apache-2.0
"""Plot what the detector answered over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fire_detector.detection.alarm import alarm_intervals as intervals
from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np
from numpy.typing import NDArray

THUMBNAILS = 8
# Seconds that the axis of time has at least.
SHORTEST = 1.0
FIRE_COLOR = '#f4a259'
ALARM_COLOR = '#c1121f'
LINE_COLOR = '#22333b'


@dataclass(frozen=True)
class TimedAnswer:
    """
    One answer of the detector.

    :ivar time: seconds since the first answer.
    :ivar probability: of fire, 0..1.
    :ivar alarm: whether the alarm was raised.
    """

    time: float
    probability: float
    alarm: bool


@dataclass(frozen=True)
class Recording:
    """
    What was shown and answered in one run.

    :ivar title: what was shown.
    :ivar answers: the detector's answers, in order; at least one.
    :ivar images: times in seconds since the first answer, each with the image published then:
        uint8 of shape (height, width, 3), in RGB order.
    :ivar fires: start and end, in seconds, of each fire in the scene where that is known.
    """

    title: str
    answers: Sequence[TimedAnswer]
    images: Sequence[tuple[float, NDArray[np.uint8]]]
    fires: Sequence[tuple[float, float]] = ()


def alarm_intervals(answers: Sequence[TimedAnswer]) -> list[tuple[float, float]]:
    """
    List when the alarm was raised and when it was cleared.

    :param answers: the detector's answers, in order.
    :return: start and end in seconds of each alarm; one that was never cleared ends with the
        last answer.
    """
    return intervals(((answer.time, answer.alarm) for answer in answers),
                            answers[-1].time if answers else 0.0)


def plot(recording: Recording, path: Path) -> None:
    """
    Draw images, probability and alarm over time.

    :param recording: what was shown and answered.
    :param path: the PNG file to write.
    """
    figure = Figure(figsize=(12, 5.2), dpi=100, layout='constrained')
    rows = figure.add_gridspec(2, 1, height_ratios=(1, 2.2))
    times = _draw_images(figure, rows[0], recording)
    axes = figure.add_subplot(rows[1])
    _draw_curve(axes, recording)
    axes.plot(times, [1.05] * len(times), linestyle='', marker='^', color=LINE_COLOR,
              markersize=5, clip_on=False)
    figure.suptitle(recording.title)
    figure.savefig(path)


def _draw_images(figure: Figure, row: object, recording: Recording) -> list[float]:
    """Draw a row of evenly spaced images; return their times."""
    images = recording.images
    count = min(THUMBNAILS, len(images))
    chosen = [images[round(index)] for index in np.linspace(0, len(images) - 1, count)]
    cells = row.subgridspec(1, THUMBNAILS)  # type: ignore[attr-defined]
    # Also cells without an image, or the layout of few collapses.
    axes = [figure.add_subplot(cells[index]) for index in range(THUMBNAILS)]
    for cell in axes[count:]:
        cell.set_axis_off()
    for cell, (time, image) in zip(axes, chosen, strict=False):
        cell.imshow(image)
        cell.set_title(f'{time:.1f} s', fontsize=9)
        cell.set_axis_off()
    return [time for time, _ in chosen]


def _draw_curve(axes: Axes, recording: Recording) -> None:
    times = [answer.time for answer in recording.answers]
    for index, (start, end) in enumerate(recording.fires):
        axes.axvspan(start, end, color=FIRE_COLOR, alpha=0.35, linewidth=0,
                     label='' if index else 'a fire burns in the scene')
    for index, (start, end) in enumerate(alarm_intervals(recording.answers)):
        axes.axvspan(start, end, ymax=0.04, color=ALARM_COLOR, linewidth=0,
                     label='' if index else 'alarm raised')
    axes.plot(times, [answer.probability for answer in recording.answers], color=LINE_COLOR,
              linewidth=1.2, marker='.' if len(times) == 1 else '', label='fire probability')
    axes.set(xlim=(0, max(times[-1], SHORTEST)), ylim=(0, 1.02), xlabel='time in seconds',
             ylabel='fire probability')
    axes.grid(alpha=0.3)
    axes.legend(loc='upper center', bbox_to_anchor=(0.5, -0.15), ncol=3, frameon=False)
