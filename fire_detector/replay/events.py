# SPDX-License-Identifier: Apache-2.0
"""Find the alarms in a series of predictions, and measure them against what people labeled."""

from collections.abc import Sequence
import csv
from dataclasses import dataclass
from itertools import pairwise
import math
from pathlib import Path
from statistics import median

from fire_detector.replay.records import (
    AlarmEvent,
    EVENT_LABELS,
    FIRE,
    LabeledEvent,
    LabelFigures,
    NOFIRE,
    Prediction,
)

# Median periods after which the next image is late.
GAP = 3.0
# Smaller numbers in labels are seconds since the first image: as a stamp, this is March 1973.
FIRST_STAMP = 1e8
COLUMNS = ('start', 'end', 'label')


class LabelsError(ValueError):
    """Report a file of labels that cannot be used."""


@dataclass(frozen=True)
class Label:
    """
    One line of a file of labels.

    :ivar start: a stamp, or seconds since the first image.
    :ivar end: likewise, above `start`.
    :ivar label: a member of EVENT_LABELS.
    """

    start: float
    end: float
    label: str

    @property
    def is_relative(self) -> bool:
        """Return whether the times are seconds since the first image."""
        return self.end < FIRST_STAMP

    def after(self, begin: float) -> 'Label':
        """Return the label with stamps."""
        return (Label(self.start + begin, self.end + begin, self.label) if self.is_relative
                else self)


def alarm_events(predictions: Sequence[Prediction]) -> tuple[AlarmEvent, ...]:
    """List the alarms, each from the image that raised it to the one that cleared it."""
    events: list[AlarmEvent] = []
    start, peak = None, 0.0
    for answer in predictions:
        if answer.probability is None:
            continue
        if answer.alarm:
            start, peak = ((answer.stamp, answer.probability) if start is None
                           else (start, max(peak, answer.probability)))
        elif start is not None:
            events.append(AlarmEvent(start, answer.stamp, peak))
            start = None
    if start is not None:
        events.append(AlarmEvent(start, None, peak))
    return tuple(events)


def spread_of(predictions: Sequence[Prediction]) -> tuple[float, float]:
    """Return the seconds from the first stamp to the last, and the images a second; 0 without."""
    stamps = [answer.stamp for answer in predictions]
    duration = max(stamps, default=0.0) - min(stamps, default=0.0)
    return duration, (len(stamps) - 1) / duration if duration > 0 else 0.0


def gaps_of(predictions: Sequence[Prediction]) -> tuple[tuple[float, float], ...]:
    """List where the next image came later than GAP median periods: stamp before, seconds."""
    steps = [(one.stamp, other.stamp - one.stamp)
             for one, other in pairwise(predictions)]
    usual = median(length for _, length in steps) if steps else math.inf
    return tuple((stamp, length) for stamp, length in steps if length > GAP * usual > 0)


def read_labels(path: Path) -> tuple[Label, ...]:
    """
    Read a file of labels.

    :param path: a CSV file with the columns start, end and label. Numbers below FIRST_STAMP are
        seconds since the first image of the topic, others are stamps as recorded.
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
                          f'image (below {FIRST_STAMP:g}): write all of them in one way')
    return tuple(sorted(labels, key=lambda label: label.start))


def _label(row: dict[str, str], where: str) -> Label:
    try:
        start, end = float(row['start']), float(row['end'])
    except (TypeError, ValueError):
        raise LabelsError(f'{where}: start {row["start"]!r} and end {row["end"]!r} are not both '
                          f'numbers of seconds') from None
    label = (row['label'] or '').strip()
    if label not in EVENT_LABELS:
        raise LabelsError(f'{where}: label {label!r} is not one of {EVENT_LABELS}')
    if not 0 <= start < end < math.inf:
        raise LabelsError(f'{where}: start {start:g} is not below end {end:g}, or negative')
    return Label(start, end, label)


def label_figures(predictions: Sequence[Prediction], labels: Sequence[Label]) -> LabelFigures:
    """
    Measure the alarms of one topic against labels.

    A fire's time to alarm is counted from its start; where the alarm was raised already it is 0.
    It is missed where there is no alarm before its end. Time without fire is what is labeled so;
    where nothing is, all that is not labeled fire. The time that the alarm of a fire takes to
    clear after it belongs to neither. An image stands for the time until the next one, the last
    for a median period. An alarm that is raised in time without fire is false.

    :param predictions: in the order of the images.
    :param labels: with stamps, or seconds since the first image; those that no image lies in
        are left out.
    """
    judged = [answer for answer in predictions if answer.probability is not None]
    begin = min((answer.stamp for answer in judged), default=0.0)
    stamped = [label.after(begin) for label in labels]
    within = [(label, [answer for answer in judged if label.start <= answer.stamp <= label.end])
              for label in stamped]
    events = tuple(_event(label, shown, judged) for label, shown in within if shown)
    false_alarms, seconds = _without_fire(judged, [label for label, shown in within if shown])
    return LabelFigures(
        events, sum(event.label == FIRE and event.time_to_alarm is None for event in events),
        false_alarms, 3600 * false_alarms / seconds if seconds > 0 else None)


def _event(label: Label, shown: Sequence[Prediction], judged: Sequence[Prediction]) -> LabeledEvent:
    raised = [answer.stamp for answer in shown if answer.alarm]
    time_to_alarm = None
    if label.label == FIRE and raised:
        before = [answer.alarm for answer in judged if answer.stamp < label.start]
        early = shown[0].alarm and bool(before) and before[-1]
        time_to_alarm = 0.0 if early else raised[0] - label.start
    return LabeledEvent(label.start, label.end, label.label, time_to_alarm)


def _without_fire(judged: Sequence[Prediction], labels: Sequence[Label]) -> tuple[int, float]:
    """Count the alarms that were raised without a fire, and the seconds without."""
    calm_labels = [label for label in labels if label.label == NOFIRE]
    steps = [other.stamp - one.stamp for one, other in pairwise(judged)]
    false_alarms, seconds = 0, 0.0
    before, of_fire = False, False
    for answer, length in zip(judged, [*steps, median(steps) if steps else 0.0], strict=True):
        fire = any(label.label == FIRE and label.start <= answer.stamp <= label.end
                   for label in labels)
        of_fire = answer.alarm and (fire or of_fire)
        calm = not fire and not of_fire and (not calm_labels or any(
            label.start <= answer.stamp <= label.end for label in calm_labels))
        if calm:
            # Where time jumps back, as in a loop, an image stands for none.
            seconds += max(length, 0.0)
            false_alarms += answer.alarm and not before
        before = answer.alarm
    return false_alarms, seconds
