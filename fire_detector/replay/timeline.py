# SPDX-License-Identifier: Apache-2.0
"""Write what was answered over time, as a table and as an image."""

from collections.abc import Iterator, Sequence
import csv
from pathlib import Path

from fire_detector.replay.records import AlarmEvent, FIRE, Report, Run, TopicReport
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's, which people tell apart however they see colors; each with its own dash, too.
COLORS = ('#0072B2', '#D55E00')
DASHES = ('-', '--')
FIRE_COLOR, NOFIRE_COLOR, REJECTED_COLOR = '#E69F00', '#999999', '#000000'
# Columns of each model, and of the images.
SHARED_COLUMNS = ('topic', 'stamp', 'received')
MODEL_COLUMNS = ('probability', 'alarm', 'reason', 'detail')
# Inches of a topic's part.
HEIGHT = 3.0


def write_csv(report: Report, path: Path) -> None:
    """
    Write a line for each image.

    The columns are topic, stamp, received, probability, alarm (0 or 1), reason and detail; with a
    second model, the last four again with `_2` behind their names. Probabilities have all their
    digits; that of a rejected image is empty.
    """
    models = max((len(topic.runs) for topic in report.topics), default=1)
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow([*SHARED_COLUMNS, *(
            f'{name}_{number}' if number > 1 else name
            for number in range(1, models + 1) for name in MODEL_COLUMNS)])
        for topic in report.topics:
            writer.writerows(_rows(topic))


def _rows(topic: TopicReport) -> Iterator[list[object]]:
    for predictions in zip(*(run.predictions for run in topic.runs), strict=True):
        row: list[object] = [topic.topic, f'{predictions[0].stamp:.9f}', f'{predictions[0].received:.9f}']
        for answer in predictions:
            row += ['' if answer.probability is None else repr(float(answer.probability)),
                    int(answer.alarm), answer.reason, answer.detail]
        yield row


def write_png(report: Report, path: Path) -> None:
    """Draw probabilities, alarms, labels and rejected images, a part for each topic."""
    figure = Figure(figsize=(12, 0.8 + HEIGHT * max(1, len(report.topics))), dpi=100,
                    layout='constrained')
    figure.suptitle(report.source)
    parts = figure.subplots(max(1, len(report.topics)), 1, squeeze=False)
    for axes, topic in zip(parts[:, 0], report.topics, strict=False):
        _draw(axes, topic)
    figure.savefig(path)


def _draw(axes: Axes, topic: TopicReport) -> None:
    predictions = topic.runs[0].predictions
    begin = min((answer.stamp for answer in predictions), default=0.0)
    end = max((answer.stamp for answer in predictions), default=0.0)
    for number, run in enumerate(topic.runs):
        _draw_run(axes, run, number, begin, end)
    labels = topic.runs[0].labels
    for event in labels.events if labels else ():
        fire = event.label == FIRE
        axes.axvspan(event.start - begin, event.end - begin, linewidth=0, alpha=0.25,
                     color=FIRE_COLOR if fire else NOFIRE_COLOR, hatch='//' if fire else '..',
                     label=f'labeled {event.label}')
    rejected = [answer.stamp - begin for answer in predictions if answer.reason]
    if rejected:
        axes.plot(rejected, [1.0] * len(rejected), linestyle='', marker='x',
                  color=REJECTED_COLOR, label='rejected', clip_on=False)
    axes.set(title=f'{topic.topic} ({topic.message_type})', ylim=(-0.12, 1.02),
             yticks=(0, 0.2, 0.4, 0.6, 0.8, 1),
             xlim=(0, max(end - begin, 1e-3)), ylabel='fire probability',
             xlabel=f'seconds since the first image (stamp {begin:.3f})')
    axes.grid(alpha=0.3)
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    axes.legend(unique.values(), unique.keys(), loc='center left', bbox_to_anchor=(1.0, 0.5),
                frameon=False, fontsize=8)


def _draw_run(axes: Axes, run: Run, number: int, begin: float, end: float) -> None:
    color, dash = COLORS[number % len(COLORS)], DASHES[number % len(DASHES)]
    times = [answer.stamp - begin for answer in run.predictions]
    # A break in the line where an image was rejected.
    axes.plot(times, [float('nan') if answer.probability is None else answer.probability
                      for answer in run.predictions],
              color=color, linestyle=dash, linewidth=1.2, label=f'{run.model} {run.model_version}')
    low = -0.05 * (number + 1)
    axes.broken_barh(_spans(run.alarms, begin, end), (low, 0.04), facecolors=color, linewidth=0,
                     label=f'alarm, {run.model}')
    for name, value in run.settings:
        if name == 'on_threshold':
            axes.axhline(float(value), color=color, linewidth=0.8, linestyle=':')


def _spans(alarms: Sequence[AlarmEvent], begin: float, end: float) -> list[tuple[float, float]]:
    return [(alarm.start - begin, max((end if alarm.end is None else alarm.end) - alarm.start, 0))
            for alarm in alarms]
