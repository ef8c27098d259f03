# SPDX-License-Identifier: Apache-2.0
"""The input pipeline: batches for Keras, made while the network computes."""

from collections.abc import Sequence
import functools
import math
from typing import Any

from fire_detector.model.preprocessing import InputSpec
import keras
import numpy as np
from numpy.typing import NDArray
from training.data.samples import Sample
from training.learning.cells import CellLoss
from training.learning.sampling import epoch_order
from training.learning.views import augmented_views, Fires, NOWHERE, plain_views
from training.run_folder import TrainingConfig

# Two, since OpenCV and numpy let another thread run while they compute.
WORKERS = 2


def targets(fire: NDArray[np.bool_], outputs: int) -> NDArray[np.float32]:
    """
    Return what a network is to predict.

    :param fire: shape (images,): whether each shows fire.
    :param outputs: 1 for a network whose output is the probability of fire, or the number of
        LABELS for one with a probability of each of them.
    :return: float32 of shape (images, outputs), 0 or 1.
    """
    return np.stack([fire] if outputs == 1 else [fire, ~fire], axis=1).astype(np.float32)


def outputs_of(model: Any) -> tuple[int, tuple[int, int] | None]:
    """
    Return the outputs of a network, of Keras 3 or of tf-keras.

    :return: the number of its values for the whole image, and rows and columns of its heat map,
        if it has one.
    """
    if len(model.outputs) == 1:
        return model.output_shape[1], None
    (_, values), (_, rows, columns, _) = model.output_shape
    return values, (rows, columns)


def compile_model(model: Any, optimizer: Any) -> None:
    """
    Compile a network to be trained on what :class:`Batches` returns.

    :param model: a network of Keras 3 or of tf-keras.
    :param optimizer: an optimizer of the same Keras.
    """
    values, grid = outputs_of(model)
    loss = 'binary_crossentropy' if values == 1 else 'categorical_crossentropy'
    if grid is None:
        model.compile(optimizer=optimizer, metrics=['accuracy'], loss=loss)
    else:
        model.compile(optimizer=optimizer, metrics=[['accuracy'], []], loss=[loss, CellLoss()])


class Batches(keras.utils.PyDataset):
    """
    The batches of one epoch after the other.

    What is in a batch follows from the seed, the epoch and the number of the batch alone: not
    from which thread makes it, nor from where an interrupted training goes on.

    :ivar epoch: the number of the epoch, from 0; to be set before each.
    :ivar factors: how much more often images are drawn in it, see `sampling.epoch_order`.
    """

    def __init__(self, samples: Sequence[Sample], outputs: int, spec: InputSpec,
                 config: TrainingConfig, fires: Fires = NOWHERE) -> None:
        """
        Read the images.

        :param samples: the training samples.
        :param outputs: number of the network's values for an image.
        :param spec: what the network's input holds.
        :param config: augmentation, batch size, balance and seed.
        :param fires: where fires are, for a network with a heat map.
        """
        super().__init__(workers=WORKERS)
        self.epoch = 0
        self.factors: NDArray[np.float64] | None = None
        self._samples, self._config, self._outputs = samples, config, outputs
        self._has_cells = fires.grid is not None
        self._view = (augmented_views(samples, spec, fires, config) if config.augment
                      else plain_views(samples, spec, fires))
        self._order = functools.lru_cache(maxsize=1)(self._draw_order)

    @property
    def images(self) -> int:
        """Return the number of images in an epoch."""
        return len(self._order(self.epoch))

    @property
    def num_batches(self) -> int:
        """Return the number of batches in an epoch."""
        return math.ceil(self.images / self._config.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], Any]:
        """
        Return one batch.

        :return: inputs (batch, height, width, 3) and targets (batch, outputs); for a network with
            a heat map a tuple of these and of what the cells show, (batch, rows, columns, 1).
        """
        start = index * self._config.batch_size
        chosen = self._order(self.epoch)[start:start + self._config.batch_size]
        rng = np.random.default_rng((self._config.seed, self.epoch, 1 + index))
        views = [self._view(int(sample), rng) for sample in chosen]
        whole = targets(np.array([view.fire for view in views]), self._outputs)
        return np.stack([view.tensor for view in views]), (
            (whole, np.stack([view.cells for view in views])) if self._has_cells else whole)

    def _draw_order(self, epoch: int) -> NDArray[np.int64]:
        return epoch_order(self._samples, self._config.balance, self._config.group_cap,
                           np.random.default_rng((self._config.seed, epoch, 0)),
                           self.factors)
