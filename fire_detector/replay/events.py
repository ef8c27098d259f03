# SPDX-License-Identifier: Apache-2.0
"""Find the alarms in a series of predictions, and measure them against labels."""

from collections.abc import Sequence
import csv
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from statistics import median

from fire_detector.detection.alarm import alarm_intervals
from fire_detector.replay.records import (
    AlarmEvent,
    EVENT_LABELS,
    FIRE,
    FIRST_STAMP,
    LabeledEvent,
    LabelFigures,
    NOFIRE,
    Prediction,
)

COLUMNS = ('start', 'end', 'label')


class LabelsError(ValueError):
    """Report a file of labels that cannot be used."""


def alarm_events(predictions: Sequence[Prediction]) -> tuple[AlarmEvent, ...]:
    """List the alarms, each from the image that raised it to the one that cleared it."""
    processed = _processed(predictions)
    intervals = alarm_intervals(((index, prediction.alarm)
                                 for index, prediction in enumerate(processed)), len(processed))
    return tuple(
        AlarmEvent(processed[first].stamp,
                   processed[end].stamp if end < len(processed) else None,
                   max(prediction.probability or 0.0 for prediction in processed[first:end]))
        for first, end in ((int(first), int(end)) for first, end in intervals))


def _processed(predictions: Sequence[Prediction]) -> list[Prediction]:
    return [prediction for prediction in predictions if prediction.probability is not None]


def read_labels(path: Path) -> tuple[LabeledEvent, ...]:
    """
    Read a file of labels.

    :param path: a CSV file with the columns start, end and label. Times are in seconds: below
        FIRST_STAMP since the first image of the topic, others are stamps as recorded.
    :raises LabelsError: when it cannot be read; the message names the line.
    """
    try:
        with path.open(newline='', encoding='utf-8-sig') as file:
            reader = csv.DictReader(file)
            if missing := set(COLUMNS) - set(reader.fieldnames or ()):
                raise LabelsError(f'{path}: there is no column {min(missing)}; the first line '
                                  f'must be {",".join(COLUMNS)}')
            labels = [_label(row, f'{path}, line {reader.line_num}') for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelsError(f'{path}: cannot be read as a CSV file: {error}') from error
    if not labels:
        raise LabelsError(f'{path}: no event in it')
    if len({label.is_relative for label in labels}) > 1:
        raise LabelsError(f'{path}: some times are stamps and some are seconds since the first '
                          f'image (below {FIRST_STAMP / 1e9:g}): write all of them in one way')
    return tuple(sorted(labels, key=lambda label: label.start))


def _label(row: dict[str, str], where: str) -> LabeledEvent:
    try:
        start, end = nanoseconds(row['start']), nanoseconds(row['end'])
    except (TypeError, ArithmeticError, ValueError):
        raise LabelsError(f'{where}: start {row["start"]!r} and end {row["end"]!r} are not both '
                          f'numbers of seconds') from None
    label = (row['label'] or '').strip()
    if label not in EVENT_LABELS:
        raise LabelsError(f'{where}: label {label!r} is not one of {EVENT_LABELS}')
    if not 0 <= start < end:
        raise LabelsError(f'{where}: start {row["start"]} is not below end {row["end"]}, or '
                          f'negative')
    return LabeledEvent(start, end, label)


def nanoseconds(text: str) -> int:
    """
    Return the nanoseconds of a number of seconds, with all its digits.

    :raises ArithmeticError: when it is no number.
    :raises ValueError: when it is not finite.
    """
    return round(Decimal(text).scaleb(9))


def label_figures(predictions: Sequence[Prediction],
                  labels: Sequence[LabeledEvent]) -> LabelFigures:
    """
    Measure the alarms of one topic against labels.

    A fire's time to alarm is counted from its start; where the alarm was raised already it is 0.
    A fire is missed where there is no alarm before its end. Time without fire is the time that is
    labeled so; without such labels, all time that is not labeled fire. The time that the alarm of
    a fire takes to clear after it is neither. An image covers the time until the next one, the
    last image a median period. An alarm that is raised in time without fire is false.

    :param predictions: in the order of the images.
    :param labels: with stamps, or times since the first image; those without an image in them
        are left out.
    """
    first = min((prediction.stamp for prediction in predictions), default=0)
    processed = _processed(predictions)
    met = [label for label in (label.with_stamps(first) for label in labels)
           if any(label.contains(prediction) for prediction in processed)]
    events = tuple(replace(label, time_to_alarm=_time_to_alarm(label, processed))
                   for label in met)
    false_alarms, seconds = _false_alarms(processed, met)
    return LabelFigures(
        events, sum(event.label == FIRE and event.time_to_alarm is None for event in events),
        false_alarms, 3600 * false_alarms / seconds if seconds > 0 else None)


def _time_to_alarm(label: LabeledEvent, processed: Sequence[Prediction]) -> float | None:
    within = [prediction for prediction in processed if label.contains(prediction)]
    raised = [prediction.stamp for prediction in within if prediction.alarm]
    if label.label != FIRE or not raised:
        return None
    before = [prediction.alarm for prediction in processed if prediction.stamp < label.start]
    is_early = within[0].alarm and bool(before) and before[-1]
    return 0.0 if is_early else (raised[0] - label.start) / 1e9


def _false_alarms(processed: Sequence[Prediction],
                  labels: Sequence[LabeledEvent]) -> tuple[int, float]:
    """Return the number of alarms raised in time without fire, and the seconds of that time."""
    fires = [label for label in labels if label.label == FIRE]
    calm = [label for label in labels if label.label == NOFIRE]
    steps = [after.stamp - before.stamp for before, after in pairwise(processed)]
    false_alarms, covered = 0, 0.0
    was_raised, of_fire = False, False
    for prediction, step in zip(processed, [*steps, median(steps) if steps else 0], strict=True):
        is_fire = any(label.contains(prediction) for label in fires)
        # The alarm of a fire, which takes some time to clear.
        of_fire = prediction.alarm and (is_fire or of_fire)
        if not is_fire and not of_fire and (
                not calm or any(label.contains(prediction) for label in calm)):
            # Where time jumps back, as in a loop, an image covers none.
            covered += max(step, 0)
            false_alarms += prediction.alarm and not was_raised
        was_raised = prediction.alarm
    return false_alarms, covered / 1e9
