# SPDX-License-Identifier: Apache-2.0
"""
Tell how well the detector is supplied with pictures, and how it keeps up with them.

The levels are those of diagnostic_msgs/msg/DiagnosticStatus. A period is what lies between two
snapshots, a second or so; the first of these rules that holds gives the level:

- STALE: nothing has arrived yet, and `image_timeout` is not over.
- ERROR: nothing arrives for `image_timeout`; or pictures were rejected in the period and none
  answered; or one that arrived has waited longer than `image_timeout`.
- WARN: more than `max_rejected` of the period's pictures were rejected; more than `max_dropped`
  of them dropped; they were older than `max_age` when they were answered; their age cannot be
  told or cannot be true; or the node knows of a problem with its input.
- OK: otherwise. An alarm is no matter of health and does not change the level.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from fire_detector.model_contract import ModelContract
from fire_detector.percentiles import percentile
from fire_detector.picture_age import age_problem, NO_CLOCK, NO_STAMP
from fire_detector.process_usage import Usage

# What a picture can be rejected for. Others are counted together: what a publisher sends must
# not make this grow.
ENCODING, SIZE, DATA, DECODE, INFERENCE, OTHER = REASONS = (
    'encoding', 'size', 'data', 'decode', 'inference', 'other')
# Measurements of a period that are kept, the last ones: more than come in a second.
MAX_MEASUREMENTS = 256
# Snapshots that a rate is taken over, so that a slow camera's does not jump.
RATE_PERIODS = 5
MAX_TEXT = 160
UNKNOWN = 'unknown'

Values = tuple[tuple[str, str], ...]


class Level(IntEnum):
    """The levels of diagnostic_msgs/msg/DiagnosticStatus, where they are bytes."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Limits:
    """
    Say from where on something is wrong; the module's text has the rules.

    :ivar image_timeout: seconds without a picture; math.inf where none need come.
    :ivar max_age: seconds from a picture's stamp to its answer, for half of the pictures.
    :ivar max_rejected: share of the arrived pictures, 0..1.
    :ivar max_dropped: likewise, of those that were not skipped.
    """

    image_timeout: float = 2.0
    max_age: float = 1.0
    max_rejected: float = 0.1
    max_dropped: float = 0.5


@dataclass(frozen=True)
class Health:
    """
    Hold what goes into a DiagnosticStatus.

    :ivar level: the level.
    :ivar message: what is wrong and, where it is known, why; or that all is well.
    :ivar values: keys and texts, in order. Counts are since the start, and thus never fall.
    """

    level: Level
    message: str
    values: Values


@dataclass
class _Period:
    """Count what happened between two snapshots."""

    arrived: int = 0
    skipped: int = 0
    dropped: int = 0
    rejected: int = 0
    answered: int = 0
    unstamped: int = 0
    without_clock: int = 0
    inference: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_MEASUREMENTS))
    ages: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_MEASUREMENTS))


