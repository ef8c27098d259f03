# SPDX-License-Identifier: Apache-2.0
"""
Whether a fire probability means what it says.

Of the pictures that are given 0.8, four in five should show fire. The probability of fire is
compared with the share of fire, as M. P. Naeini et al. (Obtaining Well Calibrated Probabilities
Using Bayesian Binning, AAAI 2015) do for two classes; not the confidence in whichever class won
with the share of right answers, as C. Guo et al. (arXiv:1706.04599, 2017) do for many. The 15
bins of equal width are Guo's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15


@dataclass(frozen=True)
class CalibrationBin:
    """
    Hold what became of the pictures whose fire probability is in one range.

    :ivar low: least probability of the range.
    :ivar high: probability below which the range ends; the last range has 1 too.
    :ivar fire: number of fire pictures in it.
    :ivar nofire: number of pictures without fire in it.
    :ivar mean_probability: mean probability of its pictures; None without any.
    """

    low: float
    high: float
    fire: int
    nofire: int
    mean_probability: float | None

    @property
    def fire_share(self) -> float | None:
        """Tell the share of fire pictures; None without any picture."""
        pictures = self.fire + self.nofire
        return self.fire / pictures if pictures else None


def calibration_bins(probability: NDArray[np.floating],
                     fire: NDArray[np.bool_]) -> list[CalibrationBin]:
    """
    Sort pictures into bins of equal width by their fire probability.

    :param probability: shape (pictures,), 0..1.
    :param fire: shape (pictures,), whether each picture shows fire.
    :return: all BINS bins, the empty ones too, from 0 to 1.
    """
    number = _bin_number(probability)
    bins = []
    for index in range(BINS):
        inside = number == index
        bins.append(CalibrationBin(
            low=index / BINS, high=(index + 1) / BINS,
            fire=int((inside & fire).sum()), nofire=int((inside & ~fire).sum()),
            mean_probability=float(probability[inside].mean()) if inside.any() else None))
    return bins


def expected_calibration_error(probability: NDArray[np.floating],
                               fire: NDArray[np.bool_]) -> float:
    """
    Tell how far probability and share of fire are apart: sum of n_bin / n * |mean p - share|.

    :param probability: shape (pictures,), 0..1; at least one picture.
    :param fire: shape (pictures,), whether each picture shows fire.
    :return: 0 (calibrated) to 1.
    """
    # n_bin cancels: in each bin, the difference of two sums is left.
    excess = np.bincount(_bin_number(probability), weights=probability - fire)
    return float(np.abs(excess).sum() / len(probability))


def _bin_number(probability: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)
