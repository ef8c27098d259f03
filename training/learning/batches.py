# SPDX-License-Identifier: Apache-2.0
"""The input pipeline: batches for Keras, made while the network computes."""

from collections.abc import Callable, Sequence
import functools
import math
from typing import Any

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import read_image
from fire_detector.model.preprocessing import InputSpec, preprocess
import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from training.data.loading import load_tensors
from training.data.samples import FIRE, labels_of, Sample
from training.learning.augmentation import film, view
from training.learning.sampling import epoch_order
from training.learning.sunsets import add_sunset
from training.run_folder import TrainingConfig

# Two, since OpenCV and numpy let another thread run while they compute.
WORKERS = 2
# A crop of half the area still has as many pixels as the network sees.
OVERSIZE = 2
# Returns float32 of shape (height, width, 3), the network's input for the sample of an index.
Tensors = Callable[[int, np.random.Generator], NDArray[np.float32]]


def plain_tensors(samples: Sequence[Sample], spec: InputSpec) -> Tensors:
    """Read and prepare images as the node does; float32 at the input size is kept."""
    tensors = load_tensors(samples, spec)
    return lambda index, rng: tensors[index]


def augmented_tensors(samples: Sequence[Sample], spec: InputSpec, sunsets: float) -> Tensors:
    """
    Read images that are varied at random, anew each time; uint8 of twice the input size is kept.

    :param samples: the images.
    :param spec: what the network's input holds.
    :param sunsets: chance of rendering a sunset into an image without fire, 0..1.
    """
    fire = labels_of(samples) == FIRE
    images = [_read_small(sample, spec)
              for sample in tqdm(samples, desc='reading images', disable=None)]

    def vary(index: int, rng: np.random.Generator) -> NDArray[np.float32]:
        pixels = view(images[index], spec.height, spec.width, rng)
        # It could hide a fire.
        if sunsets and rng.random() < sunsets and not fire[index]:
            pixels = add_sunset(pixels, rng)
        return np.asarray(preprocess(ColorImage(film(pixels, rng), 'RGB'), spec)[0])

    return vary


def _read_small(sample: Sample, spec: InputSpec) -> NDArray[np.uint8]:
    pixels = np.ascontiguousarray(read_image(sample.path).in_order('RGB'))
    height, width = pixels.shape[:2]
    factor = OVERSIZE * max(spec.height / height, spec.width / width)
    if factor >= 1:
        return pixels
    size = (math.ceil(width * factor), math.ceil(height * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def targets(fire: NDArray[np.bool_], outputs: int) -> NDArray[np.float32]:
    """
    Return what a network is to predict.

    :param fire: shape (images,): whether each shows fire.
    :param outputs: 1 for a network whose output is the probability of fire, or the number of
        LABELS for one with a probability of each of them.
    :return: float32 of shape (images, outputs), 0 or 1.
    """
    return np.stack([fire] if outputs == 1 else [fire, ~fire], axis=1).astype(np.float32)


def compile_model(model: Any, optimizer: Any) -> None:
    """
    Compile a network to be trained on :func:`targets`.

    :param model: a network of Keras 3 or of tf-keras.
    :param optimizer: an optimizer of the same Keras.
    """
    model.compile(optimizer=optimizer, metrics=['accuracy'],
                  loss='binary_crossentropy' if model.output_shape[1] == 1
                  else 'categorical_crossentropy')


class Batches(keras.utils.PyDataset):
    """
    The batches of one epoch after the other.

    What is in a batch follows from the seed, the epoch and the number of the batch alone: not
    from which thread makes it, nor from where an interrupted training goes on.

    :ivar epoch: the number of the epoch, from 0; to be set before each.
    """

    def __init__(self, samples: Sequence[Sample], outputs: int, spec: InputSpec,
                 config: TrainingConfig) -> None:
        """
        Read the images.

        :param samples: the training samples.
        :param outputs: number of the network's outputs.
        :param spec: what the network's input holds.
        :param config: augmentation, batch size, balance and seed.
        """
        super().__init__(workers=WORKERS)
        self.epoch = 0
        self._samples, self._config = samples, config
        self._targets = targets(labels_of(samples) == FIRE, outputs)
        self._tensor = (augmented_tensors(samples, spec, config.sunsets) if config.augment
                        else plain_tensors(samples, spec))
        self._order = functools.lru_cache(maxsize=1)(self._draw_order)

    @property
    def images(self) -> int:
        """Return the number of images in an epoch."""
        return len(self._order(self.epoch))

    @property
    def num_batches(self) -> int:
        """Return the number of batches in an epoch."""
        return math.ceil(self.images / self._config.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return one batch: inputs (batch, height, width, 3) and targets (batch, outputs)."""
        start = index * self._config.batch_size
        chosen = self._order(self.epoch)[start:start + self._config.batch_size]
        rng = np.random.default_rng((self._config.seed, self.epoch, 1 + index))
        inputs = np.stack([self._tensor(int(sample), rng) for sample in chosen])
        return inputs, self._targets[chosen]

    def _draw_order(self, epoch: int) -> NDArray[np.int64]:
        return epoch_order(self._samples, self._config.balance, self._config.group_cap,
                           np.random.default_rng((self._config.seed, epoch, 0)))
