# SPDX-License-Identifier: Apache-2.0
"""
Assess the detector's health: rate, latency and rejections of its images.

The levels are those of diagnostic_msgs/msg/DiagnosticStatus. The first of these rules that holds
gives the level:

- STALE: nothing has arrived yet, and `image_timeout` is not over.
- ERROR: nothing arrives for `image_timeout`; or images were rejected in the period and none
  processed; or one that arrived has waited longer than `image_timeout`; or none of those that were
  processed was fresh, so that no alarm is published.
- WARN: more than MAX_REJECTED of the images that arrived were rejected; more than MAX_DROPPED of
  those that were sent dropped; more than MAX_STALE of those that were processed stale; they were
  older than MAX_AGE then; their age is unknown or cannot be true; or the node knows of a problem
  with its input.
- OK: otherwise. An alarm is no matter of health and does not change the level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from fire_detector.detection.freshness import explain_age, NO_CLOCK, NO_STAMP
from fire_detector.detection.image_statistics import (
    EVENTS,
    percentile,
    Period,
    REASONS,
    Snapshot,
    UNKNOWN,
)
from fire_detector.model.contract import ModelContract

# Shares that may be rejected of the arrived images, dropped of the arrived and dropped ones, and
# stale of the processed ones.
MAX_REJECTED, MAX_DROPPED, MAX_STALE = 0.1, 0.5, 0.1

Values = tuple[tuple[str, str], ...]


class Level(IntEnum):
    """The levels of diagnostic_msgs/msg/DiagnosticStatus, where they are bytes."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Health:
    """
    The content of a DiagnosticStatus.

    :ivar level: the level.
    :ivar message: what is wrong and, where it is known, why; or that all is well.
    :ivar values: keys and texts, in order. Counts are since the start, and thus never fall.
    """

    level: Level
    message: str
    values: Values


def assess(snapshot: Snapshot, image_timeout: float, input_problem: str = '') -> Health:
    """
    Assess the counts of a period.

    :param snapshot: the counts at the end of the period.
    :param image_timeout: seconds that may pass without an image; math.inf where none need come.
    :param input_problem: what is wrong with the node's subscription, in words.
    :return: level, message and values.
    """
    return Health(*_level(snapshot, image_timeout, input_problem), _values(snapshot))


def describe_model(contract: ModelContract, runtime: str, num_threads: int) -> Values:
    """Return the keys and texts that name the model and how it is run."""
    return (('model', f'{contract.name} {contract.version}'),
            ('model SHA-256', contract.model_sha256),
            ('runtime', runtime),
            ('threads', str(num_threads)))


def _level(snapshot: Snapshot, image_timeout: float, input_problem: str) -> tuple[Level, str]:
    period = snapshot.period
    if snapshot.silence >= image_timeout:
        return Level.ERROR, input_problem or f'no image for {snapshot.silence:.1f} s'
    if snapshot.totals['arrived'] == 0:
        return Level.STALE, input_problem or 'no image yet'
    reason, detail = snapshot.rejection
    if period.rejected and not period.processed:
        return Level.ERROR, (f'no image processed, {period.rejected} rejected, '
                             f'the last for its {reason}: {detail}')
    if snapshot.waiting is not None and snapshot.waiting >= image_timeout:
        return Level.ERROR, f'an image has waited {snapshot.waiting:.1f} s to be processed'
    if snapshot.stale_run >= max(1, period.processed):
        return Level.ERROR, (f'no alarm is published, the last {snapshot.stale_run} images are '
                             f'stale: {snapshot.staleness}')
    problems = [input_problem] if input_problem else []
    if period.rejected > MAX_REJECTED * period.arrived:
        problems.append(f'{period.rejected} of {period.arrived} images rejected, '
                        f'the last for its {reason}: {detail}')
    # What was dropped has not arrived. That it would have been skipped is not known of any.
    sent = period.arrived + period.dropped
    if period.dropped > MAX_DROPPED * sent:
        problems.append(f'{period.dropped} of {sent} images dropped for newer ones: '
                        f'they come faster than they can be processed')
    if period.stale > MAX_STALE * period.processed:
        problems.append(f'{period.stale} of {period.processed} images stale, without an alarm: '
                        f'{snapshot.staleness}')
    elif problem := _time_problem(period):
        problems.append(problem)
    if problems:
        return Level.WARN, '; '.join(problems)
    return Level.OK, (f'{_text(snapshot.input_rate)} images/s' if period.arrived else
                      f'last image {snapshot.silence:.1f} s ago')


def _time_problem(period: Period) -> str:
    if period.unstamped > period.processed / 2:
        return NO_STAMP
    if period.without_clock > period.processed / 2:
        return NO_CLOCK
    age = _percentile(period.ages, 50)
    return '' if age is None else explain_age(age)


def _values(snapshot: Snapshot) -> Values:
    period, totals = snapshot.period, snapshot.totals
    return (
        ('input rate (Hz)', _text(snapshot.input_rate)),
        ('output rate (Hz)', _text(snapshot.output_rate)),
        ('since last image (s)',
         UNKNOWN if totals['arrived'] == 0 else _text(snapshot.silence)),
        ('encoding', snapshot.encoding),
        ('size', snapshot.size),
        *((event, str(totals[event])) for event in EVENTS),
        *((f'rejected for {reason}', str(totals[reason])) for reason in REASONS),
        ('last rejection', snapshot.rejection[1] or 'none'),
        ('last staleness', snapshot.staleness or 'none'),
        ('age p50 (s)', _text(_percentile(period.ages, 50), 3)),
        ('age max (s)', _text(_percentile(period.ages, 100), 3)),
        *((f'inference {name} (ms)', _text(_percentile(period.inference, percent), scale=1000))
          for name, percent in (('p50', 50), ('p95', 95), ('max', 100))),
        ('CPU (% of one core)', _text(snapshot.cpu_share, scale=100)),
        ('memory (MiB)', _text(snapshot.memory, scale=2 ** -20)))


def _percentile(values: Sequence[float], percent: int) -> float | None:
    return percentile(values, percent) if values else None


def _text(number: float | None, digits: int = 1, scale: float = 1.0) -> str:
    return UNKNOWN if number is None else f'{number * scale:.{digits}f}'
