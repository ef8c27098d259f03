# SPDX-License-Identifier: Apache-2.0
"""Encode the images and charts of a report."""

from base64 import b64encode
import io
import re

from fire_detector.replay.chart import draw_probability, lanes_of, series_of, TimeAxis
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


def choose_images(report: Report) -> frozenset[Snapshot]:
    """
    Return the images that a page can hold, the same number of each run as far as there are.

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


def encode_images(run: Run, chosen: frozenset[Snapshot],
                  axis: TimeAxis) -> list[tuple[Prediction, list[str], str]]:
    """
    Return the chosen images of a run, in order of time.

    :return: the prediction for each, its kinds (RAISED, CLEARED, HIGHEST, DOUBTFUL), and a JPEG
        file as a data: URI.
    """
    kinds: dict[tuple[Prediction, bytes], list[str]] = {}
    for snapshot in run.snapshots:
        if snapshot in chosen:
            kinds.setdefault((snapshot.prediction, snapshot.jpeg), []).append(snapshot.kind)
    return [(prediction, reasons, _data_uri('image/jpeg', jpeg))
            for (prediction, jpeg), reasons in sorted(
                kinds.items(), key=lambda entry: axis.position(entry[0][0]))]


def draw_charts(topic: TopicReport, axis: TimeAxis) -> tuple[str, str]:
    """Draw the chart of a topic for wide and for narrow screens: SVG files, as data: URIs."""
    return _draw_chart(topic, axis, *WIDE), _draw_chart(topic, axis, *NARROW)


def _draw_chart(topic: TopicReport, axis: TimeAxis, width: int, height: int, font: int) -> str:
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
