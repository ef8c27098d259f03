# SPDX-License-Identifier: Apache-2.0
"""The probability from which on an image is called fire, chosen for few false alarms."""

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from training.measurement.intervals import Estimate, wilson

DIGITS = 3


@dataclass(frozen=True)
class Threshold:
    """
    A threshold, and its figures on the images that it was chosen on, each group counting as one.

    :ivar value: probability at or above which an image is called fire.
    """

    value: float
    false_alarm_rate: Estimate
    recall: Estimate

    def for_contract(self, split: str) -> dict[str, float]:
        """Return the figures by their names in a model's contract."""
        return {f'{split}_{name}{end}': value for name, found in (
            ('false_alarm_rate', self.false_alarm_rate), ('recall', self.recall))
            for end, value in (('', found.value), ('_low', found.low), ('_high', found.high))}


def choose_threshold(probability: NDArray[np.floating], fire: NDArray[np.bool_],
                     groups: NDArray[np.str_], false_alarms: float) -> Threshold:
    """
    Choose the smallest threshold that keeps to a share of false alarms.

    A long video counts as one scene, or the threshold would be made for it alone.

    :param false_alarms: share of the no-fire images that may be called fire, 0..1.
    :return: the threshold, midway between the first no-fire image that it must not call fire
        and the next higher probability, so that it depends on neither alone; rounded up to
        DIGITS, so that a person can write it into a parameter file.
    """
    weights = group_weights(groups)
    order = np.argsort(probability[~fire])[::-1]
    shares = np.cumsum(weights[~fire][order]) / weights[~fire].sum()
    # The first no-fire image, from the top, with which the share would be too large.
    first = int(np.searchsorted(shares, false_alarms + 1e-9, side='right'))
    refused = float(probability[~fire][order[first]]) if first < len(order) else 0.0
    above = probability[probability > refused]
    value = _rounded_up((refused + float(above.min() if above.size else 1.0)) / 2)
    called = probability >= value

    def rate(mask: NDArray[np.bool_]) -> Estimate:
        return wilson(float(np.average(called[mask], weights=weights[mask])),
                      len(set(groups[mask].tolist())))

    return Threshold(value, rate(~fire), rate(fire))


def group_weights(groups: NDArray[np.str_]) -> NDArray[np.float64]:
    """
    Return weights by which the images of each group count as one together.

    :return: shape (images,), one over the number of images in each one's group.
    """
    _, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(1 / sizes[number])


def _rounded_up(value: float) -> float:
    step = 10.0 ** (math.floor(math.log10(value)) + 1 - DIGITS) if value > 0 else 0.0
    return min(1.0, round(math.ceil(value / step) * step, 12)) if step else 0.0
