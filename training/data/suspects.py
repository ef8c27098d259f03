# SPDX-License-Identifier: Apache-2.0
"""
Labels that may be wrong: images that look like another kind to models that never saw them.

A logistic regression on what EfficientNet-Lite0 sees, taught by all folds of the images but one,
says of that one how likely each kind is: C. G. Northcutt et al., Confident Learning, 2021,
https://arxiv.org/abs/1911.00068. Folds are made by group, whatever the splits are, so that no
image is judged by what its near-duplicates are called. An image is suspected, not convicted:
small flames are found among these, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fire_detector.model.preprocessing import InputSpec
import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from training.data.loading import load_tensors
from training.data.samples import DatasetError, Sample
from training.networks.lite0 import whole_network

SIDE = 128
# Images that are in memory at a time, as the network's input.
CHUNK = 2048
FOLDS = 5
SUSPICIOUS = 0.05
REGULARIZATION = 300.0
ITERATIONS = 60


@dataclass(frozen=True)
class Suspect:
    """
    An image whose label may be wrong.

    :ivar probability: of the kind that it is labeled as, below SUSPICIOUS.
    :ivar looks_like: the most likely kind.
    """

    sample: Sample
    probability: float
    looks_like: str


def features(samples: Sequence[Sample]) -> NDArray[np.float32]:
    """
    Compute what EfficientNet-Lite0 sees in images.

    :return: shape (len(samples), features).
    :raises WeightsError: when the package with the ImageNet weights is not installed.
    :raises ImageFileError: when an image cannot be read.
    """
    network, spec = whole_network(keras, SIDE), InputSpec(height=SIDE, width=SIDE)
    return np.concatenate([
        network.predict(load_tensors(samples[start:start + CHUNK], spec), batch_size=64,
                        verbose=0) for start in range(0, len(samples), CHUNK)])


def find_suspects(samples: Sequence[Sample], seen: NDArray[np.float32]) -> list[Suspect]:
    """
    Find images that look like another kind than they are labeled as.

    :param samples: the images, of two kinds at least, each of them in two groups at least.
    :param seen: what :func:`features` returns.
    :return: the suspects, the most suspicious first.
    :raises DatasetError: when there are too few kinds or groups.
    """
    names, kinds = np.unique([sample.kind for sample in samples], return_inverse=True)
    groups = np.array([sample.group for sample in samples])
    least = min(len(np.unique(groups[kinds == kind])) for kind in range(len(names)))
    if len(names) < 2 or least < 2:
        raise DatasetError(f'labels cannot be judged: each of {", ".join(names)} is in {least} '
                           f'groups or more, and two kinds in two groups each are needed')
    predicted = _out_of_fold(seen, kinds, groups, min(FOLDS, least))
    own = predicted[np.arange(len(samples)), kinds]
    return [Suspect(samples[index], float(own[index]), str(names[predicted[index].argmax()]))
            for index in np.argsort(own, kind='stable').tolist() if own[index] < SUSPICIOUS]


def _out_of_fold(seen: NDArray[np.float32], kinds: NDArray[np.int64],
                 groups: NDArray[np.str_], folds: int) -> NDArray[np.float64]:
    """Return the probability of each kind: shape (images, kinds)."""
    predicted = np.zeros((len(kinds), kinds.max() + 1))
    for known, asked in StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(
            seen, kinds, groups):
        model = make_pipeline(StandardScaler(), LogisticRegression(
            C=1 / REGULARIZATION, max_iter=ITERATIONS)).fit(seen[known], kinds[known])
        # By index, since a rare kind may be in none of the groups that a model knows.
        predicted[np.ix_(asked, model.classes_)] = model.predict_proba(seen[asked])
    return predicted
