# SPDX-License-Identifier: Apache-2.0
"""The time axis of one topic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fire_detector.replay.html_text import WALL_CLOCK
from fire_detector.replay.records import Answer, TopicReport

# Stamps that span so many seconds more than the recording do not tell its time: a camera whose
# clock was set, or that leaves stamps at 0.
PLAUSIBLE_EXCESS = 3600.0


@dataclass(frozen=True)
class Timeline:
    """
    Tell where on the axis of a topic its pictures are.

    :ivar start: stamp at the beginning of the axis.
    :ivar length: seconds until its end; above 0.
    :ivar by_stamp: whether it runs on stamps, and not on the time of recording.
    """

    start: float
    length: float
    by_stamp: bool

    def at(self, answer: Answer) -> float:
        """Tell how many seconds from the start of the axis a picture is."""
        return (answer.stamp if self.by_stamp else answer.received) - self.start

    def since_start(self, stamp: float) -> float:
        """Tell how many seconds from the start of the axis a stamp is."""
        return stamp - self.start

    @property
    def is_wall_clock(self) -> bool:
        """Tell whether the stamps count from 1970."""
        return self.by_stamp and self.start > WALL_CLOCK


def timeline(topic: TopicReport) -> Timeline:
    """
    Find the axis for a topic: its stamps, or the time of recording where stamps tell no time.

    Labels do not lengthen it: they may be of a longer recording.
    """
    answers = [answer for run in topic.runs for answer in run.answers]
    stamps, recorded = _span(answers, _stamp), _span(answers, _received)
    odd = ((stamps[1] == 0 and recorded[1] > 0)
           or stamps[1] > 2 * recorded[1] + PLAUSIBLE_EXCESS)
    start, length = recorded if odd else stamps
    # One picture alone has no length.
    return Timeline(start, length or 1.0, not odd)


def _span(answers: Sequence[Answer], time: Callable[[Answer], float]) -> tuple[float, float]:
    times = [time(answer) for answer in answers] or [0.0]
    return min(times), max(times) - min(times)


def _stamp(answer: Answer) -> float:
    return answer.stamp


def _received(answer: Answer) -> float:
    return answer.received
