# SPDX-License-Identifier: Apache-2.0
"""What the benchmark has measured, and whether that is good enough."""

from collections.abc import Sequence
from dataclasses import dataclass
import math

from fire_detector.parameters.detector import COMPRESSED, RAW

from benchmark.inference import Inference
from benchmark.subjects import FLOOR, NODE, STRAIGHTFORWARD
from benchmark.workload import Case

# Budgets of what no other node is a measure of.
IDLE, INACTIVE = 0.01, 0.005
START_CPU = 1.2
MEMORY = 110 * 10 ** 6
# A ratio of the committed ones may be worse by so much.
TOLERANCE = 1.25


@dataclass(frozen=True)
class Cost:
    """
    What images at 30 a second cost one subject.

    :ivar case: which images.
    :ivar subject: one of SUBJECTS.
    :ivar cpu: milliseconds of processor time an image: an answered one, or for the floor, which
        answers nothing, a shown one.
    :ivar latency: p50, p95 and p99 of the milliseconds from stamp to answer; None where that
        cannot be told.
    :ivar shown: images.
    :ivar answered: images.
    :ivar memory: bytes that the process holds afterward.
    """

    case: Case
    subject: str
    cpu: float
    latency: tuple[float, float, float] | None
    shown: int
    answered: int
    memory: int


@dataclass(frozen=True)
class Overload:
    """
    What becomes of images that come faster than they can be answered.

    :ivar subject: one of SUBJECTS.
    :ivar rate: images a second that are shown.
    :ivar answer_rate: images a second that are answered.
    :ivar ages: p50, p99 and the largest of the milliseconds from stamp to answer; None where
        that cannot be told.
    """

    subject: str
    rate: float
    answer_rate: float
    ages: tuple[float, float, float] | None

    @property
    def oldest_allowed(self) -> float:
        """Return the milliseconds of two answers and one period of the camera."""
        return 2000 / self.answer_rate + 1000 / self.rate


@dataclass(frozen=True)
class Start:
    """
    What the start of the node takes.

    :ivar cpu: seconds of processor time until the first answer.
    :ivar wall: seconds until then.
    """

    cpu: float
    wall: float


@dataclass(frozen=True)
class Results:
    """
    All that was measured.

    :ivar machine: what it was measured on.
    :ivar costs: of each case and subject.
    :ivar idle: share of a core that the active node takes without a camera.
    :ivar inactive: share of a core that the inactive node takes.
    :ivar start: of the node.
    :ivar overloads: of each subject.
    :ivar inferences: of the models alone.
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
    One figure that decides.

    :ivar name: what is compared.
    :ivar value: the ratio; less is better.
    :ivar limit: the largest that is good enough.
    :ivar steady: whether it is much the same on a busy machine: a ratio of processor times.
    """

    name: str
    value: float
    limit: float
    steady: bool

    @property
    def met(self) -> bool:
        """Return whether it is good enough."""
        return self.value <= self.limit


_VGA, _HD = (640, 480), (1280, 720)
# Transport, size, what the node's processor time an image is compared with, the limit, and
# whether the ratio is steady: most raw 1280x720 images are sent again in part, since with
# Fast DDS's defaults the kernel's buffer of a socket cannot hold one.
_CPU_LIMITS = (
    (RAW, _VGA, FLOOR, 1.25, True),
    (RAW, _VGA, STRAIGHTFORWARD, 0.5, True),
    (RAW, _HD, STRAIGHTFORWARD, 0.4, False),
    (COMPRESSED, _VGA, STRAIGHTFORWARD, 0.5, True),
    (COMPRESSED, _HD, STRAIGHTFORWARD, 0.35, True),
)
# The node's p99 to the straightforward node's p50.
_LATENCY_LIMIT = 1.2


def ratios(results: Results) -> list[Ratio]:
    """Make the figures that decide of what was measured."""
    found = []
    for transport, size, other, limit, steady in _CPU_LIMITS:
        case = Case(transport, *size)
        ours, theirs = results.cost(case, NODE), results.cost(case, other)
        if ours is not None and theirs is not None:
            found.append(Ratio(f'{case.name}: CPU, node to {other}', ours.cpu / theirs.cpu,
                               limit, steady))
    for transport in (RAW, COMPRESSED):
        case = Case(transport, *_VGA)
        ours, theirs = results.cost(case, NODE), results.cost(case, STRAIGHTFORWARD)
        if ours is not None and theirs is not None:
            value = (ours.latency[2] / theirs.latency[0] if ours.latency and theirs.latency
                     else math.inf)
            found.append(Ratio(f'{case.name}: latency, node p99 to straightforward p50',
                               value, _LATENCY_LIMIT, False))
    found += [Ratio('overload: oldest answer to two answers and a period',
                    overload.ages[2] / overload.oldest_allowed if overload.ages else math.inf,
                    1, False)
              for overload in results.overloads if overload.subject == NODE]
    vga = results.cost(Case(RAW, *_VGA), NODE)
    if vga is not None:
        found.append(Ratio(f'memory to {MEMORY / 10 ** 6:g} MB', vga.memory / MEMORY, 1, False))
    return [*found,
            Ratio(f'idle CPU to {100 * IDLE:g} % of a core', results.idle / IDLE, 1, False),
            Ratio(f'inactive CPU to {100 * INACTIVE:g} % of a core',
                  results.inactive / INACTIVE, 1, False),
            Ratio(f'CPU of the start to {START_CPU:g} s', results.start.cpu / START_CPU, 1,
                  False)]


def worse(found: Sequence[Ratio], committed: dict[str, float]) -> list[str]:
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
