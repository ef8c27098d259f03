# SPDX-License-Identifier: Apache-2.0
"""
Figures with 95 % intervals.

Frames of one video are nearly the same image: ten are worth little more than one. Rates have the
score interval of E. B. Wilson (Probable Inference, the Law of Succession, and Statistical
Inference, JASA 22, 1927), for the number of images that remains when those of one group are
taken as fully alike, by the design effect of L. Kish (Survey Sampling, 1965). Figures that are
no rates are measured again on groups drawn at random, the bootstrap of B. Efron (1979). scipy has
neither: its score interval takes whole numbers of images, its bootstrap draws images and not
groups.
"""

from collections.abc import Iterator
import dataclasses
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
import pandas as pd
from training.measurement.metrics import measure

OVERALL = 'overall'
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
RESAMPLES = 2000
ANYTHING = (0.0, 1.0)
SEED = 0
RESAMPLED = ('balanced_accuracy', 'roc_auc', 'recall_at_1_percent_false_alarms',
             'recall_at_5_percent_false_alarms', 'ece')


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval, from 0 to 1 where nothing follows from the images."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Figures:
    """
    The figures of `Metrics` with their intervals.

    :ivar fire: number of fire images.
    :ivar nofire: number of images without fire.
    :ivar groups: number of groups that the images are from.
    :ivar estimates: the other figures, by name; None for what cannot be measured.
    """

    fire: int
    nofire: int
    groups: int
    estimates: dict[str, Estimate | None]


def figures_by_source(predictions: pd.DataFrame, threshold: float) -> dict[str, Figures]:
    """Return :func:`figures` of all images together, as OVERALL, and of those of each source."""
    return {OVERALL: figures(predictions, threshold)} | {
        str(source): figures(part, threshold) for source, part in predictions.groupby('source')}


def figures(predictions: pd.DataFrame, threshold: float) -> Figures:
    """Compute the figures of predictions, with their intervals."""
    probability, fire, groups = (predictions[name].to_numpy()
                                 for name in ('probability', 'fire', 'group'))
    found = dataclasses.asdict(measure(probability, fire, threshold))
    counted = {'accuracy': np.full(len(fire), True), 'recall': fire, 'false_alarm_rate': ~fire}
    intervals = _bootstrap(probability, fire, groups, threshold)
    estimates: dict[str, Estimate | None] = dict.fromkeys((*counted, *RESAMPLED))
    for name in estimates:
        if found[name] is not None:
            estimates[name] = (
                wilson(found[name], effective_size(groups[counted[name]])) if name in counted
                else Estimate(found[name], *intervals[name]))
    return Figures(found['fire'], found['nofire'], len(np.unique(groups)), estimates)


def effective_size(groups: NDArray[np.str_]) -> float:
    """
    Return the number of independent images worth as much: (sum of n_g)^2 / sum of n_g^2.

    :return: from 1 (all of one group) to the number of images (each its own group).
    """
    sizes = np.unique(groups, return_counts=True)[1]
    return float(sizes.sum() ** 2 / (sizes ** 2).sum())


def wilson(share: float, size: float) -> Estimate:
    """
    Compute the score interval of a rate.

    :param share: the measured rate, 0..1.
    :param size: number of independent images that it was measured on, above 0.
    """
    z = NormalDist().inv_cdf(1 - TAIL)
    scale = 1 + z ** 2 / size
    center = (share + z ** 2 / (2 * size)) / scale
    half = z * (share * (1 - share) / size + (z / (2 * size)) ** 2) ** 0.5 / scale
    # Rounding may push an end past the figure itself, where that is 0 or 1.
    return Estimate(share, max(0.0, min(center - half, share)),
                    min(1.0, max(center + half, share)))


def resamples(groups: NDArray[np.str_]) -> Iterator[NDArray[np.int64]]:
    """
    Draw groups at random, with replacement, as many as there are; RESAMPLES times.

    :return: the indices of each draw's images; an image is there as often as its group.
    """
    names, number = np.unique(groups, return_inverse=True)
    generator = np.random.default_rng(SEED)
    for _ in range(RESAMPLES):
        drawn = np.bincount(generator.integers(len(names), size=len(names)),
                            minlength=len(names))
        yield np.repeat(np.arange(len(groups)), drawn[number])


def _bootstrap(probability: NDArray[np.floating], fire: NDArray[np.bool_],
               groups: NDArray[np.str_], threshold: float) -> dict[str, tuple[float, float]]:
    """Return the interval of each of RESAMPLED, from the resamples that have both labels."""
    # The only group of a label is in every resample as it is: nothing follows for others.
    if min(len(np.unique(groups[mask])) for mask in (fire, ~fire)) < 2:
        return dict.fromkeys(RESAMPLED, ANYTHING)
    found = [measure(probability[drawn], fire[drawn], threshold)
             for drawn in resamples(groups) if 0 < fire[drawn].sum() < len(drawn)]
    intervals = {}
    for name in RESAMPLED:
        low, high = np.quantile([getattr(metrics, name) for metrics in found], (TAIL, 1 - TAIL))
        # Nothing follows from resamples that all agree.
        intervals[name] = ANYTHING if low == high else (float(low), float(high))
    return intervals
