# SPDX-License-Identifier: Apache-2.0
"""All measurements of the benchmark, each in turn with what it is compared with."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
import itertools
from multiprocessing.connection import Connection
import os
from pathlib import Path
import platform
from statistics import median
import time

from benchmark.bench import (
    Bench,
    BenchmarkError,
    FLOOR,
    NODE,
    smallest_difference,
    STRAIGHTFORWARD,
    Subject,
    SUBJECTS,
    Turn,
)
from benchmark.camera import Command
from benchmark.results import Cost, Inference, Overload, Results, Start
from benchmark.workload import Case, CASES
import cv2
from fire_detector.detection.detector import Detector, Rejection
from fire_detector.detection.image_statistics import percentile
from fire_detector.images.color_image import ColorImage
from fire_detector.model.classifier import RuntimeUnavailableError
from fire_detector.model.locate import models_folder
from fire_detector.parameters.detector import COMPRESSED, RAW
from fire_detector.ros.messages import to_image_message
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import GetState
import numpy as np
import psutil
from ros_session import RosSession
from std_msgs.msg import Header

# Images a second.
RATE, WARM_UP_RATE = 30.0, 15.0
VARIANTS, MANY_VARIANTS = 16, 32
# How often it is tried to have each of them processed.
_TRIES = 3
# Closer probabilities may be those of one image.
_DISTINCT = 1e-7
_OVERLOAD_CASE, _OVERLOAD, _OVERLOAD_SECONDS = Case(COMPRESSED, 320, 240), 4.0, 3.0
_RUNTIMES = ('litert', 'tflite')
_INFERENCE_ROUNDS, _INFERENCES, _WARM_UP = 7, 20, 5


@dataclass(frozen=True)
class Plan:
    """
    How much is measured.

    :ivar cases: which images are published.
    :ivar rounds: how often each subject has its turn with them.
    :ivar images: in each turn.
    :ivar starts: of the node.
    :ivar idle: seconds without a camera.
    """

    cases: tuple[Case, ...]
    rounds: int
    images: int
    starts: int
    idle: float


FULL = Plan(CASES, rounds=2, images=60, starts=3, idle=8.0)
QUICK = Plan(tuple(case for case in CASES if case.width > 320), rounds=2, images=30, starts=1,
             idle=4.0)


def measure(plan: Plan, model: Path, ros: RosSession, camera: Connection,
            report: Callable[[str], None]) -> Results:
    """
    Measure everything.

    :param plan: how much.
    :param model: what the subjects run.
    :param ros: where they run.
    :param camera: of `running_camera`.
    :param report: called with what is measured next.
    :raises BenchmarkError: when something cannot be measured.
    """
    bench = Bench(ros, camera)
    found: list[Cost] = []
    for transport in (RAW, COMPRESSED):
        with ExitStack() as stack:
            subjects = [stack.enter_context(bench.running(
                name, image_transport=transport, model=model)) for name in SUBJECTS]
            for case in plan.cases:
                if case.transport == transport:
                    report(case.name)
                    found += costs(bench, plan, case, subjects)
    report('overload')
    overloads = tuple(_overload(bench, name, model) for name in (NODE, STRAIGHTFORWARD))
    report('start')
    start = _start(bench, plan.starts, model)
    report('idle')
    idle, inactive = _idle(bench, ros, plan.idle, model)
    report('inference')
    return Results(_machine(), tuple(found), idle, inactive, start, overloads,
                   tuple(measure_inference(sorted(models_folder().glob('*.tflite')))))


def _machine() -> tuple[tuple[str, str], ...]:
    return (('processor', f'{platform.machine()}, {psutil.cpu_count()} cores'),
            ('Python', platform.python_version()), ('OpenCV', cv2.__version__),
            ('ROS', os.environ.get('ROS_DISTRO', 'from PyPI')),
            ('middleware', os.environ.get('RMW_IMPLEMENTATION', 'default')))


def costs(bench: Bench, plan: Plan, case: Case, subjects: Sequence[Subject]) -> list[Cost]:
    """Publish the same images to each subject in turn, as often as planned; return their costs."""
    probabilities = [_warm_up(bench, subject, case, VARIANTS) for subject in subjects]
    rounds = [[bench.publish(subject, Command(subject.name, case, VARIANTS, plan.images, RATE))
               for subject in subjects] for _ in range(plan.rounds)]
    return [_cost(case, subject, turns, known) for subject, known, turns in zip(
        subjects, probabilities, zip(*rounds, strict=True), strict=True)]


def _cost(case: Case, subject: Subject, turns: Sequence[Turn], probabilities: Sequence[float]
          ) -> Cost:
    images = sum(len(turn.stamps) for turn in turns)
    detections = sum(len(turn.detections) for turn in turns)
    counted = images if subject.name == FLOOR else detections
    if not counted:
        raise BenchmarkError(f'{subject.name} has processed none of {images} images, {case.name}')
    return Cost(case, subject.name, 1000 * sum(turn.cpu for turn in turns) / counted,
                _percentiles(turns, probabilities, (50, 95, 99)), images, detections,
                subject.process.memory)


def _warm_up(bench: Bench, subject: Subject, case: Case, variants: int) -> list[float]:
    """Publish each image once, slowly; return the probabilities, none if they are not distinct."""
    # The first may be lost, before camera and subject have found each other.
    bench.publish(subject, Command(subject.name, case, variants, 3, WARM_UP_RATE))
    for _ in range(0 if subject.name == FLOOR else _TRIES):
        detections = bench.publish(subject, Command(
            subject.name, case, variants, variants, 2 * WARM_UP_RATE)).detections
        probabilities = [detection.probability for detection in detections]
        if len(probabilities) == variants:
            return probabilities if smallest_difference(probabilities) > _DISTINCT else []
    return []


def _percentiles(turns: Sequence[Turn], probabilities: Sequence[float],
                 percents: tuple[int, int, int]) -> tuple[float, float, float] | None:
    """Return percentiles of the images' ages in milliseconds; None if not all are known."""
    ages = [turn.ages(probabilities) for turn in turns]
    if not all(ages):
        return None
    first, second, third = (1000 * percentile(list(itertools.chain(*ages)), percent)
                            for percent in percents)
    return first, second, third


