# SPDX-License-Identifier: Apache-2.0
"""The time axis of one topic, for charts and tables."""

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
    :ivar by_stamp: whether times are stamps, and not those of the recorder.
    """

    start: float
    length: float
    by_stamp: bool

    def position(self, prediction: Prediction) -> float:
        """Return how many seconds after the start of the axis an image was taken."""
        return (prediction.stamp if self.by_stamp else prediction.received) - self.start


def find_axis(topic: TopicReport) -> TimeAxis:
    """
    Return the axis of a topic: its stamps, or where they are not plausible, the time of recording.

    Labels do not lengthen it: they may be of a longer recording.
    """
    stamps = [prediction.stamp for prediction in topic.predictions]
    received = [prediction.received for prediction in topic.predictions]
    length, recorded = max(stamps) - min(stamps), max(received) - min(received)
    by_stamp = not (length == 0 < recorded or length > 2 * recorded + PLAUSIBLE_EXCESS)
    # One image alone has no length.
    return (TimeAxis(min(stamps), length or 1.0, True) if by_stamp
            else TimeAxis(min(received), recorded or 1.0, False))
