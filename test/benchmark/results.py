# SPDX-License-Identifier: Apache-2.0
"""The results of the benchmark, and whether they are good enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math

from benchmark.bench import FLOOR, NODE, STRAIGHTFORWARD
from benchmark.workload import Case
from fire_detector.parameters.detector import COMPRESSED, RAW

# Budgets, where there is no other node to compare with: bytes, shares of a core, seconds.
MEMORY, IDLE, INACTIVE, START_CPU = 110 * 10 ** 6, 0.01, 0.005, 1.2
# A steady ratio may be worse than a committed one by so much.
TOLERANCE = 1.25


@dataclass(frozen=True)
class Cost:
    """
    The cost of images at 30 a second for one subject.

    :ivar case: which images.
    :ivar subject: one of SUBJECTS.
    :ivar cpu: milliseconds of processor time for each detection, or for the floor, which has
        none, for each image.
    :ivar latency: p50, p95 and p99 of the milliseconds from stamp to detection; None where that
        is not known.
    :ivar images: how many were published.
    :ivar detections: how many came of them.
    :ivar memory: bytes of resident memory afterward.
    """

    case: Case
    subject: str
    cpu: float
    latency: tuple[float, float, float] | None
    images: int
    detections: int
    memory: int


@dataclass(frozen=True)
class Overload:
    """
    The detections of images that come faster than they can be processed.

    :ivar subject: one of SUBJECTS.
    :ivar rate: images a second.
    :ivar output_rate: detections a second.
    :ivar ages: p50, p99 and the largest of the milliseconds from stamp to detection; None where
        that is not known.
    """

    subject: str
    rate: float
    output_rate: float
    ages: tuple[float, float, float] | None

    @property
    def oldest_allowed(self) -> float:
        """Return the milliseconds of two detections and one period of the camera."""
        return 2000 / self.output_rate + 1000 / self.rate


@dataclass(frozen=True)
class Start:
    """Seconds of processor time, and of time, from the start of the node to a detection."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Inference:
    """Milliseconds, and those of processor time, of `Detector.process` for a model's own size."""

    model: str
    runtime: str
    threads: int
    wall: float
    cpu: float


@dataclass(frozen=True)
class Results:
    """
    All that was measured.

    :ivar idle: share of a core that the active node takes without a camera.
    :ivar inactive: share of a core that the inactive node takes.
    """

    machine: tuple[tuple[str, str], ...]
    costs: tuple[Cost, ...]
    idle: float
    inactive: float
    start: Start
    overloads: tuple[Overload, ...]
    inferences: tuple[Inference, ...]

    def cost(self, case: Case, subject: str) -> Cost | None:
        """Return what a case costs a subject; None where that was not measured."""
        return next((cost for cost in self.costs
                     if (cost.case, cost.subject) == (case, subject)), None)


@dataclass(frozen=True)
class Ratio:
    """
    A figure with a limit.

    :ivar name: what is compared.
    :ivar value: the ratio; less is better.
    :ivar limit: the largest that is good enough.
    :ivar steady: whether it is much the same on a busy machine: a ratio of processor times.
    """

    name: str
    value: float
    limit: float
    steady: bool = False

    @property
    def met(self) -> bool:
        """Return whether it is good enough."""
        return self.value <= self.limit


_VGA, _HD = (640, 480), (1280, 720)
# What the node's processor time is compared with, the limit, and whether the ratio is steady:
# most raw 1280x720 images are sent again in part, since with Fast DDS's defaults the kernel's
# buffer of a socket cannot hold one.
_CPU_LIMITS = (
    (Case(RAW, *_VGA), FLOOR, 1.25, True),
    (Case(RAW, *_VGA), STRAIGHTFORWARD, 0.5, True),
    (Case(RAW, *_HD), STRAIGHTFORWARD, 0.4, False),
    (Case(COMPRESSED, *_VGA), STRAIGHTFORWARD, 0.5, True),
    (Case(COMPRESSED, *_HD), STRAIGHTFORWARD, 0.35, True),
)
# The node's p99 to the straightforward node's p50.
_LATENCY_LIMIT = 1.2


def ratios(results: Results) -> list[Ratio]:
    """Return the figures that have a limit."""
    found = []
    for case, other, limit, steady in _CPU_LIMITS:
        ours, theirs = results.cost(case, NODE), results.cost(case, other)
        if ours and theirs:
            found.append(Ratio(f'{case.name}: CPU, node to {other}', ours.cpu / theirs.cpu,
                               limit, steady))
    for case in (Case(RAW, *_VGA), Case(COMPRESSED, *_VGA)):
        ours, theirs = results.cost(case, NODE), results.cost(case, STRAIGHTFORWARD)
        if ours and theirs:
            found.append(Ratio(
                f'{case.name}: latency, node p99 to straightforward p50',
                ours.latency[2] / theirs.latency[0] if ours.latency and theirs.latency
                else math.inf, _LATENCY_LIMIT))
    found += [Ratio('overload: oldest image to two detections and a period',
                    overload.ages[2] / overload.oldest_allowed if overload.ages else math.inf, 1)
              for overload in results.overloads if overload.subject == NODE]
    if vga := results.cost(Case(RAW, *_VGA), NODE):
        found.append(Ratio(f'memory to {MEMORY / 10 ** 6:g} MB', vga.memory / MEMORY, 1))
    return [*found,
            Ratio(f'idle CPU to {100 * IDLE:g} % of a core', results.idle / IDLE, 1),
            Ratio(f'inactive CPU to {100 * INACTIVE:g} % of a core', results.inactive / INACTIVE,
                  1),
            Ratio(f'CPU of the start to {START_CPU:g} s', results.start.cpu / START_CPU, 1)]


def worse(found: Sequence[Ratio], committed: Mapping[str, float]) -> list[str]:
    """
    Compare ratios with those that were measured before.

    Only the steady ones are compared, so that a busy machine is not taken for slow code.

    :param found: what was measured now.
    :param committed: what was measured before, by name.
    :return: a sentence on each that is worse by more than TOLERANCE.
    """
    return [f'{ratio.name} is {ratio.value:.2f}, and was {committed[ratio.name]:.2f}'
            for ratio in found if ratio.steady and ratio.name in committed
            and ratio.value > TOLERANCE * committed[ratio.name]]
