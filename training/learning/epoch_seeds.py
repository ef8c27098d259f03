# SPDX-License-Identifier: Apache-2.0
"""Random choices that do not depend on where an interrupted training goes on."""

from typing import Any

import keras
import numpy as np
from training.learning.batches import Batches


class EpochSeeds(keras.callbacks.Callback):
    """
    Let the choice of images, and that of dropout, follow from the seed and the epoch.

    Keras does not save the state of its seed generators with a model: without this, a training
    that goes on would draw other choices than one that was never interrupted.
    """

    def __init__(self, seed: int, batches: Batches) -> None:
        """Take the seed of the training, and the batches that have to know the epoch."""
        super().__init__()
        self._seed, self._batches = seed, batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Return the epoch to the batches, and to every layer that draws at random."""
        self._batches.epoch = epoch
        for number, layer in enumerate(self.model.layers):
            if hasattr(layer, 'seed_generator'):
                layer.seed_generator.state.assign(np.random.SeedSequence(
                    (self._seed, epoch, number)).generate_state(2))
