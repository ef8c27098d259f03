# SPDX-License-Identifier: Apache-2.0
"""
Choose alarm settings.

A robot acts on an alarm, so a false one costs more than half a second of waiting, and a fire that
burns on is seen again. Hence the order: among the settings that keep to the limits, those with
the fewest false alarms win; then those with less time in false alarm, then with fewer missed
fires, then with fewer flips, then the quicker. Without the limits of missed fires and of the time
to the alarm, the best rule would be one that never raises it; without that of the time to clear,
one that never clears it and so makes one alarm of many.
"""

from collections.abc import Iterable, Iterator, Sequence
import dataclasses
from dataclasses import dataclass
import itertools
import math
from typing import Any

from fire_detector.model.contract import AlarmSettings
from tqdm import tqdm
from training.clips.clip import ClassifiedClip
from training.measurement.alarm_figures import AlarmFigures, measure_rule
from training.measurement.alarm_rules import MeanOfEight, Rule, SingleFrame, Windowed

# Dense where the models of training, whose mistakes are confident ones, have their thresholds.
ON_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
# As shares of the on threshold's.
OFF_SHARES = (0.4, 0.7)
WINDOWS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
MIN_FRAMES = (3, 5)
MAX_P95_TIME = 1.0
MAX_CLEAR_TIME = 1.5
MAX_MISSED_SHARE = 0.1


@dataclass(frozen=True)
class Candidate:
    """A rule and its figures."""

    rule: Rule
    figures: AlarmFigures

    def to_record(self) -> dict[str, Any]:
        """Return the rule's kind and settings, and its figures, for a record."""
        return self.rule.to_record() | dataclasses.asdict(self.figures)


def rules_to_try(on_threshold: float) -> Iterator[Rule]:
    """
    Yield the node's rule with all settings, and the rules to compare it with at all thresholds.

    :param on_threshold: the model's own, which is tried besides ON_THRESHOLDS.
    """
    thresholds = sorted({*ON_THRESHOLDS, on_threshold})
    for on, share, window, frames in itertools.product(
            thresholds, OFF_SHARES, WINDOWS, MIN_FRAMES):
        yield Windowed(AlarmSettings(on, round(share * on, 4), window, frames))
    for threshold in thresholds:
        yield SingleFrame(threshold)
        yield MeanOfEight(threshold)


def measure_rules(rules: Iterable[Rule], clips: Sequence[ClassifiedClip]) -> list[Candidate]:
    """Measure rules on clips."""
    # disable=None: no bar where the output is not a terminal.
    return [Candidate(rule, measure_rule(rule, clips))
            for rule in tqdm(list(rules), desc='trying rules', disable=None)]


def keeps_limits(figures: AlarmFigures, max_missed_share: float) -> bool:
    """Return whether a rule finds enough fires, soon enough, and clears soon enough."""
    return (figures.missed_share <= max_missed_share
            and _or_never(figures.p95_time) <= MAX_P95_TIME
            and _or_never(figures.median_clear) <= MAX_CLEAR_TIME)


def rank(candidates: Sequence[Candidate], max_missed_share: float) -> list[Candidate]:
    """
    Sort candidates by the order in the module's docstring.

    Those that do not keep to the limits come last, the fewest missed fires first.
    """
    def key(candidate: Candidate) -> tuple[float, ...]:
        figures = candidate.figures
        cost = (figures.false_alarms, figures.share_in_alarm or 0.0, figures.missed,
                figures.flips, _or_never(figures.median_time))
        if keeps_limits(figures, max_missed_share):
            return (0, *cost)
        return (1, figures.missed, *cost)
    return sorted(candidates, key=key)


def best_of_each(candidates: Sequence[Candidate], settings: int) -> list[Candidate]:
    """
    Return the best settings of the node's rule, and the best of each other rule.

    :param candidates: the best first.
    :param settings: number of settings of the node's rule.
    """
    best: dict[type, list[Candidate]] = {Windowed: []}
    for candidate in candidates:
        best.setdefault(type(candidate.rule), []).append(candidate)
    return [*best.pop(Windowed)[:settings], *(of_rule[0] for of_rule in best.values())]


def chosen_settings(best: Candidate, max_missed_share: float) -> AlarmSettings | None:
    """Return the settings of the best candidate, or None where it exceeds a limit."""
    if isinstance(best.rule, Windowed) and keeps_limits(best.figures, max_missed_share):
        return best.rule.settings
    return None


def _or_never(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds
