# SPDX-License-Identifier: Apache-2.0
"""What a replay finds: times in seconds, probabilities 0..1."""

from dataclasses import dataclass

FIRE, NOFIRE = EVENT_LABELS = ('fire', 'nofire')
RAISED, CLEARED, HIGHEST, DOUBTFUL = (
    'alarm raised', 'alarm cleared', 'highest', 'most doubtful')


@dataclass(frozen=True)
class Prediction:
    """
    The prediction for one image of one topic.

    :ivar stamp: of the message's header; in a video or folder, seconds since the first image.
    :ivar received: when the recorder got it; in a video or folder the same as `stamp`.
    :ivar probability: that it shows fire; None where the image was rejected.
    :ivar alarm: whether the alarm is raised after this image.
    :ivar reason: why it was rejected, one of image_statistics.REASONS; '' where it was processed.
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

    start: float
    end: float | None
    peak: float


@dataclass(frozen=True)
class LabeledEvent:
    """
    A stretch of time that a person has labeled.

    :ivar start: stamp at which it begins.
    :ivar end: stamp at which it ends.
    :ivar label: FIRE or NOFIRE.
    :ivar time_to_alarm: seconds from its start until the alarm was raised, 0 where it was already;
        None where it was missed, or the label is NOFIRE.
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
    One model's predictions for one topic.

    :ivar model: name in its contract.
    :ivar model_version: likewise.
    :ivar runtime: key of classifier.RUNTIMES.
    :ivar sha256: of the model's bytes.
    :ivar contract: names and values of the model's contract.
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
    contract: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    predictions: tuple[Prediction, ...]
    alarms: tuple[AlarmEvent, ...]
    snapshots: tuple[Snapshot, ...]
    labels: LabelFigures | None = None

    @property
    def name(self) -> str:
        """Return name and version of the model."""
        return f'{self.model} {self.model_version}'

    @property
    def highest(self) -> Prediction | None:
        """Return the prediction with the highest probability, the first of several."""
        return max((prediction for prediction in self.predictions
                    if prediction.probability is not None),
                   key=lambda prediction: prediction.probability or 0.0, default=None)

    @property
    def rejected(self) -> int:
        """Return how many images were rejected."""
        return sum(prediction.probability is None for prediction in self.predictions)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Return the thresholds of the alarm."""
        return tuple(float(value) for name, value in self.settings
                     if name.endswith('_threshold'))


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

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """Return those of the first model; the images are the same for all."""
        return self.runs[0].predictions if self.runs else ()

    @property
    def letters(self) -> tuple[str, ...]:
        """Return a letter for each model, as charts name them; '' where there is one model."""
        return ('',) if len(self.runs) == 1 else ('A', 'B')[:len(self.runs)]

    @property
    def names(self) -> tuple[str, ...]:
        """Return name and version of each model, after its letter where there is one."""
        return tuple(f'{letter}: {run.name}' if letter else run.name
                     for letter, run in zip(self.letters, self.runs, strict=True))


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
