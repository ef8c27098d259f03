# SPDX-License-Identifier: Apache-2.0
"""The time axis of one topic, for charts and tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from fire_detector.replay.records import Prediction, TopicReport

# Stamps above are seconds since 1970, others count from the start of something.
WALL_CLOCK = 1e9
# Seconds that stamps may span beyond the recording; with more, a clock was set, or a camera left
# some stamps at 0.
PLAUSIBLE_EXCESS = 3600.0


@dataclass(frozen=True)
class TimeAxis:
    """
    Seconds since the first image of a topic.

    :ivar start: time of the first image: a stamp, or when it was recorded.
    :ivar length: seconds until the last image; above 0.
    :ivar by_stamp: whether it runs on stamps, and not on the time of recording.
    """

    start: float
    length: float
    by_stamp: bool

    def position(self, prediction: Prediction) -> float:
        """Return how many seconds after the start of the axis an image was taken."""
        return (prediction.stamp if self.by_stamp else prediction.received) - self.start


def find_axis(topic: TopicReport) -> TimeAxis:
    """
    Choose the axis of a topic: its stamps, or where they are not plausible, the time of recording.

    Labels do not lengthen it: they may be of a longer recording.
    """
    predictions = topic.predictions
    start, length = _span([prediction.stamp for prediction in predictions])
    recorded_start, recorded = _span([prediction.received for prediction in predictions])
    by_stamp = not (length == 0 < recorded or length > 2 * recorded + PLAUSIBLE_EXCESS)
    if not by_stamp:
        start, length = recorded_start, recorded
    # One image alone has no length.
    return TimeAxis(start, length or 1.0, by_stamp)


def _span(times: Sequence[float]) -> tuple[float, float]:
    return min(times, default=0.0), max(times, default=0.0) - min(times, default=0.0)
