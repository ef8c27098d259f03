# SPDX-License-Identifier: Apache-2.0
"""Run the detector over a recording."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from fire_detector.detection.detector import Detector, Inference, Rejection
from fire_detector.detection.image_statistics import DATA
from fire_detector.model.contract import ModelContract
from fire_detector.model.locate import find_model
from fire_detector.parameters.detector import default_values, LiveSettings, NodeSettings
from fire_detector.replay.events import alarm_events, duration_and_rate, find_gaps
from fire_detector.replay.records import Prediction, Run, TopicReport
from fire_detector.replay.snapshots import SnapshotSelector
from fire_detector.replay.sources import RecordedFrame, Source

# Frames for each thread that are read ahead.
AHEAD = 3

Item = TypeVar('Item')
Result = TypeVar('Result')


@dataclass(frozen=True)
class Setup:
    """
    The parameters of a detector.

    :ivar parameters: values by name, of the node's parameters that are not left at their defaults.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return the value of every parameter."""
        return default_values() | dict(self.parameters)


class OfflineDetector:
    """
    One model for the frames of one topic.

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
        self._selector = SnapshotSelector(self._live.alarm.on_threshold)
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
        self._selector.add(prediction, detection.image)

    def run(self) -> Run:
        """Return the predictions so far, and what follows from them."""
        classifier = self._detector.classifier
        contract = classifier.contract
        predictions = tuple(self._predictions)
        return Run(contract.name, contract.version, classifier.runtime, contract.model_sha256,
                   describe_contract(contract), describe_settings(self._settings, self._live),
                   predictions, alarm_events(predictions), self._selector.snapshots())


def _load(settings: NodeSettings) -> Detector:
    return Detector(find_model(settings.model), settings.runtime, settings.num_threads,
                    settings.allow_changed_model)


def check_setups(setups: Iterable[Setup]) -> None:
    """
    Load each model once, so that errors come before anything is read.

    :raises ModelError: when a model cannot be used.
    :raises RuntimeUnavailableError: when a runtime cannot be imported.
    :raises ValueError: when a value of a setup is not allowed.
    """
    for setup in setups:
        OfflineDetector(setup)


def detect_recording(source: Source, setups: Sequence[Setup], threads: int,
                     on_frame: Callable[[], object] = lambda: None) -> tuple[TopicReport, ...]:
    """
    Run models over every frame of a recording.

    :param source: of the frames; they are read a few ahead, and not kept.
    :param setups: one for each model, as `check_setups` has accepted them.
    :param threads: that run the models.
    :param on_frame: called after each frame.
    :return: one report for each topic, in the order of their names.
    """
    topics: dict[tuple[str, str], list[OfflineDetector]] = {}

    def frames() -> Iterator[tuple[RecordedFrame, list[OfflineDetector]]]:
        for frame in source.frames():
            key = frame.topic, frame.kind
            if key not in topics:
                topics[key] = [OfflineDetector(setup, threads) for setup in setups]
            yield frame, topics[key]

    for (frame, detectors), inferences in map_ahead(_infer, frames(), threads):
        for detector, inference in zip(detectors, inferences, strict=True):
            detector.update(frame, inference)
        on_frame()
    return tuple(_topic_report(topic, kind, [detector.run() for detector in detectors])
                 for (topic, kind), detectors in sorted(topics.items()))


def map_ahead(function: Callable[[Item], Result], items: Iterable[Item],
              threads: int) -> Iterator[tuple[Item, Result]]:
    """Call a function in threads for each item, a few ahead; return items and results in order."""
    following = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[Item, Future[Result]]] = deque(
            (item, pool.submit(function, item)) for item in islice(following, AHEAD * threads))
        try:
            while waiting:
                item, future = waiting.popleft()
                for new in islice(following, 1):
                    waiting.append((new, pool.submit(function, new)))
                yield item, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _infer(item: tuple[RecordedFrame, list[OfflineDetector]]) -> list[Inference | Rejection]:
    frame, detectors = item
    return [detector.infer(frame) for detector in detectors]


def _topic_report(topic: str, kind: str, runs: Sequence[Run]) -> TopicReport:
    predictions = runs[0].predictions
    duration, rate = duration_and_rate(predictions)
    counts = Counter(prediction.reason for prediction in predictions if prediction.reason)
    return TopicReport(topic, kind, duration, rate, find_gaps(predictions),
                       tuple(sorted(counts.items())), tuple(runs))


def describe_contract(contract: ModelContract) -> tuple[tuple[str, str], ...]:
    """List names and values of a model's contract."""
    spec = contract.input_spec
    return (('model', f'{contract.name} {contract.version}'),
            ('SHA-256', contract.model_sha256),
            ('input', f'{spec.width}x{spec.height} {spec.color_order}'),
            ('labels', ', '.join(contract.labels)),
            ('threshold for one image', f'{contract.threshold:g}'),
            ('trained on', contract.trained_on or 'unknown'),
            *((name, 'unknown' if value is None else f'{value:g}')
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
