# SPDX-License-Identifier: Apache-2.0
"""The processes that are measured, and a camera that publishes images to them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import itertools
import math
from multiprocessing.connection import Connection
import os
from pathlib import Path
import sys
import time
from typing import Any, NamedTuple

from benchmark.camera import Command
from ros_session import Process, RosSession
from std_msgs.msg import Float32

NODE, STRAIGHTFORWARD, FLOOR = 'node', 'straightforward', 'floor'
SUBJECTS = (NODE, STRAIGHTFORWARD, FLOOR)
_TESTS = Path(__file__).resolve().parents[1]
# All that is no subject here is the node.
_MODULES = {STRAIGHTFORWARD: 'benchmark.straightforward_node', FLOOR: 'benchmark.floor'}
# The allocator's settings are part of what is compared: man 3 mallopt.
_OF_ALLOCATOR = ('MALLOC_', 'GLIBC_TUNABLES', 'LD_PRELOAD')
# Seconds without a detection after which no more is expected.
_SILENCE = 0.3
_TIMEOUT = 30.0


class BenchmarkError(RuntimeError):
    """Report that something could not be measured."""


@dataclass(frozen=True)
class Subject:
    """
    A running process that is measured.

    :ivar name: its namespace.
    :ivar process: the process.
    """

    name: str
    process: Process

    @property
    def cpu(self) -> float:
        """
        Return the seconds of processor time that all of its threads have taken so far.

        psutil counts in ticks of 10 ms, which are three images. This is the clock that
        clock_getcpuclockid(3) names, in nanoseconds.

        :raises BenchmarkError: when it has ended.
        """
        try:
            return time.clock_gettime(~self.process.popen.pid << 3 | 2)
        except OSError as error:
            raise BenchmarkError(f'{self.name} has ended: {self.process.output}') from error


class Timed(NamedTuple):
    """A probability that a subject has published, and when, in seconds."""

    time: float
    probability: float


@dataclass(frozen=True)
class Turn:
    """
    The detections of a subject for some images.

    :ivar stamps: of the images, in seconds.
    :ivar detections: what it has published for them.
    :ivar cpu: seconds of processor time that it took meanwhile.
    """

    stamps: Sequence[float]
    detections: Sequence[Timed]
    cpu: float = 0.0

    def ages(self, probabilities: Sequence[float]) -> list[float]:
        """
        Return how old each image was when its detection was published.

        Where images were dropped, a detection is taken for that of the newest image published
        before it which has its probability.

        :param probabilities: of the images, before they come again; none where they are too
            close to tell the images apart.
        :return: seconds, one for each detection; none where that is not known.
        """
        if len(self.detections) == len(self.stamps):
            return [detection.time - stamp for stamp, detection in zip(
                self.stamps, self.detections, strict=True)]
        ages = []
        for detection in self.detections if probabilities else ():
            variant = min(range(len(probabilities)), key=lambda number: abs(
                probabilities[number] - detection.probability))
            newest = bisect_right(self.stamps, detection.time) - 1
            number = newest - (newest - variant) % len(probabilities)
            if number < 0:
                raise ValueError(f'probability {detection.probability} is that of image '
                                 f'{variant}, which was not published before')
            ages.append(detection.time - self.stamps[number])
        return ages


def smallest_difference(probabilities: Sequence[float]) -> float:
    """Return how far apart the closest two of several probabilities are."""
    return min((after - before for before, after in itertools.pairwise(sorted(probabilities))),
               default=math.inf)


class Bench:
    """The subjects in one ROS domain, and the camera that they share."""

    def __init__(self, ros: RosSession, camera: Connection) -> None:
        """Subscribe to the detections of all subjects."""
        self._ros, self._camera = ros, camera
        for name in [name for name in ros.environment if name.startswith(_OF_ALLOCATOR)]:
            del ros.environment[name]
        ros.environment['PYTHONPATH'] = os.pathsep.join(
            [str(_TESTS), *filter(None, [ros.environment.get('PYTHONPATH')])])
        # Their detections wait here until they are taken: nothing runs beside a measurement. Those
        # that come while a service is called are ignored.
        self._subscriptions: dict[str, Any] = {
            name: ros.node.create_subscription(
                Float32, f'/{name}/fire_detector/fire_probability', lambda _: None, 1000)
            for name in SUBJECTS}

    @contextmanager
    def running(self, name: str, **parameters: object) -> Iterator[Subject]:
        """
        Run a subject for as long as the context lasts, in the namespace of its name.

        :param name: one of SUBJECTS; others are the node, too.
        :param parameters: those of ROS.
        """
        module = _MODULES.get(name, 'fire_detector.nodes.detector_node')
        words = [word for key, value in parameters.items() for word in ('-p', f'{key}:={value}')]
        process = self._ros.start_command(
            [sys.executable, '-m', module, '--ros-args', *words, '-r', f'__ns:=/{name}'])
        try:
            yield Subject(name, process)
        finally:
            process.end()

    def publish(self, subject: Subject, command: Command) -> Turn:
        """
        Publish images to a subject, and wait for its last detection.

        :raises BenchmarkError: when camera or subject fail.
        """
        before = subject.cpu
        self._camera.send(command)
        stamps = self._stamps()
        detections, since = [], time.monotonic()
        while time.monotonic() < since + _SILENCE:
            if detection := self._take(subject.name):
                detections.append(detection)
                since = time.monotonic()
            else:
                time.sleep(0.02)
        # Those of images before are not counted.
        return Turn(stamps, [detection for detection in detections
                             if detection.time > stamps[0]], subject.cpu - before)

    def first_detection(self, subject: Subject, command: Command) -> tuple[float, float]:
        """
        Publish images to a subject, and wait for its first detection.

        :return: seconds of processor time that the subject has taken until then, and when that
            was, by time.monotonic().
        :raises BenchmarkError: when none comes.
        """
        began, deadline = time.time(), time.monotonic() + _TIMEOUT
        self._camera.send(command)
        while (detection := self._take(subject.name)) is None or detection.time < began:
            if time.monotonic() > deadline:
                raise BenchmarkError(f'no detection of {subject.name} within {_TIMEOUT:g} s')
            time.sleep(0.002)
        cpu, now = subject.cpu, time.monotonic()
        self._stamps()
        return cpu, now

    def _take(self, name: str) -> Timed | None:
        taken = self._subscriptions[name].handle.take_message(Float32, False)
        # When it was published: the delay until this process receives it is not the subject's.
        return taken and Timed(1e-9 * taken[1]['source_timestamp'], taken[0].data)

    def _stamps(self) -> list[float]:
        try:
            stamps: list[float] | Exception = self._camera.recv()
        except EOFError as error:
            raise BenchmarkError('the camera has ended') from error
        if isinstance(stamps, Exception):
            raise BenchmarkError(f'the camera has failed: {stamps}') from stamps
        return stamps
