# SPDX-License-Identifier: Apache-2.0
"""The images of an epoch, and their order."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
import math

import numpy as np
from numpy.typing import NDArray
from training.data.samples import labels_of, Sample


def _nothing(samples: Sequence[Sample]) -> list[float]:
    return [1.0] * len(samples)


def _class(samples: Sequence[Sample]) -> list[float]:
    counts = Counter(sample.label for sample in samples)
    return [1 / counts[sample.label] for sample in samples]


def _source(samples: Sequence[Sample]) -> list[float]:
    """Weigh sources by the square root of their size, and classes alike."""
    counts = Counter((sample.label, sample.source) for sample in samples)
    shares = {key: math.sqrt(count) for key, count in counts.items()}
    totals = defaultdict[int, float](float)
    for (label, _), share in shares.items():
        totals[label] += share
    return [shares[sample.label, sample.source] / totals[sample.label]
            / counts[sample.label, sample.source] for sample in samples]


# What is balanced, and how much each sample then weighs: nothing; the classes; the classes, and
# within each of them the sources.
BALANCES: dict[str, Callable[[Sequence[Sample]], list[float]]] = {
    'none': _nothing, 'class': _class, 'source': _source}


def _multiply(weights: NDArray[np.float64], factors: NDArray[np.float64],
              labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Multiply weights by factors, with the sum of those of each label as it was."""
    multiplied = weights * factors
    for label in np.unique(labels):
        of_label = labels == label
        multiplied[of_label] *= weights[of_label].sum() / multiplied[of_label].sum()
    return multiplied


def epoch_order(samples: Sequence[Sample], balance: str, group_cap: int,
                rng: np.random.Generator, factors: NDArray[np.float64] | None = None
                ) -> NDArray[np.int64]:
    """
    Draw the images of one epoch.

    :param samples: the training samples.
    :param balance: a key of BALANCES.
    :param group_cap: images of one group that may be drawn at most, others in each epoch; 0 for
        all of them.
    :param rng: source of the choices.
    :param factors: shape (samples,), above 0: how much more often images are drawn than others of
        their label; None for all alike.
    :return: indices into samples, shuffled; as many as there are samples under the cap.
    """
    shuffled = rng.permutation(len(samples))
    seen = Counter[str]()
    kept = []
    for index in shuffled.tolist():
        seen[samples[index].group] += 1
        if not group_cap or seen[samples[index].group] <= group_cap:
            kept.append(index)
    weighted = np.array(BALANCES[balance]([samples[index] for index in kept]))
    if factors is not None:
        weighted = _multiply(weighted, factors[kept],
                             labels_of([samples[index] for index in kept]))
    weights = np.cumsum(weighted)
    # Systematic resampling: each index comes as often as its weight says, rounded up or down.
    # J. Carpenter et al., "Improved particle filter for nonlinear problems", 1999.
    positions = (np.arange(len(kept)) + rng.random()) / len(kept) * weights[-1]
    drawn = np.minimum(np.searchsorted(weights, positions, side='right'), len(kept) - 1)
    return rng.permutation(np.array(kept, dtype=np.int64)[drawn])
