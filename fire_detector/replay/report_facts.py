# SPDX-License-Identifier: Apache-2.0
"""What is read off the records of a replay before it is shown."""

from collections.abc import Iterable

from fire_detector.raised import raised_intervals
from fire_detector.replay.records import Answer, Run, TopicReport
from fire_detector.replay.report_time import Timeline

Interval = tuple[float, float]
LETTERS = 'AB'
# Settings whose names end with it are probabilities, drawn as lines.
THRESHOLD = '_threshold'


def alarm_intervals(run: Run, times: Timeline) -> list[Interval]:
    """List when the alarm was raised and cleared, in seconds from the start of the axis."""
    return raised_intervals(((times.at(answer), answer.alarm) for answer in run.answers),
                            times.length)


def highest(answers: Iterable[Answer]) -> Answer | None:
    """Find the answer with the highest probability, the first of several."""
    return max((answer for answer in answers if answer.probability is not None),
               key=lambda answer: answer.probability or 0.0, default=None)


def name_of(topic: TopicReport, run: Run) -> str:
    """Name a run: the letter in the chart, where there are two, and the model."""
    model = f'{run.model} {run.model_version}'
    if len(topic.runs) == 1:
        return model
    return f'{LETTERS[topic.runs.index(run)]}: {model}'


def thresholds(run: Run) -> list[tuple[float, str]]:
    """List the thresholds of the alarm, each with its name: on, off."""
    return [(float(value), name.removesuffix(THRESHOLD).split('.')[-1])
            for name, value in run.settings if name.endswith(THRESHOLD)]
