# SPDX-License-Identifier: Apache-2.0
"""Collect the contents of a report, independent of HTML."""

from base64 import b64encode
from dataclasses import dataclass
import io
import re

from fire_detector.replay.axis import find_axis, TimeAxis
from fire_detector.replay.chart import draw_probability, lanes_of, series_of
from fire_detector.replay.records import (
    DOUBTFUL,
    HIGHEST,
    Prediction,
    Report,
    Run,
    Snapshot,
    TopicReport,
)
from matplotlib import rc_context
from matplotlib.figure import Figure

# Bytes of JPEG files in one page; in base64 they take a third more.
IMAGE_BUDGET = 1_800_000
# Width, height and size of the letters of a chart, in points that are a screen's pixels where it
# is as wide as a page, and as a phone.
WIDE, NARROW = (960, 320, 12), (400, 340, 13)
# Pixels by which the line of a long recording may be off; no peak is lost.
SIMPLIFY_THRESHOLD = 0.5


@dataclass(frozen=True)
class ShownImage:
    """
    An image of a run.

    :ivar prediction: for the image.
    :ivar kinds: why it is shown: RAISED, CLEARED, HIGHEST, DOUBTFUL.
    :ivar uri: a JPEG file, as a data: URI.
    """

    prediction: Prediction
    kinds: tuple[str, ...]
    uri: str


@dataclass(frozen=True)
class RunView:
    """
    The part of a report on one model and topic.

    :ivar name: of the model, after its letter where there are two.
    :ivar run: its results.
    :ivar images: in order of time.
    :ivar images_left_out: number of images for which the page has no room.
    """

    name: str
    run: Run
    images: tuple[ShownImage, ...]
    images_left_out: int


@dataclass(frozen=True)
class TopicView:
    """
    The part of a report on one topic.

    :ivar topic: its results.
    :ivar axis: of time.
    :ivar charts: of the probabilities, for wide and for narrow screens: SVG files, as data: URIs.
    :ivar runs: one for each model.
    """

    topic: TopicReport
    axis: TimeAxis
    charts: tuple[str, str]
    runs: tuple[RunView, ...]


def view_topics(report: Report) -> list[TopicView]:
    """Return the part of a report on each topic."""
    chosen = choose_images(report)
    views = []
    for topic in report.topics:
        axis = find_axis(topic)
        views.append(TopicView(
            topic, axis, (_draw_chart(topic, axis, *WIDE), _draw_chart(topic, axis, *NARROW)),
            tuple(_view_run(name, run, chosen, axis)
                  for name, run in zip(topic.names, topic.runs, strict=True))))
    return views


def choose_images(report: Report) -> frozenset[Snapshot]:
    """
    Choose the images that a page can hold, the same number of each run as far as there are.

    The highest and the most doubtful come first, then alarms as they follow each other.
    """
    queues = [sorted(run.snapshots, key=lambda snapshot: snapshot.kind not in (HIGHEST, DOUBTFUL))
              for topic in report.topics for run in topic.runs]
    chosen: set[Snapshot] = set()
    used = 0
    for rank in range(max(map(len, queues), default=0)):
        for snapshot in (queue[rank] for queue in queues if rank < len(queue)):
            used += len(snapshot.jpeg)
            if used > IMAGE_BUDGET:
                return frozenset(chosen)
            chosen.add(snapshot)
    return frozenset(chosen)


def _view_run(name: str, run: Run, chosen: frozenset[Snapshot], axis: TimeAxis) -> RunView:
    shown = sorted((snapshot for snapshot in run.snapshots if snapshot in chosen),
                   key=lambda snapshot: axis.position(snapshot.prediction))
    # An image may be there for two reasons.
    kinds: dict[tuple[Prediction, bytes], tuple[str, ...]] = {}
    for snapshot in shown:
        key = snapshot.prediction, snapshot.jpeg
        kinds[key] = (*kinds.get(key, ()), snapshot.kind)
    return RunView(name, run, tuple(
        ShownImage(prediction, reasons, _data_uri('image/jpeg', jpeg))
        for (prediction, jpeg), reasons in kinds.items()),
        len(run.snapshots) - len(shown))


def _draw_chart(topic: TopicReport, axis: TimeAxis, width: int, height: int, font: int) -> str:
    """Draw probabilities, alarms, labels and rejected images as a transparent SVG file."""
    file = io.StringIO()
    # Letters as text, of which a page with many topics takes less than as outlines.
    with rc_context({'svg.fonttype': 'none', 'svg.hashsalt': 'report', 'font.size': font,
                     'path.simplify_threshold': SIMPLIFY_THRESHOLD}):
        figure = Figure(figsize=(width / 72, height / 72), layout='constrained')
        axes = figure.subplots()
        series = series_of(topic, axis)
        draw_probability(axes, series, lanes_of(topic, axis), axis.length)
        axes.set_xlabel('seconds since the first image')
        axes.legend(loc='lower center', bbox_to_anchor=(0.5, 1.0), frameon=False,
                    ncol=2 * len(series) if width > NARROW[0] else 2)
        figure.savefig(file, format='svg', transparent=True, metadata={'Date': None})
    # Tenths of a pixel are enough.
    drawing = re.sub(r'(\.\d)\d+', r'\1', file.getvalue()).replace(' \nL ', 'L')
    return _data_uri('image/svg+xml', drawing.encode())


def _data_uri(kind: str, data: bytes) -> str:
    return f'data:{kind};base64,{b64encode(data).decode()}'
