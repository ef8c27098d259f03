# SPDX-License-Identifier: Apache-2.0
"""Run the node's detector over what was recorded."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import cv2
from fire_detector.classifier import InferenceError
from fire_detector.detector import Detector, load_detector
from fire_detector.diagnostics import INFERENCE, OTHER
from fire_detector.image_conversion import ImageError
from fire_detector.model_contract import ModelContract
from fire_detector.parameters import (
    COMPRESSED,
    default_values,
    live_settings_of,
    NodeSettings,
    RAW,
    settings_of,
)
from fire_detector.picture import Picture
from fire_detector.replay.bags import COMPRESSED_IMAGE, IMAGE
from fire_detector.replay.events import alarm_events, gaps_of, spread_of
from fire_detector.replay.records import Answer, Run, TopicReport
from fire_detector.replay.snapshots import Album
from fire_detector.replay.sources import Shown, Source

# What the node rejects a picture for.
_REJECTIONS = (ImageError, InferenceError, cv2.error, MemoryError)
# Pictures for each thread that are decoded ahead.
AHEAD = 3

Given = TypeVar('Given')
Made = TypeVar('Made')


@dataclass(frozen=True)
class Setup:
    """
    Say how pictures are judged: what would be set on the node.

    :ivar parameters: values by name, of those in the table that are not left at their defaults.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)

    def values(self, transport: str) -> dict[str, Any]:
        """Give the value of every parameter."""
        return default_values() | dict(self.parameters) | {'image_transport': transport}

    def settings(self, transport: str) -> NodeSettings:
        """
        Give what the node would be configured with.

        :raises ValueError: when a value is not allowed.
        """
        return settings_of(self.values(transport))


class Judge:
    """Run one model over the pictures of one topic."""

    def __init__(self, setup: Setup, kind: str) -> None:
        """
        Load the model.

        :param kind: of what is shown, as in Shown.
        :raises ModelError: when the model cannot be used.
        :raises RuntimeUnavailableError: when its runtime cannot be imported.
        :raises ValueError: when a value of the setup is not allowed.
        """
        transport = COMPRESSED if kind == COMPRESSED_IMAGE else RAW
        self._detector = load_detector(setup.settings(transport))
        live = live_settings_of(setup.values(transport), self._detector.classifier.contract.alarm)
        self._detector.alarm.settings = live.alarm
        self._detector.alarm.latch = live.alarm_latch
        self.to_picture = (self._detector.to_picture if kind in (IMAGE, COMPRESSED_IMAGE)
                           else _as_it_is)
        self._album = Album(live.alarm.on_threshold)
        self._answers: list[Answer] = []

    def take(self, shown: Shown, picture: Picture | Exception) -> None:
        """
        Judge the next picture, as the node does.

        :param shown: what was shown.
        :param picture: what `to_picture` made of it, or raised.
        """
        detector = self._detector
        try:
            if isinstance(picture, Exception):
                raise picture
            probability = detector.classifier.probability(picture, shown.stamp)
        except _REJECTIONS as error:
            self._reject(shown, error)
            return
        alarm = detector.alarm.update(shown.stamp, probability)
        answer = Answer(shown.stamp, shown.received, probability, alarm)
        self._answers.append(answer)
        self._album.see(answer, picture)

    def run(self) -> Run:
        """Give what was found."""
        detector = self._detector
        contract = detector.classifier.contract
        answers = tuple(self._answers)
        return Run(contract.name, contract.version, detector.classifier.runtime,
                   contract.model_sha256, about(contract), settings_in_words(detector), answers,
                   alarm_events(answers), self._album.snapshots())

    def _reject(self, shown: Shown, error: Exception) -> None:
        reason = (error.reason if isinstance(error, ImageError)
                  else INFERENCE if isinstance(error, InferenceError) else OTHER)
        self._answers.append(Answer(shown.stamp, shown.received, None, self._detector.alarm.active,
                                    reason, str(error) or type(error).__name__))


def judge(source: Source, setups: Sequence[Setup], threads: int,
          tick: Callable[[], object] = lambda: None) -> tuple[TopicReport, ...]:
    """
    Run models over every picture of a recording.

    :param source: gives the pictures; they are decoded a few ahead, and not held.
    :param setups: one for each model.
    :param threads: that decode pictures.
    :param tick: called after each picture.
    :return: one report for each topic, in the order of their names.
    :raises ModelError: when a model cannot be used.
    :raises RuntimeUnavailableError: when a runtime cannot be imported.
    :raises ValueError: when a value of a setup is not allowed.
    """
    topics: dict[tuple[str, str], list[Judge]] = {}

    def judged() -> Iterator[tuple[Shown, list[Judge]]]:
        for shown in source.shown():
            key = shown.topic, shown.kind
            if key not in topics:
                topics[key] = [Judge(setup, shown.kind) for setup in setups]
            yield shown, topics[key]

    for (shown, judges), pictures in ahead(judged(), _pictures, threads):
        for one, picture in zip(judges, pictures, strict=True):
            one.take(shown, picture)
        tick()
    return tuple(_topic_report(topic, kind, [one.run() for one in judges])
                 for (topic, kind), judges in sorted(topics.items()))


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


def _pictures(judged: tuple[Shown, list[Judge]]) -> list[Picture | Exception]:
    shown, judges = judged
    if shown.content is None:
        return [ImageError(shown.problem)] * len(judges)
    return [_attempt(one.to_picture, shown.content) for one in judges]


def _attempt(make: Callable[[Any], Picture], content: Any) -> Picture | Exception:
    try:
        return make(content)
    except _REJECTIONS as error:
        return error


def _as_it_is(picture: Picture) -> Picture:
    return picture


def _topic_report(topic: str, kind: str, runs: Sequence[Run]) -> TopicReport:
    answers = runs[0].answers
    duration, rate = spread_of(answers)
    counts = Counter(answer.reason for answer in answers if answer.reason)
    return TopicReport(topic, kind, duration, rate, gaps_of(answers),
                       tuple(sorted(counts.items())), tuple(runs))


def about(contract: ModelContract) -> tuple[tuple[str, str], ...]:
    """List what a model's contract says of it."""
    spec = contract.input_spec
    return (('model', f'{contract.name} {contract.version}'),
            ('SHA-256', contract.model_sha256),
            ('input', f'{spec.width}x{spec.height} {spec.color_order}'),
            ('labels', ', '.join(contract.labels)),
            ('threshold for one picture', f'{contract.threshold:g}'),
            ('trained on', contract.trained_on or 'not told'),
            *((name, 'not told' if value is None else f'{value:g}')
              for name, value in contract.metrics.items()))


def settings_in_words(detector: Detector) -> tuple[tuple[str, str], ...]:
    """List what a detector was set to."""
    alarm = detector.alarm.settings
    return (('on_threshold', f'{alarm.on_threshold:g}'),
            ('off_threshold', f'{alarm.off_threshold:g}'),
            ('window (s)', f'{alarm.window:g}'),
            ('min_frames', str(alarm.min_frames)),
            ('latch', 'yes' if detector.alarm.latch else 'no'),
            ('tiles', detector.settings.tiles),
            ('threads', str(detector.settings.num_threads)))
