# SPDX-License-Identifier: Apache-2.0
"""Measure all that the benchmark tells, each in turn with what it is compared with."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
import os
from pathlib import Path
import platform
from statistics import median
import time

import cv2
from fire_detector.detection.statistics import percentile
from fire_detector.model.locate import models_folder
from fire_detector.parameters.detector import COMPRESSED, RAW
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

from benchmark.answers import (
    ages_by_probability,
    ages_in_order,
    smallest_difference,
)
from benchmark.bench import Bench, BenchmarkError, Shown
from benchmark.camera import Command
from benchmark.inference import measure_inference
from benchmark.results import Cost, Overload, Results, Start
from benchmark.subjects import (
    FLOOR,
    NODE,
    running,
    STRAIGHTFORWARD,
    Subject,
    SUBJECTS,
)
from benchmark.workload import Case, CASES

# Images a second.
RATE = 30.0
VARIANTS, MANY_VARIANTS = 16, 32
# How often it is tried to have each of them answered.
_TRIES = 3
# Closer probabilities may be those of one image.
_DISTINCT = 1e-7
_WARM_UP_RATE = 15.0
_FIRST = 3
_OVERLOAD_CASE, _OVERLOAD, _OVERLOAD_SECONDS = Case(COMPRESSED, 320, 240), 4.0, 3.0


@dataclass(frozen=True)
class Plan:
    """
    How much is measured.

    :ivar cases: which images are shown.
    :ivar rounds: how often each subject has its turn with them.
    :ivar images: that it is shown in each turn.
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


def measure(plan: Plan, model: Path, folder: Path, tell: Callable[[str], None]) -> Results:
    """
    Measure all of it.

    :param plan: how much.
    :param model: what the node runs.
    :param folder: for what the processes print.
    :param tell: called with what is measured next.
    :raises BenchmarkError: when something cannot be measured.
    """
    bench = Bench(folder)
    for name in SUBJECTS:
        bench.listen(name)
    costs: list[Cost] = []
    with bench.camera():
        for transport in (RAW, COMPRESSED):
            parameters = {'image_transport': transport, 'model': model}
            with ExitStack() as stack:
                subjects = [stack.enter_context(running(name, parameters, folder))
                            for name in SUBJECTS]
                for case in plan.cases:
                    if case.transport == transport:
                        tell(case.name)
                        costs += _costs(bench, plan, case, subjects)
        tell('overload')
        overloads = _overloads(bench, model, folder)
        tell('start')
        start = _start(bench, plan.starts, model, folder)
    tell('idle')
    idle, inactive = _idle(bench, plan.idle, model, folder)
    tell('inference')
    cores = os.cpu_count() or 1
    inferences = measure_inference(sorted(models_folder().glob('*.tflite')),
                                   range(1, cores + 1))
    return Results(_machine(cores), tuple(costs), idle, inactive, start, tuple(overloads),
                   tuple(inferences))


def _machine(cores: int) -> tuple[tuple[str, str], ...]:
    return (('processor', f'{platform.machine()}, {cores} cores'),
            ('Python', platform.python_version()), ('OpenCV', cv2.__version__),
            ('ROS', os.environ.get('ROS_DISTRO', 'from PyPI')),
            ('middleware', os.environ.get('RMW_IMPLEMENTATION', 'default')))


def _costs(bench: Bench, plan: Plan, case: Case, subjects: Sequence[Subject]) -> list[Cost]:
    """Show each subject the same images in turn, several times."""
    probabilities = {subject.name: _warm_up(bench, subject, case, VARIANTS)
                     for subject in subjects}
    shown: dict[str, list[Shown]] = {subject.name: [] for subject in subjects}
    for _ in range(plan.rounds):
        for subject in subjects:
            shown[subject.name].append(bench.show(
                subject, Command(subject.name, case, VARIANTS, plan.images, RATE)))
    costs = []
    for subject in subjects:
        turns = shown[subject.name]
        images = sum(len(turn.stamps) for turn in turns)
        answers = sum(len(turn.answers) for turn in turns)
        counted = images if subject.name == FLOOR else answers
        if not counted:
            raise BenchmarkError(f'{subject.name} has answered none of {images} images, '
                                 f'{case.name}')
        ages = _ages(turns, probabilities[subject.name])
        costs.append(Cost(
            case, subject.name, 1000 * sum(turn.cpu for turn in turns) / counted,
            _milliseconds(ages, (50, 95, 99)) if ages else None, images, answers,
            subject.memory))
    return costs


