# SPDX-License-Identifier: Apache-2.0
"""
Whether a fire probability means what it says.

Of the images that are given 0.8, four in five should show fire. The probability of fire is
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
    What became of the images whose fire probability is in one range.

    :ivar low: least probability of the range.
    :ivar high: probability below which the range ends; the last range has 1 too.
    :ivar fire: number of fire images in it.
    :ivar nofire: number of images without fire in it.
    :ivar mean_probability: mean probability of its images; None without any.
    """

    low: float
    high: float
    fire: int
    nofire: int
    mean_probability: float | None

    @property
    def fire_share(self) -> float | None:
        """Return the share of fire images; None without any image."""
        images = self.fire + self.nofire
        return self.fire / images if images else None


def calibration_bins(probability: NDArray[np.floating],
                     fire: NDArray[np.bool_]) -> list[CalibrationBin]:
    """
    Sort images into bins of equal width by their fire probability.

    :param probability: shape (images,), 0..1.
    :param fire: shape (images,), whether each image shows fire.
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
    Return how far probability and share of fire are apart: sum of n_bin / n * |mean p - share|.

    :param probability: shape (images,), 0..1; at least one image.
    :param fire: shape (images,), whether each image shows fire.
    :return: 0 (calibrated) to 1.
    """
    # n_bin cancels: in each bin, the difference of two sums is left.
    excess = np.bincount(_bin_number(probability), weights=probability - fire)
    return float(np.abs(excess).sum() / len(probability))


def _bin_number(probability: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)