class Statistics:
    """
    Count what happens to pictures, and judge it once in a while.

    Every time is the caller's: `now` in seconds of a steady clock. Calls come from one thread
    at a time. An event costs a few additions; sorting is left to `snapshot`.

    :ivar limits: from where on something is wrong; may be set at any time.
    :ivar answer_rate: answers a second, as of the last snapshot; None before there is one.
    """

    def __init__(self, now: float, limits: Limits = Limits(), about: Values = ()) -> None:
        """
        Begin to count.

        :param now: seconds.
        :param limits: from where on something is wrong.
        :param about: keys and texts that do not change, such as `about_model` gives.
        """
        self.limits = limits
        self._about = about
        self._last_arrival = now
        self._waiting_since: float | None = None
        self._picture = UNKNOWN, UNKNOWN
        self._rejection = OTHER, ''
        self._period = _Period()
        self._totals: Counter[str] = Counter()
        self._cpu: tuple[float, float] | None = None
        # Time, pictures arrived and pictures answered.
        self._marks: deque[tuple[float, int, int]] = deque([(now, 0, 0)], maxlen=RATE_PERIODS)
        self.answer_rate: float | None = None

    @property
    def heard(self) -> bool:
        """Tell whether any picture has come since counting began."""
        return self._totals['arrived'] + self._period.arrived > 0

    def silence(self, now: float) -> float:
        """Tell how many seconds ago the last picture came, or counting began."""
        return now - self._last_arrival

    def arrived(self, now: float, encoding: str, size: str) -> None:
        """Count a picture that came, whatever becomes of it."""
        self._period.arrived += 1
        self._last_arrival = now
        if self._waiting_since is None:
            self._waiting_since = now
        self._picture = encoding[:MAX_TEXT], size[:MAX_TEXT]

    def skipped(self) -> None:
        """Count a picture that was left out on purpose, by a limit of the rate."""
        self._period.skipped += 1
        self._waiting_since = None

    def dropped(self, count: int = 1) -> None:
        """Count pictures that were passed over for a newer one."""
        self._period.dropped += count

    def rejected(self, reason: str, detail: str) -> None:
        """
        Count a picture that could not be answered.

        :param reason: one of REASONS; whatever else counts as 'other'.
        :param detail: what was wrong with it.
        """
        self._period.rejected += 1
        self._waiting_since = None
        self._rejection = reason if reason in REASONS else OTHER, detail[:MAX_TEXT]
        self._totals[self._rejection[0]] += 1

    def answered(self, inference: float, stamp: float, clock: float) -> None:
        """
        Count a picture that was answered.

        :param inference: seconds that it took.
        :param stamp: of the picture, in seconds; 0 where the camera sets none.
        :param clock: ROS time at the answer, in seconds; 0 for simulated time without a clock.
        """
        period = self._period
        period.answered += 1
        self._waiting_since = None
        period.inference.append(inference)
        if stamp == 0:
            period.unstamped += 1
        elif clock == 0:
            period.without_clock += 1
        else:
            period.ages.append(clock - stamp)

    def snapshot(self, now: float, usage: Usage, alarm: bool, input_problem: str = '') -> Health:
        """
        Judge the period that ends now, and begin the next one.

        :param now: seconds.
        :param usage: what the process has used so far.
        :param alarm: whether the fire alarm is raised.
        :param input_problem: what the node knows to be wrong with its subscription, in words.
        """
        period, self._period = self._period, _Period()
        for name in ('arrived', 'answered', 'skipped', 'dropped', 'rejected'):
            self._totals[name] += getattr(period, name)
        since, arrived, answered = self._marks[0]
        rate = _ratio(self._totals['arrived'] - arrived, now - since)
        self.answer_rate = _ratio(self._totals['answered'] - answered, now - since)
        level, message = self._judge(period, now, input_problem)
        if level == Level.OK:
            message = (f'{_text(rate)} pictures/s' if period.arrived else
                       f'last picture {now - self._last_arrival:.1f} s ago')
        values = (
            ('input rate (Hz)', _text(rate)),
            ('answer rate (Hz)', _text(self.answer_rate)),
            ('since last picture (s)', UNKNOWN if self._totals['arrived'] == 0 else
             _text(now - self._last_arrival)),
            ('encoding', self._picture[0]),
            ('size', self._picture[1]),
            *((name, str(self._totals[name]))
              for name in ('arrived', 'answered', 'skipped', 'dropped', 'rejected')),
            *((f'rejected for {reason}', str(self._totals[reason])) for reason in REASONS),
            ('last rejection', self._rejection[1] or 'none'),
            ('age p50 (s)', _text(_percentile(period.ages, 50), 3)),
            ('age max (s)', _text(_percentile(period.ages, 100), 3)),
            *((f'inference {name} (ms)', _text(_percentile(period.inference, percent), scale=1000))
              for name, percent in (('p50', 50), ('p95', 95), ('max', 100))),
            ('CPU (% of one core)', _text(self._cpu_share(now, usage), scale=100)),
            ('memory (MiB)', _text(usage.memory, scale=2 ** -20)),
            ('alarm', 'raised' if alarm else 'not raised'),
            *self._about)
        self._marks.append((now, self._totals['arrived'], self._totals['answered']))
        return Health(level, message, values)

    def _judge(self, period: _Period, now: float, input_problem: str) -> tuple[Level, str]:
        limits = self.limits
        silent = now - self._last_arrival
        if silent >= limits.image_timeout:
            return Level.ERROR, input_problem or f'no picture for {silent:.1f} s'
        if self._totals['arrived'] == 0:
            return Level.STALE, input_problem or 'no picture yet'
        reason, detail = self._rejection
        if period.rejected and not period.answered:
            return Level.ERROR, (f'no picture answered, {period.rejected} rejected, '
                                 f'the last for its {reason}: {detail}')
        if self._waiting_since is not None and now - self._waiting_since >= limits.image_timeout:
            return Level.ERROR, (f'a picture has waited {now - self._waiting_since:.1f} s '
                                 f'for its answer')
        problems = [input_problem] if input_problem else []
        if period.rejected > limits.max_rejected * period.arrived:
            problems.append(f'{period.rejected} of {period.arrived} pictures rejected, '
                            f'the last for its {reason}: {detail}')
        wanted = period.arrived - period.skipped
        if period.dropped > limits.max_dropped * wanted:
            problems.append(f'{period.dropped} of {wanted} pictures dropped for newer ones: '
                            f'they come faster than they can be answered')
        problems += filter(None, [_time_problem(period, limits.max_age)])
        return (Level.WARN, '; '.join(problems)) if problems else (Level.OK, '')

    def _cpu_share(self, now: float, usage: Usage) -> float | None:
        before, self._cpu = self._cpu, (now, usage.cpu)
        return None if before is None else _ratio(usage.cpu - before[1], now - before[0])


def about_model(contract: ModelContract, runtime: str, num_threads: int) -> Values:
    """Make the keys and texts that say what answers the pictures."""
    return (('model', f'{contract.name} {contract.version}'),
            ('model SHA-256', contract.model_sha256),
            ('runtime', runtime),
            ('threads', str(num_threads)))


def _time_problem(period: _Period, max_age: float) -> str:
    if period.unstamped > period.answered / 2:
        return NO_STAMP
    if period.without_clock > period.answered / 2:
        return NO_CLOCK
    age = _percentile(period.ages, 50)
    return '' if age is None else age_problem(age, max_age)


def _percentile(values: Sequence[float], percent: int) -> float | None:
    """Give a percentile; None where there are no values."""
    return percentile(values, percent) if values else None


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _text(number: float | None, digits: int = 1, scale: float = 1.0) -> str:
    return UNKNOWN if number is None else f'{number * scale:.{digits}f}'
