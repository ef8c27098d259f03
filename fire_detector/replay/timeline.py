# SPDX-License-Identifier: Apache-2.0
"""Write the predictions over time, as a table and as an image."""

from collections.abc import Iterator
import csv
from decimal import Decimal
from pathlib import Path

from fire_detector.replay.chart import draw_probability, find_axis, lanes_of, plain_text, series_of
from fire_detector.replay.records import Report, TopicReport
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Columns of the images, and of each model.
SHARED_COLUMNS = ('topic', 'stamp', 'received')
MODEL_COLUMNS = ('probability', 'alarm', 'reason', 'detail')
# Inches of a topic's part.
HEIGHT = 3.0


def write_csv(report: Report, path: Path) -> None:
    """
    Write a line for each image.

    The columns are topic, stamp, received, probability, alarm (0 or 1), reason and detail; with a
    second model, the last four again with `_2` behind their names. Stamps are in seconds, with the
    nine digits of their nanoseconds: as texts they are equal to those of the topic. Probabilities
    have all their digits; that of a rejected image is empty.
    """
    models = len(report.topics[0].runs)
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow([*SHARED_COLUMNS, *(
            f'{name}_{number}' if number > 1 else name
            for number in range(1, models + 1) for name in MODEL_COLUMNS)])
        for topic in report.topics:
            writer.writerows(_rows(topic))


def _rows(topic: TopicReport) -> Iterator[list[object]]:
    for predictions in zip(*(run.predictions for run in topic.runs), strict=True):
        row: list[object] = [topic.topic, _seconds(predictions[0].stamp),
                             _seconds(predictions[0].received)]
        for prediction in predictions:
            row += ['' if prediction.probability is None else repr(float(prediction.probability)),
                    int(prediction.alarm), prediction.reason, prediction.detail]
        yield row


def _seconds(nanoseconds: int) -> str:
    # Not by a float, which has no digits left for nanoseconds since 1970.
    return f'{Decimal(nanoseconds).scaleb(-9):.9f}'


def write_png(report: Report, path: Path) -> None:
    """Draw probabilities, alarms, labels and rejected images, a part for each topic."""
    figure = Figure(figsize=(12, 0.8 + HEIGHT * len(report.topics)), dpi=100,
                    layout='constrained')
    figure.suptitle(plain_text(report.source))
    parts = figure.subplots(len(report.topics), 1, squeeze=False)
    for axes, topic in zip(parts[:, 0], report.topics, strict=True):
        _draw(axes, topic)
    figure.savefig(path)


def _draw(axes: Axes, topic: TopicReport) -> None:
    axis = find_axis(topic)
    draw_probability(axes, series_of(topic, axis), lanes_of(topic, axis), axis.length)
    names = ', '.join(name for name, _ in topic.named_runs)
    axes.set(title=plain_text(f'{topic.topic} ({topic.message_type}), {names}'),
             xlabel=f'seconds since the first image ({"stamp" if axis.by_stamp else "received"} '
                    f'{axis.start / 1e9:.3f})')
    axes.legend(loc='center left', bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
