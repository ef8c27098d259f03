# SPDX-License-Identifier: Apache-2.0
"""Sum up several recordings in one table."""

from collections.abc import Iterator, Sequence
import csv
from pathlib import Path
from statistics import median

from fire_detector.cli.command_line import padded
from fire_detector.replay.recording import Outcome
from fire_detector.replay.records import LabelFigures, Report, Run, TopicReport

COLUMNS = (
    'recording', 'topic', 'model', 'images', 'rejected', 'duration_s', 'alarms',
    'first_alarm_s', 'highest', 'fires', 'missed', 'time_to_alarm_s', 'false_alarms',
    'false_alarms_per_hour', 'times_real_time', 'problems', 'report')
# Those that are not printed: a table must fit on a screen.
NOT_PRINTED = ('fires', 'false_alarms_per_hour', 'times_real_time', 'report')
LABELED = ('fires', 'missed', 'time_to_alarm_s', 'false_alarms', 'false_alarms_per_hour')

Row = dict[str, str]


def summarize(outcomes: Sequence[Outcome]) -> list[Row]:
    """
    Return a row for each model on each topic of each recording, and one for each without a topic.

    A cell is empty where there is no value. `first_alarm_s` counts from the first image,
    `time_to_alarm_s` is the median of the fires that were not missed.
    """
    return [row for outcome in outcomes for row in _rows(outcome)]


def write_summary(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def format_table(rows: Sequence[Row]) -> str:
    """Align the rows in columns; those of labels are left out where there are none."""
    columns = [name for name in COLUMNS if name not in NOT_PRINTED
               and (name not in LABELED or any(row[name] for row in rows))]
    return '\n'.join('  '.join(line).rstrip() for line in padded(
        [columns, *([row[name] for name in columns] for row in rows)]))


def _rows(outcome: Outcome) -> Iterator[Row]:
    shared = {'recording': str(outcome.task.path), 'problems': str(len(outcome.problems))}
    if outcome.report is None:
        yield dict.fromkeys(COLUMNS, '') | shared
        return
    shared['report'] = str(outcome.task.out / 'report.html')
    for topic in outcome.report.topics:
        for run in topic.runs:
            yield (dict.fromkeys(COLUMNS, '') | shared | _run_cells(outcome.report, topic, run)
                   | ({} if run.labels is None else _label_cells(run.labels)))


def _run_cells(report: Report, topic: TopicReport, run: Run) -> Row:
    begin = min(prediction.stamp for prediction in run.predictions)
    return {
        'topic': topic.topic,
        'model': run.name,
        'images': str(len(run.predictions)),
        'rejected': str(run.rejected),
        'duration_s': f'{topic.duration:.1f}',
        'alarms': str(len(run.alarms)),
        'first_alarm_s': f'{(run.alarms[0].start - begin) / 1e9:.2f}' if run.alarms else '',
        'highest': f'{run.highest.probability:.3f}' if run.highest else '',
        'times_real_time': f'{topic.duration / report.processed_in:.1f}'
        if report.processed_in > 0 else ''}


def _label_cells(labels: LabelFigures) -> Row:
    times = [event.time_to_alarm for event in labels.events if event.time_to_alarm is not None]
    rate = labels.false_alarms_per_hour
    return {
        'fires': str(len(times) + labels.missed),
        'missed': str(labels.missed),
        'time_to_alarm_s': f'{median(times):.2f}' if times else '',
        'false_alarms': str(labels.false_alarms),
        'false_alarms_per_hour': '' if rate is None else f'{rate:.2f}'}
