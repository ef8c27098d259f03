# SPDX-License-Identifier: Apache-2.0
"""Run the node's detector over what was recorded."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from fire_detector.detector import Detector, load_detector
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
from fire_detector.rejections import reason_and_detail, REJECTIONS
from fire_detector.replay.bags import COMPRESSED_IMAGE, IMAGE
from fire_detector.replay.events import alarm_events, gaps_of, spread_of
from fire_detector.replay.records import Answer, Run, TopicReport
from fire_detector.replay.snapshots import Album
from fire_detector.replay.sources import Shown, Source
from fire_detector.tiling import TiledClassifier, TURN

# Pictures for each thread that are read ahead.
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


@dataclass(frozen=True)
class Looked:
    """
    Hold what was made of what was shown.

    :ivar picture: the picture; None where there is none.
    :ivar probability: that it shows fire; None where it is not asked for yet, or cannot be told.
    :ivar error: why it cannot.
    """

    picture: Picture | None = None
    probability: float | None = None
    error: Exception | None = None


class Judge:
    """
    Run one model over the pictures of one topic.

    `look` may be called in several threads at a time, `take` is to be called in order.
    """

    def __init__(self, setup: Setup, kind: str, threads: int = 1) -> None:
        """
        Load the model.

        :param kind: of what is shown, as in Shown.
        :param threads: that look at pictures; each has an interpreter of its own.
        :raises ModelError: when the model cannot be used.
        :raises RuntimeUnavailableError: when its runtime cannot be imported.
        :raises ValueError: when a value of the setup is not allowed.
        """
        transport = COMPRESSED if kind == COMPRESSED_IMAGE else RAW
        settings = setup.settings(transport)
        self._detector = load_detector(settings)
        live = live_settings_of(setup.values(transport), self._detector.classifier.contract.alarm)
        self._detector.alarm.settings = live.alarm
        self._detector.alarm.latch = live.alarm_latch
        self._to_picture: Callable[[Any], Picture] = (
            self._detector.to_picture if kind in (IMAGE, COMPRESSED_IMAGE) else _as_it_is)
        self._album = Album(live.alarm.on_threshold)
        self._answers: list[Answer] = []
        # In turn, tiles are remembered from picture to picture: these must come in order.
        self._in_order = settings.tiles == TURN
        self._classifiers: SimpleQueue[TiledClassifier] = SimpleQueue()
        self._classifiers.put(self._detector.classifier)
        for _ in range(0 if self._in_order else threads - 1):
            self._classifiers.put(load_detector(settings).classifier)

    def look(self, shown: Shown) -> Looked:
        """Make a picture of what was shown and, where the order does not matter, judge it."""
        if shown.content is None:
            return Looked(error=ImageError(shown.problem))
        try:
            picture = self._to_picture(shown.content)
            return Looked(picture, None if self._in_order else self._ask(picture, shown.stamp))
        except REJECTIONS as error:
            return Looked(error=error)

    def take(self, shown: Shown, looked: Looked) -> None:
        """
        Answer the next picture, as the node does.

        :param shown: what was shown.
        :param looked: what `look` made of it.
        """
        detector, picture, probability = self._detector, looked.picture, looked.probability
        if picture is None:
            assert looked.error is not None
            self._reject(shown, looked.error)
            return
        if probability is None:
            try:
                probability = self._ask(picture, shown.stamp)
            except REJECTIONS as error:
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

    def _ask(self, picture: Picture, stamp: float) -> float:
        classifier = self._classifiers.get()
        try:
            return classifier.probability(picture, stamp)
        finally:
            self._classifiers.put(classifier)

    def _reject(self, shown: Shown, error: Exception) -> None:
        self._answers.append(Answer(shown.stamp, shown.received, None, self._detector.alarm.active,
                                    *reason_and_detail(error)))


def check_setups(setups: Iterable[Setup]) -> None:
    """
    Load each model once, to learn what is wrong before anything is read.

    :raises ModelError: when a model cannot be used.
    :raises RuntimeUnavailableError: when a runtime cannot be imported.
    :raises ValueError: when a value of a setup is not allowed.
    """
    for setup in setups:
        Judge(setup, IMAGE)


def judge(source: Source, setups: Sequence[Setup], threads: int,
          tick: Callable[[], object] = lambda: None) -> tuple[TopicReport, ...]:
    """
    Run models over every picture of a recording.

    :param source: gives the pictures; they are looked at a few ahead, and not held.
    :param setups: one for each model; `check_setups` tells whether they can be used.
    :param threads: that look at pictures.
    :param tick: called after each picture.
    :return: one report for each topic, in the order of their names.
    """
    topics: dict[tuple[str, str], list[Judge]] = {}

    def judged() -> Iterator[tuple[Shown, list[Judge]]]:
        for shown in source.shown():
            key = shown.topic, shown.kind
            if key not in topics:
                topics[key] = [Judge(setup, shown.kind, threads) for setup in setups]
            yield shown, topics[key]

    for (shown, judges), found in ahead(judged(), _looked, threads):
        for one, looked in zip(judges, found, strict=True):
            one.take(shown, looked)
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


def _looked(judged: tuple[Shown, list[Judge]]) -> list[Looked]:
    shown, judges = judged
    return [one.look(shown) for one in judges]


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
