# SPDX-License-Identifier: Apache-2.0
"""Plot images, probability and alarm of a demo over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fire_detector.replay.chart import draw_probability, FIRE_COLOR, Lane, plain_text, Series
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
import numpy as np
from numpy.typing import NDArray

THUMBNAILS = 8
# Seconds that the time axis has at least.
MIN_LENGTH = 1.0
MARKER_COLOR = '#1b1f23'


@dataclass(frozen=True)
class Recording:
    """
    One run of the demo.

    :ivar title: name of the images' source.
    :ivar series: the detector's predictions, at least one; times are in seconds since the first.
    :ivar images: times in seconds since the first prediction, each with the image published then:
        uint8 of shape (height, width, 3), in RGB order.
    :ivar fires: start and end, in seconds, of each fire in the scene where that is known.
    """

    title: str
    series: Series
    images: Sequence[tuple[float, NDArray[np.uint8]]]
    fires: Sequence[tuple[float, float]] = ()


def plot(recording: Recording, path: Path) -> None:
    """
    Draw images, probability and alarm over time.

    :param recording: of the demo.
    :param path: the PNG file to write.
    """
    figure = Figure(figsize=(12, 5.2), dpi=100, layout='constrained')
    rows = figure.add_gridspec(2, 1, height_ratios=(1, 2.2))
    times = _draw_images(figure, rows[0], recording.images)
    axes = figure.add_subplot(rows[1])
    lanes = [Lane('fire in the scene', recording.fires, FIRE_COLOR)] if recording.fires else []
    draw_probability(axes, [recording.series], lanes,
                     max(recording.series.times[-1], MIN_LENGTH))
    axes.set(xlabel='seconds since the first prediction', ylabel='fire probability')
    # Above the axes, where the images belong to.
    axes.plot(times, [1.08] * len(times), linestyle='', marker='^', color=MARKER_COLOR,
              markersize=5, clip_on=False)
    figure.suptitle(plain_text(recording.title))
    figure.savefig(path)


def _draw_images(figure: Figure, row: SubplotSpec,
                 images: Sequence[tuple[float, NDArray[np.uint8]]]) -> list[float]:
    """Draw a row of evenly spaced images; return their times."""
    count = min(THUMBNAILS, len(images))
    chosen = [images[round(index)] for index in np.linspace(0, len(images) - 1, count)]
    cells = row.subgridspec(1, THUMBNAILS)
    # Also cells without an image, or the layout of few collapses.
    axes = [figure.add_subplot(cells[index]) for index in range(THUMBNAILS)]
    for cell in axes:
        cell.set_axis_off()
    for cell, (time, image) in zip(axes, chosen, strict=False):
        cell.imshow(image)
        cell.set_title(f'{time:.1f} s', fontsize=9)
    return [time for time, _ in chosen]
