# SPDX-License-Identifier: Apache-2.0
"""Percentiles of a few values, which need no numpy."""

from collections.abc import Sequence
import math


def percentile(values: Sequence[float], percent: int) -> float:
    """
    Give the smallest value that is not below so many percent of them (nearest rank).

    :param values: in any order.
    :param percent: 1..100.
    :raises ValueError: when there are none.
    """
    if not values:
        raise ValueError('there is no percentile of nothing')
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]
