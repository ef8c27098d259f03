# SPDX-License-Identifier: Apache-2.0
"""The input pipeline: batches for Keras, made while the network computes."""

from collections.abc import Sequence
import functools
import math
from typing import Any, Protocol

import cv2
from fire_detector.picture import Picture
from fire_detector.picture_files import read_picture
from fire_detector.preprocessing import InputSpec, preprocess
import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from training.data.loading import load_tensors
from training.data.samples import FIRE, LABELS, labels_of, Sample
from training.learning.augmentation import augment
from training.learning.sampling import epoch_order
from training.run_folder import TrainingConfig

# Two, since OpenCV and numpy let another thread run while they compute.
WORKERS = 2


class Tensors(Protocol):
    """What can give the network's input for each of a list of samples."""

    def tensor(self, index: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Give float32 of shape (height, width, 3) for one sample."""


class PlainTensors:
    """Pictures as they are: prepared once, as the node prepares them."""

    def __init__(self, samples: Sequence[Sample], spec: InputSpec) -> None:
        """Read the pictures; float32 at the input size is what is kept."""
        self._tensors = load_tensors(samples, spec)

    def tensor(self, index: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Give the tensor of one sample; nothing is drawn from `rng`."""
        return np.asarray(self._tensors[index])


class AugmentedTensors:
    """Pictures varied at random, anew each time."""

    # A crop of half the area still has as many pixels as the network sees.
    OVERSIZE = 2

    def __init__(self, samples: Sequence[Sample], spec: InputSpec) -> None:
        """Read the pictures; uint8 of about twice the input size is what is kept."""
        self._spec = spec
        self._pictures = [self._read(sample)
                          for sample in tqdm(samples, desc='reading pictures', disable=None)]

    def tensor(self, index: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Give a variation of one sample, prepared as the node prepares pictures."""
        varied = augment(self._pictures[index], self._spec.height, self._spec.width, rng)
        return np.asarray(preprocess(Picture(varied, 'RGB'), self._spec)[0])

    def _read(self, sample: Sample) -> NDArray[np.uint8]:
        pixels = np.ascontiguousarray(read_picture(sample.path).in_order('RGB'))
        height, width = pixels.shape[:2]
        factor = self.OVERSIZE * max(self._spec.height / height, self._spec.width / width)
        if factor >= 1:
            return pixels
        size = (math.ceil(width * factor), math.ceil(height * factor))
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def targets(samples: Sequence[Sample], outputs: int) -> NDArray[np.float32]:
    """
    Say what a network should answer.

    :param samples: the pictures.
    :param outputs: 1 for a network that gives the probability of fire, or the number of LABELS
        for one that gives a probability for each of them.
    :return: float32 of shape (len(samples), outputs), 0 or 1.
    """
    labels = labels_of(samples)
    if outputs == 1:
        return np.asarray(labels == FIRE, dtype=np.float32)[:, np.newaxis]
    return np.eye(len(LABELS), dtype=np.float32)[labels]


def compile_model(model: Any, optimizer: Any) -> None:
    """
    Make a network ready to be trained on :func:`targets`.

    :param model: a network of Keras 3 or of tf-keras.
    :param optimizer: an optimizer of the same Keras.
    """
    model.compile(optimizer=optimizer, metrics=['accuracy'],
                  loss='binary_crossentropy' if model.output_shape[1] == 1
                  else 'categorical_crossentropy')


class Batches(keras.utils.PyDataset):
    """
    Give the batches of one epoch after the other.

    What is in a batch follows from the seed, the epoch and the number of the batch alone: not
    from which thread makes it, nor from where an interrupted training goes on.

    :ivar epoch: the number of the epoch, from 0; to be set before each.
    """

    def __init__(self, samples: Sequence[Sample], outputs: int, spec: InputSpec,
                 config: TrainingConfig) -> None:
        """
        Read the pictures.

        :param samples: the training samples.
        :param outputs: number of the network's outputs.
        :param spec: what the network's input holds.
        :param config: augmentation, batch size, balance and seed.
        """
        super().__init__(workers=WORKERS)
        self.epoch = 0
        self._samples, self._config = samples, config
        self._targets = targets(samples, outputs)
        self._tensors: Tensors = (AugmentedTensors if config.augment else PlainTensors)(
            samples, spec)
        self._order = functools.lru_cache(maxsize=1)(self._draw_order)

    @property
    def pictures(self) -> int:
        """Tell the number of pictures in an epoch."""
        return len(self._order(self.epoch))

    @property
    def num_batches(self) -> int:
        """Tell the number of batches in an epoch."""
        return math.ceil(self.pictures / self._config.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Make one batch: inputs (batch, height, width, 3) and targets (batch, outputs)."""
        start = index * self._config.batch_size
        chosen = self._order(self.epoch)[start:start + self._config.batch_size]
        rng = np.random.default_rng((self._config.seed, self.epoch, 1 + index))
        inputs = np.stack([self._tensors.tensor(int(sample), rng) for sample in chosen])
        return inputs, self._targets[chosen]

    def _draw_order(self, epoch: int) -> NDArray[np.int64]:
        return epoch_order(self._samples, self._config.balance, self._config.group_cap,
                           np.random.default_rng((self._config.seed, epoch, 0)))
