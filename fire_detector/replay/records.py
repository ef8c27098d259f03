# SPDX-License-Identifier: Apache-2.0
"""The results of a replay: stamps in nanoseconds, durations in seconds, probabilities 0..1."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
import math
from statistics import median

FIRE, NOFIRE = EVENT_LABELS = ('fire', 'nofire')
RAISED, CLEARED, HIGHEST, DOUBTFUL = (
    'alarm raised', 'alarm cleared', 'highest', 'most doubtful')
# Smaller times in labels are since the first image: as a stamp, this is March 1973.
FIRST_STAMP = 10 ** 8 * 10 ** 9
# Median periods after which the next image is late.
GAP = 3.0


@dataclass(frozen=True)
class Prediction:
    """
    The prediction for one image of one topic.

    :ivar stamp: of the message's header; in a video or folder, since the first image.
    :ivar received: when the recorder got it; in a video or folder the same as `stamp`.
    :ivar probability: that it shows fire; None where the image was rejected.
    :ivar alarm: whether the alarm is raised after this image.
    :ivar reason: why it was rejected, one of image_statistics.REASONS; '' where it was processed.
    :ivar detail: the same in a sentence.
    """

    stamp: int
    received: int
    probability: float | None
    alarm: bool
    reason: str = ''
    detail: str = ''


@dataclass(frozen=True)
class Snapshot:
    """
    An image for the report.

    :ivar prediction: for the image.
    :ivar kind: RAISED, CLEARED, HIGHEST or DOUBTFUL.
    :ivar jpeg: a JPEG file, at most 320 pixels wide.
    """

    prediction: Prediction
    kind: str
    jpeg: bytes


@dataclass(frozen=True)
class AlarmEvent:
    """
    One alarm.

    :ivar start: stamp of the image that raised it.
    :ivar end: stamp of the image that cleared it; None where it was raised at the end.
    :ivar peak: highest probability from start to end.
    """

    start: int
    end: int | None
    peak: float


@dataclass(frozen=True)
class LabeledEvent:
    """
    An interval of time that a person has labeled.

    :ivar start: a stamp, or nanoseconds since the first image.
    :ivar end: likewise, above `start`.
    :ivar label: FIRE or NOFIRE.
    :ivar time_to_alarm: seconds from the start until the alarm was raised, 0 where it was already;
        None where it was missed or not measured, or the label is NOFIRE.
    """

    start: int
    end: int
    label: str
    time_to_alarm: float | None = None

    @property
    def is_relative(self) -> bool:
        """Return whether the times are since the first image."""
        return self.end < FIRST_STAMP

    def contains(self, prediction: Prediction) -> bool:
        """Return whether an image lies in the event; `start` and `end` are stamps."""
        return self.start <= prediction.stamp <= self.end

    def with_stamps(self, first: int) -> 'LabeledEvent':
        """
        Return the event with stamps instead of relative times.

        :param first: stamp of the first image.
        """
        return (replace(self, start=self.start + first, end=self.end + first)
                if self.is_relative else self)


@dataclass(frozen=True)
class LabelFigures:
    """
    The alarms measured against labels.

    :ivar events: in order of their start.
    :ivar missed: fires during which the alarm was never raised.
    :ivar false_alarms: alarms that were raised without a fire.
    :ivar false_alarms_per_hour: of the time without fire; None where there is none.
    """

    events: tuple[LabeledEvent, ...]
    missed: int
    false_alarms: int
    false_alarms_per_hour: float | None


@dataclass(frozen=True)
class Run:
    """
    One model's predictions for one topic.

    :ivar name: name and version of the model.
    :ivar contract: names and values of the model, its runtime and its contract.
    :ivar settings: names and values of alarm and inference.
    :ivar thresholds: probabilities above and below which the alarm is raised and cleared.
    :ivar predictions: one for each image, in the order in which they were recorded.
    :ivar alarms: in order.
    :ivar snapshots: a few images, in order.
    :ivar labels: where labels were given.
    """

    name: str
    contract: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    thresholds: tuple[float, float]
    predictions: tuple[Prediction, ...]
    alarms: tuple[AlarmEvent, ...]
    snapshots: tuple[Snapshot, ...]
    labels: LabelFigures | None = None

    @property
    def highest(self) -> Prediction | None:
        """Return the prediction with the highest probability, the first of several."""
        return max((prediction for prediction in self.predictions
                    if prediction.probability is not None),
                   key=lambda prediction: prediction.probability or 0.0, default=None)

    @property
    def rejected(self) -> int:
        """Return the number of rejected images."""
        return sum(prediction.probability is None for prediction in self.predictions)


@dataclass(frozen=True)
class TopicReport:
    """
    The predictions for the images of one topic.

    :ivar topic: its name; of a video or folder, the file's.
    :ivar message_type: as in 'sensor_msgs/msg/Image'; 'video' or 'images'.
    :ivar runs: at least one: that of each model.
    """

    topic: str
    message_type: str
    runs: tuple[Run, ...]

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """Return those of the first model, at least one; the images are the same for all."""
        return self.runs[0].predictions

    @property
    def duration(self) -> float:
        """Return the seconds from the first stamp to the last."""
        stamps = [prediction.stamp for prediction in self.predictions]
        return (max(stamps) - min(stamps)) / 1e9

    @property
    def rate(self) -> float:
        """Return the number of images a second; 0 where it is unknown."""
        return (len(self.predictions) - 1) / self.duration if self.duration > 0 else 0.0

    @property
    def gaps(self) -> tuple[tuple[int, float], ...]:
        """List where the next image came later than usual: stamp before, and seconds."""
        stamps = [prediction.stamp for prediction in self.predictions]
        longest = longest_step(stamps)
        return tuple((before, (after - before) / 1e9) for before, after in pairwise(stamps)
                     if after - before > longest)

    @property
    def rejected(self) -> list[tuple[str, int, str]]:
        """List the reasons of rejected images, each with their number and the first detail."""
        details: dict[str, list[str]] = {}
        for prediction in self.predictions:
            if prediction.reason:
                details.setdefault(prediction.reason, []).append(prediction.detail)
        return [(reason, len(found), found[0]) for reason, found in sorted(details.items())]

    @property
    def letters(self) -> tuple[str, ...]:
        """Return a letter for each model, as charts name them; '' where there is one model."""
        return ('',) if len(self.runs) == 1 else ('A', 'B')[:len(self.runs)]

    @property
    def named_runs(self) -> list[tuple[str, Run]]:
        """Return each run with name and version of its model, after its letter if it has one."""
        return [(f'{letter}: {run.name}' if letter else run.name, run)
                for letter, run in zip(self.letters, self.runs, strict=True)]


@dataclass(frozen=True)
class Report:
    """
    The results for one recording.

    :ivar source: its path.
    :ivar made: local time, ISO 8601.
    :ivar topics: one for each topic with images.
    :ivar problems: what could not be read.
    :ivar processed_in: seconds.
    """

    source: str
    made: str
    topics: tuple[TopicReport, ...]
    problems: tuple[str, ...] = ()
    processed_in: float = 0.0


def longest_step(times: Sequence[float]) -> float:
    """Return the longest time in which an image follows without a gap; infinite if unknown."""
    steps = [after - before for before, after in pairwise(times)]
    return (GAP * median(steps) if steps else 0.0) or math.inf
