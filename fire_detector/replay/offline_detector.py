# SPDX-License-Identifier: Apache-2.0
"""Run the node's detector over what was recorded."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from fire_detector.detection.detector import Detector, Inference, Rejection
from fire_detector.detection.statistics import DATA
from fire_detector.model.contract import ModelContract
from fire_detector.model.locate import find_model
from fire_detector.parameters.detector import default_values, LiveSettings, NodeSettings
from fire_detector.replay.events import alarm_events, gaps_of, spread_of
from fire_detector.replay.records import Prediction, Run, TopicReport
from fire_detector.replay.snapshots import Album
from fire_detector.replay.sources import RecordedFrame, Source

# Frames for each thread that are read ahead.
AHEAD = 3

Given = TypeVar('Given')
Made = TypeVar('Made')


@dataclass(frozen=True)
class Setup:
    """
    How frames are processed: what would be set on the node.

    :ivar parameters: values by name, of those in the table that are not left at their defaults.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return the value of every parameter."""
        return default_values() | dict(self.parameters)


class OfflineDetector:
    """
    Run one model over the frames of one topic.

    `infer` may be called in several threads at a time, `update` is to be called in order.
    """

    def __init__(self, setup: Setup, threads: int = 1) -> None:
        """
        Load the model.

        :param setup: the node's parameters.
        :param threads: that call `infer`; each has an interpreter of its own.
        :raises ModelError: when the model cannot be used.
        :raises RuntimeUnavailableError: when its runtime cannot be imported.
        :raises ValueError: when a value of the setup is not allowed.
        """
        self._settings = NodeSettings.from_parameters(setup.values())
        self._detector = _load(self._settings)
        self._live = LiveSettings.from_parameters(
            setup.values(), self._detector.classifier.contract.alarm)
        self._detector.alarm.settings = self._live.alarm
        self._detector.alarm.latch = self._live.alarm_latch
        self._album = Album(self._live.alarm.on_threshold)
        self._predictions: list[Prediction] = []
        self._idle: SimpleQueue[Detector] = SimpleQueue()
        self._idle.put(self._detector)
        for _ in range(threads - 1):
            self._idle.put(_load(self._settings))

    def infer(self, frame: RecordedFrame) -> Inference | Rejection:
        """Run the model on a frame."""
        if frame.content is None:
            return Rejection(frame.stamp, DATA, frame.problem)
        detector = self._idle.get()
        try:
            return detector.infer(frame.content)
        finally:
            self._idle.put(detector)

    def update(self, frame: RecordedFrame, inference: Inference | Rejection) -> None:
        """
        Take the next frame into account, as the node does.

        :param frame: the frame.
        :param inference: what `infer` returned for it.
        """
        if isinstance(inference, Rejection):
            self._predictions.append(Prediction(
                frame.stamp, frame.received, None, self._detector.alarm.active,
                inference.reason, inference.detail))
            return
        detection = self._detector.decide(inference)
        prediction = Prediction(frame.stamp, frame.received, detection.probability,
                                detection.alarm)
        self._predictions.append(prediction)
        self._album.add(prediction, detection.image)

    def run(self) -> Run:
        """Return what was found."""
        classifier = self._detector.classifier
        contract = classifier.contract
        predictions = tuple(self._predictions)
        return Run(contract.name, contract.version, classifier.runtime, contract.model_sha256,
                   describe_contract(contract), describe_settings(self._settings, self._live),
                   predictions, alarm_events(predictions), self._album.snapshots())


def _load(settings: NodeSettings) -> Detector:
    return Detector(find_model(settings.model), settings.runtime, settings.num_threads,
                    settings.allow_changed_model)


def check_setups(setups: Iterable[Setup]) -> None:
    """
    Load each model once, to learn what is wrong before anything is read.

    :raises ModelError: when a model cannot be used.
    :raises RuntimeUnavailableError: when a runtime cannot be imported.
    :raises ValueError: when a value of a setup is not allowed.
    """
    for setup in setups:
        OfflineDetector(setup)


def detect_recording(source: Source, setups: Sequence[Setup], threads: int,
                     tick: Callable[[], object] = lambda: None) -> tuple[TopicReport, ...]:
    """
    Run models over every frame of a recording.

    :param source: gives the frames; they are read a few ahead, and not held.
    :param setups: one for each model, as `check_setups` has accepted them.
    :param threads: that run the models.
    :param tick: called after each frame.
    :return: one report for each topic, in the order of their names.
    """
    topics: dict[tuple[str, str], list[OfflineDetector]] = {}

    def frames() -> Iterator[tuple[RecordedFrame, list[OfflineDetector]]]:
        for frame in source.frames():
            key = frame.topic, frame.kind
            if key not in topics:
                topics[key] = [OfflineDetector(setup, threads) for setup in setups]
            yield frame, topics[key]

    for (frame, detectors), inferences in ahead(frames(), _infer, threads):
        for detector, inference in zip(detectors, inferences, strict=True):
            detector.update(frame, inference)
        tick()
    return tuple(_topic_report(topic, kind, [detector.run() for detector in detectors])
                 for (topic, kind), detectors in sorted(topics.items()))


def ahead(given: Iterable[Given], make: Callable[[Given], Made],
          threads: int) -> Iterator[tuple[Given, Made]]:
    """Make something of each thing that is given, in order, a few ahead in threads."""
    things = iter(given)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[Given, Future[Made]]] = deque(
            (thing, pool.submit(make, thing)) for thing in islice(things, AHEAD * threads))
        try:
            while waiting:
                thing, future = waiting.popleft()
                for following in islice(things, 1):
                    waiting.append((following, pool.submit(make, following)))
                yield thing, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _infer(given: tuple[RecordedFrame, list[OfflineDetector]]) -> list[Inference | Rejection]:
    frame, detectors = given
    return [detector.infer(frame) for detector in detectors]


def _topic_report(topic: str, kind: str, runs: Sequence[Run]) -> TopicReport:
    predictions = runs[0].predictions
    duration, rate = spread_of(predictions)
    counts = Counter(answer.reason for answer in predictions if answer.reason)
    return TopicReport(topic, kind, duration, rate, gaps_of(predictions),
                       tuple(sorted(counts.items())), tuple(runs))


def describe_contract(contract: ModelContract) -> tuple[tuple[str, str], ...]:
    """List what a model's contract says of it."""
    spec = contract.input_spec
    return (('model', f'{contract.name} {contract.version}'),
            ('SHA-256', contract.model_sha256),
            ('input', f'{spec.width}x{spec.height} {spec.color_order}'),
            ('labels', ', '.join(contract.labels)),
            ('threshold for one image', f'{contract.threshold:g}'),
            ('trained on', contract.trained_on or 'not told'),
            *((name, 'not told' if value is None else f'{value:g}')
              for name, value in contract.metrics.items()))


def describe_settings(settings: NodeSettings, live: LiveSettings) -> tuple[tuple[str, str], ...]:
    """List the settings of alarm and inference."""
    alarm = live.alarm
    return (('on_threshold', f'{alarm.on_threshold:g}'),
            ('off_threshold', f'{alarm.off_threshold:g}'),
            ('window (s)', f'{alarm.window:g}'),
            ('min_frames', str(alarm.min_frames)),
            ('latch', 'yes' if live.alarm_latch else 'no'),
            ('threads', str(settings.num_threads)))
