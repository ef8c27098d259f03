# SPDX-License-Identifier: Apache-2.0
"""What a Keras model answers."""

import keras
import numpy as np
from numpy.typing import NDArray
from training.samples import FIRE


def fire_probability(model: keras.Model, tensors: NDArray[np.float32]) -> NDArray[np.float32]:
    """
    Ask a Keras model how likely fire is.

    :param model: a model whose outputs are in the order of LABELS.
    :param tensors: float32 of shape (pictures, height, width, 3).
    :return: float32 of shape (pictures,), 0..1.
    """
    return np.asarray(model.predict(tensors, verbose=0)[:, FIRE], dtype=np.float32)
