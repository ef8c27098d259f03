# SPDX-License-Identifier: Apache-2.0
"""What a replay finds: times in seconds, probabilities 0..1; nothing here is computed."""

from dataclasses import dataclass

FIRE, NOFIRE = EVENT_LABELS = ('fire', 'nofire')
RAISED, CLEARED, HIGHEST, DOUBTFUL = (
    'alarm raised', 'alarm cleared', 'highest', 'most doubtful')


@dataclass(frozen=True)
class Prediction:
    """
    What is told about one image of one topic.

    :ivar stamp: of the message's header; in a video or folder, seconds since the first image.
    :ivar received: when the recorder got it; in a video or folder the same as `stamp`.
    :ivar probability: that it shows fire; None where the image was rejected.
    :ivar alarm: whether the alarm is raised after this image.
    :ivar reason: why it was rejected, one of diagnostics.REASONS; '' where it was answered.
    :ivar detail: the same in a sentence.
    """

    stamp: float
    received: float
    probability: float | None
    alarm: bool
    reason: str = ''
    detail: str = ''


@dataclass(frozen=True)
class Snapshot:
    """
    An image for the report.

    :ivar answer: what was told about it.
    :ivar why: RAISED, CLEARED, HIGHEST or DOUBTFUL.
    :ivar jpeg: a JPEG file, at most 320 pixels wide.
    """

    answer: Prediction
    why: str
    jpeg: bytes


@dataclass(frozen=True)
class AlarmEvent:
    """
    One alarm.

    :ivar start: stamp of the image that raised it.
    :ivar end: stamp of the image that cleared it; None where it was raised at the end.
    :ivar peak: highest probability between.
    """

    start: float
    end: float | None
    peak: float


@dataclass(frozen=True)
class LabeledEvent:
    """
    A stretch of time of which somebody said what it shows.

    :ivar start: stamp at which it begins.
    :ivar end: stamp at which it ends.
    :ivar label: FIRE or NOFIRE.
    :ivar time_to_alarm: seconds from its start until the alarm was raised, 0 where it was already;
        None where it was missed, or there is no fire.
    """

    start: float
    end: float
    label: str
    time_to_alarm: float | None


@dataclass(frozen=True)
class LabelFigures:
    """
    How the alarms fit the labels.

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
    What one model told about one topic.

    :ivar model: name in its contract.
    :ivar model_version: likewise.
    :ivar runtime: key of classifier.RUNTIMES.
    :ivar sha256: of the model's bytes.
    :ivar about: names and values of its card.
    :ivar settings: names and values: thresholds, window, ...
    :ivar predictions: one for each image, in the order in which they were recorded.
    :ivar alarms: in order.
    :ivar snapshots: a few images, in order.
    :ivar labels: where labels were given.
    """

    model: str
    model_version: str
    runtime: str
    sha256: str
    about: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    predictions: tuple[Prediction, ...]
    alarms: tuple[AlarmEvent, ...]
    snapshots: tuple[Snapshot, ...]
    labels: LabelFigures | None = None


@dataclass(frozen=True)
class TopicReport:
    """
    What was found about one topic.

    :ivar topic: its name; of a video or folder, the file's.
    :ivar message_type: as in 'sensor_msgs/msg/Image'; 'video' or 'images'.
    :ivar duration: seconds from the first stamp to the last.
    :ivar rate: images a second.
    :ivar gaps: stamp and seconds of those longer than three median periods.
    :ivar rejected: reasons and how many images each.
    :ivar runs: one for each model.
    """

    topic: str
    message_type: str
    duration: float
    rate: float
    gaps: tuple[tuple[float, float], ...]
    rejected: tuple[tuple[str, int], ...]
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Report:
    """
    What was found in one recording.

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
