# SPDX-License-Identifier: Apache-2.0
"""The figures of a model's predictions: recall, false alarms, ROC AUC and others."""

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, roc_curve
from training.data.samples import FIRE, labels_of, Sample
from training.markdown import format_number, markdown_table
from training.measurement.calibration import expected_calibration_error

THRESHOLDS = tuple(tenth / 10 for tenth in range(1, 10))
# Shares of the no-fire images that may be called fire.
FALSE_ALARM_LIMITS = (0.01, 0.05)


@dataclass(frozen=True)
class Metrics:
    """The figures that :func:`measure` computes; None where images of a label are missing."""

    fire: int
    nofire: int
    accuracy: float
    recall: float | None = None
    false_alarm_rate: float | None = None
    balanced_accuracy: float | None = None
    roc_auc: float | None = None
    recall_at_1_percent_false_alarms: float | None = None
    recall_at_5_percent_false_alarms: float | None = None
    ece: float | None = None


@dataclass(frozen=True)
class OperatingPoint:
    """
    The figures at one threshold.

    :ivar threshold: None where no predicted probability keeps to the limit that it is chosen for.
    :ivar chosen_for: why this threshold is of interest; empty for one of a series.
    """

    threshold: float | None
    chosen_for: str
    recall: float | None
    false_alarm_rate: float | None
    precision: float | None


def measure(probability: NDArray[np.floating], fire: NDArray[np.bool_],
            threshold: float = 0.5) -> Metrics:
    """Compute the figures of fire probabilities."""
    called = probability >= threshold
    # Shares: of the fire images, and of those without fire, that are called fire.
    recall, false_alarm_rate = share_of(called[fire]), share_of(called[~fire])
    found = Metrics(fire=int(fire.sum()), nofire=int((~fire).sum()),
                    accuracy=float((called == fire).mean()),
                    recall=recall, false_alarm_rate=false_alarm_rate)
    if recall is None or false_alarm_rate is None:
        return found
    false_alarms, recalls, _ = roc_curve(fire, probability, drop_intermediate=False)
    # Recall at the smallest of the probabilities that, as the threshold, keeps to each limit.
    at_1_percent, at_5_percent = (float(recalls[last_within(false_alarms, limit)])
                                  for limit in FALSE_ALARM_LIMITS)
    return dataclasses.replace(
        found, balanced_accuracy=(recall + 1 - false_alarm_rate) / 2,
        # The chance that a fire image has a higher probability than one without fire.
        roc_auc=float(auc(false_alarms, recalls)),
        recall_at_1_percent_false_alarms=at_1_percent,
        recall_at_5_percent_false_alarms=at_5_percent,
        ece=expected_calibration_error(probability, fire))


def measure_by_source(probability: NDArray[np.floating], samples: Sequence[Sample],
                      threshold: float = 0.5) -> dict[str, Metrics]:
    """
    Compute the figures of all images together, as 'overall', and of those of each source.

    :param samples: the images that it was predicted for.
    """
    fire = labels_of(samples) == FIRE
    sources = np.array([sample.source for sample in samples])
    return {'overall': measure(probability, fire, threshold)} | {
        source: measure(probability[sources == source], fire[sources == source], threshold)
        for source in sorted(set(sources.tolist()))}


def for_contract(test: Metrics) -> dict[str, float | None]:
    """Return metrics of the `test` split by their names in a model's contract."""
    return {f'test_{name}': value for name, value in dataclasses.asdict(test).items()}


def format_table(by_source: dict[str, Metrics]) -> str:
    """Format the result of :func:`measure_by_source` as a Markdown table."""
    return markdown_table(
        ['source', 'fire', 'no fire', 'accuracy', 'recall', 'false alarms', 'ROC AUC'],
        [[source, found.fire, found.nofire, *map(format_number, (
            found.accuracy, found.recall, found.false_alarm_rate, found.roc_auc))]
         for source, found in by_source.items()])


def operating_points(probability: NDArray[np.floating], fire: NDArray[np.bool_],
                     threshold: float) -> list[OperatingPoint]:
    """
    Compute the figures at a series of thresholds, at the model's own, and at few false alarms.

    :return: points for THRESHOLDS and, with both labels, FALSE_ALARM_LIMITS; the smallest
        threshold first.
    """
    reasons = dict.fromkeys(THRESHOLDS, '') | {threshold: "the model's own"}
    points = [_operating_point(probability, fire, value, why) for value, why in reasons.items()]
    if fire.any() and not fire.all():
        false_alarms, _, thresholds = roc_curve(fire, probability, drop_intermediate=False)
        points += [_operating_point(probability, fire,
                                    thresholds[last_within(false_alarms, limit)],
                                    f'at most {limit:.0%} false alarms'.replace('%', ' %'))
                   for limit in FALSE_ALARM_LIMITS]
    return sorted(points, key=lambda point: math.inf if point.threshold is None
                  else point.threshold)


def _operating_point(probability: NDArray[np.floating], fire: NDArray[np.bool_],
                     threshold: float, chosen_for: str) -> OperatingPoint:
    called = probability >= threshold
    return OperatingPoint(
        threshold=float(threshold) if math.isfinite(threshold) else None, chosen_for=chosen_for,
        recall=share_of(called[fire]), false_alarm_rate=share_of(called[~fire]),
        precision=share_of(fire[called]))


def last_within(false_alarms: NDArray[np.float64], limit: float) -> int:
    """
    Return the index of a ROC curve's smallest threshold that keeps to a limit of false alarms.

    :param false_alarms: shape (thresholds,), rates that begin at 0 and do not fall.
    :param limit: share of the no-fire images that may be called fire.
    """
    return int(np.searchsorted(false_alarms, limit, side='right')) - 1


def share_of(hits: NDArray[np.bool_]) -> float | None:
    """Return the share that is true, or None of an empty array."""
    return float(hits.mean()) if hits.size else None