def _overload(bench: Bench, name: str, model: Path) -> Overload:
    """Publish images several times as fast as they can be processed."""
    with bench.running(name, image_transport=COMPRESSED, model=model) as subject:
        probabilities = _warm_up(bench, subject, _OVERLOAD_CASE, MANY_VARIANTS)
        turn = bench.publish(subject, Command(name, _OVERLOAD_CASE, MANY_VARIANTS, 60, RATE))
        if turn.detections:
            rate = _OVERLOAD * len(turn.detections) / turn.cpu
            turn = bench.publish(subject, Command(name, _OVERLOAD_CASE, MANY_VARIANTS,
                                                  round(_OVERLOAD_SECONDS * rate), rate))
    if not turn.detections:
        raise BenchmarkError(f'{name} has processed no image before it was to be overloaded, '
                             f'or then')
    seconds = turn.stamps[-1] - turn.stamps[0]
    return Overload(name, len(turn.stamps) / seconds, len(turn.detections) / seconds,
                    _percentiles([turn], probabilities, (50, 99, 100)))


def _start(bench: Bench, times: int, model: Path) -> Start:
    """Start the node before a camera several times; return the medians."""
    measured = []
    for _ in range(times):
        started = time.monotonic()
        with bench.running(NODE, image_transport=RAW, model=model) as node:
            cpu, detected = bench.first_detection(
                # For long enough that they have found each other.
                node, Command(NODE, Case(RAW, 320, 240), VARIANTS, 150, RATE))
        measured.append((cpu, detected - started))
    return Start(*(median(each) for each in zip(*measured, strict=True)))


def _idle(bench: Bench, ros: RosSession, seconds: float, model: Path) -> tuple[float, float]:
    """Return the shares of a core of an active node without a camera and of an inactive one."""
    with (bench.running(NODE, model=model) as active,
          bench.running('inactive', model=model, autostart='false') as inactive):
        ros.change_state(Transition.TRANSITION_CONFIGURE, '/inactive/fire_detector')
        # It responds once it has started.
        ros.call(GetState, f'/{NODE}/fire_detector/get_state', GetState.Request())
        # Until it has logged that there is no camera.
        time.sleep(3)
        before = active.cpu, inactive.cpu
        time.sleep(seconds)
        return ((active.cpu - before[0]) / seconds, (inactive.cpu - before[1]) / seconds)


def measure_inference(models: Sequence[Path], rounds: int = _INFERENCE_ROUNDS) -> list[Inference]:
    """
    Time the models in turn, in every runtime that can be imported and with every core.

    The image has the size that the model expects, so that nearly all of the time is inference.

    :param models: .tflite files.
    :param rounds: how often each has its turn.
    """
    detectors = {}
    for runtime, threads, model in itertools.product(
            _RUNTIMES, range(1, (psutil.cpu_count() or 1) + 1), models):
        try:
            detectors[model, runtime, threads] = Detector(model, runtime, threads)
        except RuntimeUnavailableError:
            continue
    times: dict[tuple[Path, str, int], list[tuple[float, float]]] = {key: [] for key in detectors}
    for _ in range(rounds):
        for key, detector in detectors.items():
            times[key].append(_time(detector))
    return [Inference(model.name, runtime, threads, *(
        median(each) for each in zip(*times[model, runtime, threads], strict=True)))
        for model, runtime, threads in times]


def _time(detector: Detector) -> tuple[float, float]:
    spec = detector.classifier.contract.input_spec
    message = to_image_message(
        ColorImage(np.zeros((spec.height, spec.width, 3), np.uint8), 'RGB'), Header())
    for _ in range(_WARM_UP):
        detection = detector.process(message)
        if isinstance(detection, Rejection):
            raise BenchmarkError(f'{detector.model}: {detection.detail}')
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(_INFERENCES):
        detector.process(message)
    return (1000 * (time.perf_counter() - wall) / _INFERENCES,
            1000 * (time.process_time() - cpu) / _INFERENCES)
