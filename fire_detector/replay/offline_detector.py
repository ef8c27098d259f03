# SPDX-License-Identifier: Apache-2.0
"""Run the detector over a recording."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from fire_detector.detection.detector import Detector, Inference, Rejection
from fire_detector.detection.freshness import Freshness
from fire_detector.detection.image_statistics import DATA
from fire_detector.model.contract import ModelContract
from fire_detector.model.locate import find_model
from fire_detector.parameters.detector import default_values, LiveSettings, NodeSettings
from fire_detector.replay.bags.reader import RecordedImage
from fire_detector.replay.events import alarm_events
from fire_detector.replay.records import Prediction, Run, TopicReport
from fire_detector.replay.snapshots import SnapshotSelector
from fire_detector.replay.sources import Source

# Images for each thread that are read ahead.
AHEAD = 3

# Values of the node's parameters, by name; others have their defaults.
Parameters = Mapping[str, Any]
Item = tuple[RecordedImage, list['OfflineDetector']]


class OfflineDetector:
    """
    One model for the images of one topic.

    `infer` may be called in several threads at a time, `update` is to be called in order.
    """

    def __init__(self, parameters: Parameters, threads: int = 1) -> None:
        """
        Load the model.

        :param parameters: values of the node's parameters.
        :param threads: that call `infer`; each has an interpreter of its own.
        :raises ModelError: when the model cannot be used.
        :raises RuntimeUnavailableError: when its runtime cannot be imported.
        :raises ValueError: when a value is not allowed.
        """
        values = default_values() | dict(parameters)
        self._settings = NodeSettings.from_parameters(values)
        self._detector = _load(self._settings)
        self._live = LiveSettings.from_parameters(
            values, self._detector.classifier.contract.alarm)
        self._detector.alarm.settings = self._live.alarm
        self._detector.alarm.latch = self._live.alarm_latch
        self._freshness = Freshness(max_age=0.0)
        self._selector = SnapshotSelector(self._live.alarm.on_threshold)
        self._predictions: list[Prediction] = []
        self._idle: SimpleQueue[Detector] = SimpleQueue()
        self._idle.put(self._detector)
        for _ in range(threads - 1):
            self._idle.put(_load(self._settings))

    def infer(self, image: RecordedImage) -> Inference | Rejection:
        """Run the model on an image."""
        if image.message is None:
            return Rejection(image.stamp, DATA, image.problem)
        detector = self._idle.get()
        try:
            return detector.infer(image.message)
        finally:
            self._idle.put(detector)

    def update(self, image: RecordedImage, inference: Inference | Rejection) -> None:
        """
        Decide on the alarm after the next image, as the node does.

        As there, an image with the stamp of the one before it does not count. Its age does not
        matter here, where the time of recording need not be that of the camera's clock.

        :param image: the image.
        :param inference: what `infer` returned for it.
        """
        if isinstance(inference, Rejection):
            self._predictions.append(Prediction(
                image.stamp, image.received, None, self._detector.alarm.active,
                inference.reason, inference.detail))
            return
        if not self._freshness.explain_staleness(image.stamp, image.received):
            self._detector.decide(inference)
        prediction = Prediction(image.stamp, image.received, inference.probability,
                                self._detector.alarm.active)
        self._predictions.append(prediction)
        self._selector.add(prediction, inference.image)

    def run(self) -> Run:
        """Return the predictions so far, and what follows from them."""
        classifier = self._detector.classifier
        contract = classifier.contract
        predictions = tuple(self._predictions)
        alarm = self._live.alarm
        return Run(f'{contract.name} {contract.version}',
                   _describe_contract(contract, classifier.runtime),
                   _describe_settings(self._settings, self._live),
                   (alarm.on_threshold, alarm.off_threshold),
                   predictions, alarm_events(predictions), self._selector.snapshots())


def _load(settings: NodeSettings) -> Detector:
    return Detector(find_model(settings.model), settings.runtime, settings.num_threads,
                    settings.allow_changed_model)


def check_parameters(models: Iterable[Parameters]) -> None:
    """
    Load each model once, so that errors come before anything is read.

    :param models: the parameters of each.
    :raises ModelError: when a model cannot be used.
    :raises RuntimeUnavailableError: when a runtime cannot be imported.
    :raises ValueError: when a value is not allowed.
    """
    for parameters in models:
        OfflineDetector(parameters)


def detect_recording(source: Source, models: Sequence[Parameters], threads: int,
                     on_image: Callable[[], object] = lambda: None) -> tuple[TopicReport, ...]:
    """
    Run models over every image of a recording.

    :param source: of the images; they are read a few ahead, and not kept.
    :param models: the parameters of each, as `check_parameters` has accepted them.
    :param threads: that run the models.
    :param on_image: called after each image.
    :return: one report for each topic, in the order of their names.
    """
    topics: dict[tuple[str, str], list[OfflineDetector]] = {}

    def items() -> Iterator[Item]:
        for image in source.images:
            key = image.topic, image.message_type
            if key not in topics:
                topics[key] = [OfflineDetector(parameters, threads) for parameters in models]
            yield image, topics[key]

    for (image, detectors), inferences in _infer_ahead(items(), threads):
        for detector, inference in zip(detectors, inferences, strict=True):
            detector.update(image, inference)
        on_image()
    return tuple(
        TopicReport(topic, message_type, tuple(detector.run() for detector in detectors))
        for (topic, message_type), detectors in sorted(topics.items()))


def _infer_ahead(items: Iterable[Item],
                 threads: int) -> Iterator[tuple[Item, list[Inference | Rejection]]]:
    """Run the models in threads, a few images ahead; return images and results in order."""
    waiting: deque[tuple[Item, Future[list[Inference | Rejection]]]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append((item, pool.submit(_infer, item)))
            if len(waiting) > AHEAD * threads:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _infer(item: Item) -> list[Inference | Rejection]:
    image, detectors = item
    return [detector.infer(image) for detector in detectors]


def _describe_contract(contract: ModelContract, runtime: str) -> tuple[tuple[str, str], ...]:
    """List names and values of a model, its runtime and its contract."""
    spec = contract.input_spec
    return (('model', f'{contract.name} {contract.version}'),
            ('runtime', runtime),
            ('SHA-256', contract.model_sha256),
            ('input', f'{spec.width}x{spec.height} {spec.color_order}'),
            ('labels', ', '.join(contract.labels)),
            ('threshold for one image', f'{contract.threshold:g}'),
            ('trained on', contract.trained_on or 'unknown'),
            *((name, 'unknown' if value is None else f'{value:g}')
              for name, value in contract.metrics.items()))


def _describe_settings(settings: NodeSettings, live: LiveSettings) -> tuple[tuple[str, str], ...]:
    """List the settings of alarm and inference."""
    alarm = live.alarm
    return (('on_threshold', f'{alarm.on_threshold:g}'),
            ('off_threshold', f'{alarm.off_threshold:g}'),
            ('window (s)', f'{alarm.window:g}'),
            ('min_frames', str(alarm.min_frames)),
            ('latch', 'yes' if live.alarm_latch else 'no'),
            ('threads', str(settings.num_threads)))
