# SPDX-License-Identifier: Apache-2.0
"""The time axis of one topic."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fire_detector.detection.alarm import alarm_intervals
from fire_detector.replay.records import Prediction, Run, TopicReport
from fire_detector.replay.report.html_text import WALL_CLOCK

# Stamps that span so many seconds more than the recording do not tell its time: a camera whose
# clock was set, or that leaves stamps at 0.
PLAUSIBLE_EXCESS = 3600.0


@dataclass(frozen=True)
class Timeline:
    """
    Return where on the axis of a topic its images are.

    :ivar start: stamp at the beginning of the axis.
    :ivar length: seconds until its end; above 0.
    :ivar by_stamp: whether it runs on stamps, and not on the time of recording.
    """

    start: float
    length: float
    by_stamp: bool

    def at(self, answer: Prediction) -> float:
        """Return how many seconds from the start of the axis an image is."""
        return (answer.stamp if self.by_stamp else answer.received) - self.start

    def since_start(self, stamp: float) -> float:
        """Return how many seconds from the start of the axis a stamp is."""
        return stamp - self.start

    @property
    def is_wall_clock(self) -> bool:
        """Return whether the stamps count from 1970."""
        return self.by_stamp and self.start > WALL_CLOCK


def timeline(topic: TopicReport) -> Timeline:
    """
    Find the axis for a topic: its stamps, or the time of recording where stamps tell no time.

    Labels do not lengthen it: they may be of a longer recording.
    """
    predictions = [answer for run in topic.runs for answer in run.predictions]
    stamps, recorded = _span(predictions, _stamp), _span(predictions, _received)
    odd = ((stamps[1] == 0 and recorded[1] > 0)
           or stamps[1] > 2 * recorded[1] + PLAUSIBLE_EXCESS)
    start, length = recorded if odd else stamps
    # One image alone has no length.
    return Timeline(start, length or 1.0, not odd)


def _span(predictions: Sequence[Prediction], time: Callable[[Prediction], float]) -> tuple[float, float]:
    times = [time(answer) for answer in predictions] or [0.0]
    return min(times), max(times) - min(times)


def _stamp(answer: Prediction) -> float:
    return answer.stamp


def _received(answer: Prediction) -> float:
    return answer.received


Interval = tuple[float, float]
LETTERS = 'AB'
# Settings whose names end with it are probabilities, drawn as lines.
THRESHOLD = '_threshold'


def run_intervals(run: Run, times: Timeline) -> list[Interval]:
    """List when the alarm was raised and cleared, in seconds from the start of the axis."""
    return alarm_intervals(((times.at(answer), answer.alarm) for answer in run.predictions),
                            times.length)


def highest(predictions: Iterable[Prediction]) -> Prediction | None:
    """Find the answer with the highest probability, the first of several."""
    return max((answer for answer in predictions if answer.probability is not None),
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
