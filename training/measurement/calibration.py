# SPDX-License-Identifier: Apache-2.0
"""
The calibration of fire probabilities.

Of the images with a probability of 0.8, four in five should show fire. The probability of fire is
compared with the share of fire, as M. P. Naeini et al. (Obtaining Well Calibrated Probabilities
Using Bayesian Binning, AAAI 2015) do for two classes; not the confidence in whichever class won
with the share of right predictions, as C. Guo et al. (arXiv:1706.04599, 2017) do for many. The 15
bins of equal width are Guo's. scikit-learn has the bins' means, but neither their sizes nor the
error.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
import pandas as pd

BINS = 15


def calibration_bins(probability: NDArray[np.floating],
                     fire: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """
    Count images in bins of equal width of the fire probability.

    :return: for each bin that has images its range (`low`, `high`), the number of `images`, their
        `mean_probability` and the `fire_share` among them.
    """
    number = _bin_number(probability)
    frame = pd.DataFrame({'probability': probability, 'fire': fire, 'low': number / BINS,
                          'high': (number + 1) / BINS})
    bins: list[dict[str, Any]] = frame.groupby(['low', 'high']).agg(
        images=('fire', 'size'), mean_probability=('probability', 'mean'),
        fire_share=('fire', 'mean')).reset_index().to_dict('records')
    return bins


def expected_calibration_error(probability: NDArray[np.floating],
                               fire: NDArray[np.bool_]) -> float:
    """
    Return the sum over all bins of n_bin / n * |mean probability - share of fire|.

    :return: 0 (calibrated) to 1.
    """
    # n_bin cancels: in each bin, the difference of two sums is left.
    excess = np.bincount(_bin_number(probability), weights=probability - fire)
    return float(np.abs(excess).sum() / len(probability))


def _bin_number(probability: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)
