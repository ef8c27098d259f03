# SPDX-License-Identifier: Apache-2.0
"""
How soon, how often and how falsely a rule raises the alarm.

A fire begins with the first frame that it fills at least half of, and is gone with the first in
which nothing of its scene is left. Time without fire is all other time, but for the turn of the
camera towards the fire and away, and for the time that an alarm takes to clear after the fire.
"""

from collections.abc import Sequence
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


@dataclass(frozen=True)
class Outcome:
    """
    What a rule did in one clip.

    :ivar fire: whether there is a fire in it.
    :ivar early: whether the alarm was raised already when the fire came.
    :ivar time_to_alarm: seconds; None without a fire, when early and when missed.
    :ivar time_to_clear: seconds from the fire's end to that of its alarm; None when the alarm
        was not raised then, when it stayed, and when the clip ends with the fire.
    :ivar stuck: whether the alarm stayed, from the fire's end to the clip's.
    :ivar flips: how often the alarm went or came again during the fire, after it was raised.
    :ivar false_alarms: how often it was raised without a fire.
    :ivar nofire_seconds: time without fire.
    :ivar alarm_seconds: how much of it was spent in alarm.
    """

    fire: bool
    early: bool
    time_to_alarm: float | None
    time_to_clear: float | None
    stuck: bool
    flips: int
    false_alarms: int
    nofire_seconds: float
    alarm_seconds: float

    @property
    def missed(self) -> bool:
        """Return whether a fire raised no alarm in time."""
        return self.fire and not self.early and self.time_to_alarm is None


@dataclass(frozen=True)
class AlarmFigures:
    """
    What a rule did in a set of clips.

    :ivar fires: clips with a fire.
    :ivar missed: those without an alarm within MISSED_AFTER seconds.
    :ivar early: those in which the alarm was raised before the fire came.
    :ivar median_time: seconds from fire to alarm, of those neither missed nor early; None
        without any, as the next two.
    :ivar p95_time: the 95th percentile of these, interpolated.
    :ivar worst_time: the longest of these.
    :ivar flips: how often alarms went or came again during a fire, of all fires together.
    :ivar median_clear: median of the seconds from the end of a fire to that of its alarm; None
        without any, or when most stayed.
    :ivar stuck: alarms that stayed to the end of the clip after the fire was gone.
    :ivar hours: time without fire.
    :ivar false_alarms: how often the alarm was raised in it.
    :ivar false_alarms_an_hour: the same an hour, with the Poisson interval; None without hours.
    :ivar share_in_alarm: share of the time without fire that was spent in alarm; None without.
    :ivar scenes: clips without fire.
    :ivar scenes_in_alarm: those with a false alarm.
    :ivar false_alarms_by_kind: number of false alarms in each kind of clip, those with fire too.
    :ivar missed_by_source: number of missed fires of each source that has some.
    """

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
    """Follow a rule through a clip, of which at most one stretch shows a fire."""
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
        before = np.flatnonzero(calm[:first])
        early = bool(before.size and active[before[-1]])
        in_alarm = np.flatnonzero(active[first:last + 1]) + first
        if in_alarm.size:
            delay = float(stamps[in_alarm[0]] - stamps[first])
            time_to_alarm = None if early or delay > MISSED_AFTER else delay
            flips = int(np.diff(active[in_alarm[0]:last + 1].astype(int)).astype(bool).sum())
        after = np.flatnonzero(calm[last:]) + last
        if active[last] and after.size:
            cleared = np.flatnonzero(~active[last:]) + last
            stuck = not cleared.size
            end = len(stamps) if stuck else int(cleared[0])
            calm[last:end] = False
            time_to_clear = None if stuck else max(float(stamps[end] - stamps[after[0]]), 0.0)
    return Outcome(bool(in_view.size), early, time_to_alarm, time_to_clear, stuck, flips,
                   int((raised & calm).sum()), float(lengths[calm].sum()),
                   float(lengths[calm & active].sum()))


def measure_rule(rule: Rule, clips: Sequence[ClassifiedClip]) -> AlarmFigures:
    """Follow a rule through clips."""
    return summarize([(classified.clip, outcome(classified, rule)) for classified in clips])


def summarize(found: Sequence[tuple[Clip, Outcome]]) -> AlarmFigures:
    """Add up what was found in clips."""
    clips = pd.DataFrame([vars(one) | {'missed': one.missed, 'kind': clip.kind,
                                       'source': clip.source} for clip, one in found])
    sums = clips[['fire', 'missed', 'early', 'flips', 'stuck', 'false_alarms']].sum()
    numbers = {str(name): int(value) for name, value in sums.items()}
    times = clips['time_to_alarm'].dropna().tolist()
    clears = [*clips['time_to_clear'].dropna().tolist(), *[math.inf] * numbers['stuck']]
    seconds = float(clips['nofire_seconds'].sum())
    calm = clips[~clips['fire']]
    return AlarmFigures(
        fires=numbers.pop('fire'), **numbers,
        median_time=_quantile(times, 0.5), p95_time=_quantile(times, 0.95),
        worst_time=_quantile(times, 1.0), median_clear=_quantile(clears, 0.5),
        hours=seconds / 3600,
        false_alarms_an_hour=poisson(numbers['false_alarms'], seconds / 3600) if seconds else None,
        share_in_alarm=float(clips['alarm_seconds'].sum()) / seconds if seconds else None,
        scenes=len(calm), scenes_in_alarm=int((calm['false_alarms'] > 0).sum()),
        false_alarms_by_kind=_counts(clips, 'kind', 'false_alarms'),
        missed_by_source=_counts(clips, 'source', 'missed'))


def _counts(clips: pd.DataFrame, by: str, what: str) -> dict[str, int]:
    """Add up numbers by name, and leave out the names with none."""
    sums = clips.groupby(by)[what].sum()
    return {str(name): int(number) for name, number in sums.items() if number}


def _quantile(values: Sequence[float], share: float) -> float | None:
    """Interpolate a quantile; None without values, or where it is infinite."""
    if not values:
        return None
    # Not np.quantile, which makes of two infinite neighbors one that is not a number.
    ordered = sorted(values)
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
