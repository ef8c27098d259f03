# SPDX-License-Identifier: Apache-2.0
"""
The figures of alarms: how soon they are raised, how often, and how often falsely.

A fire begins with the first frame that it fills at least half of, and is gone with the first in
which nothing of its scene is left. Time without fire is all other time, but for the turn of the
camera towards the fire and away, and for the time that an alarm takes to clear after the fire.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
import math

import numpy as np
import pandas as pd
from scipy.stats import chi2
from training.clips.clip import ClassifiedClip, Clip, IN_VIEW
from training.measurement.alarm_rules import Rule
from training.measurement.intervals import Estimate, TAIL

# A fire that raises no alarm within so many seconds is missed.
MISSED_AFTER = 3.0
# As soon as a robot should know of a fire that fills its view, in seconds.
IN_TIME = 1.0


@dataclass(frozen=True)
class Outcome:
    """The figures of a rule in one clip, which :func:`outcome` computes."""

    fire: bool
    early: bool = False
    time_to_alarm: float | None = None
    time_to_clear: float | None = None
    stuck: bool = False
    flips: int = 0
    false_alarms: int = 0
    nofire_seconds: float = 0.0
    alarm_seconds: float = 0.0

    @property
    def missed(self) -> bool:
        """Return whether a fire raised no alarm in time."""
        return self.fire and not self.early and self.time_to_alarm is None


@dataclass(frozen=True)
class RecordedFigures:
    """
    How a rule did in recorded videos, each of which shows fire, a wanted flame or neither.

    :ivar in_time: fires with an alarm within IN_TIME.
    :ivar silent: videos of neither without an alarm.
    :ivar wanted_alarmed: wanted flames with an alarm.
    """

    fires: int
    in_time: int
    nofire: int
    silent: int
    wanted: int
    wanted_alarmed: int


@dataclass(frozen=True)
class AlarmFigures:
    """The figures of a rule in a set of clips, which :func:`summarize` computes."""

    fires: int
    missed: int
    early: int
    median_time: float | None
    p95_time: float | None
    worst_time: float | None
    flips: int
    median_clear: float | None
    stuck: int
    hours: float
    false_alarms: int
    false_alarms_an_hour: Estimate | None
    share_in_alarm: float | None
    scenes: int
    scenes_in_alarm: int
    false_alarms_by_kind: dict[str, int]
    missed_by_source: dict[str, int]

    @property
    def missed_share(self) -> float:
        """Return the share that was missed, of the fires that came while there was no alarm."""
        return self.missed / max(self.fires - self.early, 1)


def outcome(classified: ClassifiedClip, rule: Rule) -> Outcome:
    """Apply a rule to a clip, of which at most one stretch shows a fire."""
    stamps, fire_share = classified.stamps, classified.fire_share
    active = rule.decide(stamps, classified.probability)
    raised = active & ~np.concatenate(([False], active[:-1]))
    calm = fire_share == 0
    # A frame stands for the time until the next one, over a gap too.
    lengths = np.diff(stamps, append=stamps[-1] + np.median(np.diff(stamps)))
    in_view = np.flatnonzero(fire_share >= IN_VIEW)
    early, time_to_alarm, time_to_clear, stuck, flips = False, None, None, False, 0
    if in_view.size:
        first, last = int(in_view[0]), int(in_view[-1])
        # Early: the alarm was raised already when the fire came.
        before = np.flatnonzero(calm[:first])
        early = bool(before.size and active[before[-1]])
        in_alarm = np.flatnonzero(active[first:last + 1]) + first
        if in_alarm.size:
            delay = float(stamps[in_alarm[0]] - stamps[first])
            time_to_alarm = None if early or delay > MISSED_AFTER else delay
            # Flips: how often the alarm went or came again during the fire.
            flips = int(np.diff(active[in_alarm[0]:last + 1].astype(int)).astype(bool).sum())
        after = np.flatnonzero(calm[last:]) + last
        if active[last] and after.size:
            # Stuck: the alarm stayed from the fire's end to the clip's.
            cleared = np.flatnonzero(~active[last:]) + last
            stuck = not cleared.size
            end = len(stamps) if stuck else int(cleared[0])
            calm[last:end] = False
            time_to_clear = None if stuck else max(float(stamps[end] - stamps[after[0]]), 0.0)
    return Outcome(bool(in_view.size), early, time_to_alarm, time_to_clear, stuck, flips,
                   false_alarms=int((raised & calm).sum()),
                   nofire_seconds=float(lengths[calm].sum()),
                   alarm_seconds=float(lengths[calm & active].sum()))


def measure_rule(rule: Rule, clips: Sequence[ClassifiedClip]) -> AlarmFigures:
    """Apply a rule to clips."""
    return summarize([(classified.clip, outcome(classified, rule)) for classified in clips])


def summarize(outcomes: Sequence[tuple[Clip, Outcome]]) -> AlarmFigures:
    """Compute the figures of all clips together."""
    clips = pd.DataFrame([vars(found) | {'missed': found.missed, 'kind': clip.kind,
                                         'source': clip.source} for clip, found in outcomes])
    sums = clips[['fire', 'missed', 'early', 'flips', 'stuck', 'false_alarms']].sum()
    numbers = {str(name): int(value) for name, value in sums.items()}
    # Of the fires neither missed nor early; all times are in seconds, and None without any.
    times = clips['time_to_alarm'].dropna()
    # An alarm that stays takes forever to clear.
    clears = [*clips['time_to_clear'].dropna(), *[math.inf] * numbers['stuck']]
    # Time without fire, and the share of it that was spent in alarm.
    seconds = float(clips['nofire_seconds'].sum())
    share = float(clips['alarm_seconds'].sum()) / seconds if seconds else None
    # Clips without fire, and those with a false alarm.
    scenes = clips[~clips['fire']]
    return AlarmFigures(
        fires=numbers.pop('fire'), **numbers,
        median_time=_quantile(times, 0.5), p95_time=_quantile(times, 0.95),
        worst_time=_quantile(times, 1.0), median_clear=_quantile(clears, 0.5),
        hours=seconds / 3600, share_in_alarm=share,
        false_alarms_an_hour=poisson(numbers['false_alarms'], seconds / 3600) if seconds else None,
        scenes=len(scenes), scenes_in_alarm=int((scenes['false_alarms'] > 0).sum()),
        false_alarms_by_kind=_nonzero_sums(clips, 'kind', 'false_alarms'),
        missed_by_source=_nonzero_sums(clips, 'source', 'missed'))


def summarize_recorded(outcomes: Sequence[tuple[Clip, Outcome]]) -> RecordedFigures:
    """Count how a rule did in recorded videos."""
    fires = [found for _, found in outcomes if found.fire]
    by_kind = {kind: [found.false_alarms > 0 for clip, found in outcomes if clip.kind == kind]
               for kind in ('nofire', 'benign_flame')}
    return RecordedFigures(
        len(fires), sum(found.time_to_alarm is not None and found.time_to_alarm <= IN_TIME
                        for found in fires),
        len(by_kind['nofire']), by_kind['nofire'].count(False),
        len(by_kind['benign_flame']), by_kind['benign_flame'].count(True))


def _nonzero_sums(clips: pd.DataFrame, by: str, column: str) -> dict[str, int]:
    sums = clips.groupby(by)[column].sum()
    return {str(name): int(number) for name, number in sums.items() if number}


def _quantile(values: Iterable[float], share: float) -> float | None:
    """Interpolate a quantile; None without values, or where it is infinite."""
    ordered = sorted(values)
    if not ordered:
        return None
    # Not np.quantile, which makes of two infinite neighbors one that is not a number.
    position = share * (len(ordered) - 1)
    low, high = ordered[math.floor(position)], ordered[math.ceil(position)]
    if math.isinf(high):
        return None
    return low + (position - math.floor(position)) * (high - low)


def poisson(count: int, hours: float) -> Estimate:
    """
    Compute the hourly rate of events and its exact 95 % interval.

    Events that come independently have chi-squared limits (F. Garwood, Fiducial Limits for the
    Poisson Distribution, Biometrika 28, 1936): chi2(2k) / 2 below, chi2(2k + 2) / 2 above.

    :param count: the events.
    :param hours: the time in which they came, above 0.
    """
    low = float(chi2.ppf(TAIL, 2 * count)) / 2 if count else 0.0
    return Estimate(count / hours, low / hours,
                    float(chi2.ppf(1 - TAIL, 2 * count + 2)) / 2 / hours)