def _warm_up(bench: Bench, subject: Subject, case: Case, variants: int) -> list[float]:
    """Show each image once, slowly; give the probabilities, or none if not all are distinct."""
    # The first may be lost, before camera and subject have found each other.
    bench.show(subject, Command(subject.name, case, variants, _FIRST, _WARM_UP_RATE))
    for _ in range(0 if subject.name == FLOOR else _TRIES):
        answers = bench.show(subject, Command(subject.name, case, variants, variants,
                                              2 * _WARM_UP_RATE)).answers
        probabilities = [answer.probability for answer in answers]
        if len(probabilities) == variants:
            return probabilities if smallest_difference(probabilities) > _DISTINCT else []
    return []


def _ages(turns: Sequence[Shown], probabilities: Sequence[float]) -> list[float]:
    """Return the ages of all answered images; none where that cannot be told."""
    ages: list[float] = []
    for turn in turns:
        if len(turn.answers) == len(turn.stamps):
            ages += ages_in_order(turn.stamps, turn.answers)
        elif probabilities:
            ages += ages_by_probability(turn.stamps, turn.answers, probabilities)
        else:
            return []
    return ages


def _milliseconds(ages: Sequence[float], percents: tuple[int, int, int]
                  ) -> tuple[float, float, float]:
    first, second, third = (1000 * percentile(ages, percent) for percent in percents)
    return first, second, third


def _overloads(bench: Bench, model: Path, folder: Path) -> list[Overload]:
    """Show images several times as fast as they can be answered."""
    parameters = {'image_transport': COMPRESSED, 'model': model}
    overloads = []
    for name in (NODE, STRAIGHTFORWARD):
        with running(name, parameters, folder) as subject:
            probabilities = _warm_up(bench, subject, _OVERLOAD_CASE, MANY_VARIANTS)
            shown = bench.show(subject, Command(name, _OVERLOAD_CASE, MANY_VARIANTS, 60, RATE))
            _check_answered(shown, name)
            rate = _OVERLOAD * len(shown.answers) / shown.cpu
            shown = bench.show(subject, Command(name, _OVERLOAD_CASE, MANY_VARIANTS,
                                                round(_OVERLOAD_SECONDS * rate), rate))
            _check_answered(shown, name)
        ages = _ages([shown], probabilities)
        seconds = shown.stamps[-1] - shown.stamps[0]
        overloads.append(Overload(name, len(shown.stamps) / seconds,
                                  len(shown.answers) / seconds,
                                  _milliseconds(ages, (50, 99, 100)) if ages else None))
    return overloads


def _check_answered(shown: Shown, name: str) -> None:
    if not shown.answers:
        raise BenchmarkError(f'{name} has answered no image before it was to be overloaded, '
                             f'or then')


def _start(bench: Bench, times: int, model: Path, folder: Path) -> Start:
    """Start the node before a camera, again and again."""
    measured = []
    for _ in range(times):
        started = time.monotonic()
        with running(NODE, {'image_transport': RAW, 'model': model}, folder) as node:
            cpu, answered = bench.first_answer(
                # For long enough that they have found each other.
                node, Command(NODE, Case(RAW, 320, 240), VARIANTS, 150, RATE))
        measured.append((cpu, answered - started))
    return Start(*(median(each) for each in zip(*measured, strict=True)))


def _idle(bench: Bench, seconds: float, model: Path, folder: Path) -> tuple[float, float]:
    """Let an active and an inactive node alone; give the shares of a core that they take."""
    with (running(NODE, {'model': model}, folder) as active,
          running('inactive', {'model': model, 'autostart': 'false'}, folder) as inactive):
        service = '/fire_detector/change_state'
        bench.call(ChangeState, f'/inactive{service}', ChangeState.Request(
            transition=Transition(id=Transition.TRANSITION_CONFIGURE)))
        # Answered, whatever it says, when the other has done what it does at its start.
        bench.call(ChangeState, f'/{NODE}{service}', ChangeState.Request())
        # Until it has looked for its camera in vain, and said so.
        bench.wait(3)
        before = active.cpu, inactive.cpu
        bench.wait(seconds)
        return ((active.cpu - before[0]) / seconds, (inactive.cpu - before[1]) / seconds)
