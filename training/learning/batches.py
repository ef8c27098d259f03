# SPDX-License-Identifier: Apache-2.0
"""The input pipeline: batches for Keras, made while the network computes."""

from collections.abc import Sequence
import functools
import math
from pathlib import Path
from typing import Any, Protocol

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import read_image
from fire_detector.model.preprocessing import InputSpec, preprocess
import keras
import numpy as np
from numpy.typing import NDArray
import tensorflow as tf
from tqdm import tqdm
from training.data.boxes import Box, read_boxes
from training.data.loading import load_tensors
from training.data.samples import FIRE, labels_of, Sample
from training.learning.augmentation import add_inset, film, view
from training.learning.sampling import epoch_order
from training.learning.sunsets import add_sunset
from training.learning.teacher import Teacher
from training.run_folder import TrainingConfig

# Two, since OpenCV and numpy let another thread run while they compute.
WORKERS = 2
# Share of an image of fire that a crop beside the fire has to show at least.
LEAST_STRIP = 0.3


class Tensors(Protocol):
    """What can give the network's input for each of a list of samples."""

    def tensor(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], bool]:
        """Return float32 of shape (height, width, 3) for one sample, and if that shows fire."""


class PlainTensors:
    """Images as they are: prepared once, as the node prepares them."""

    def __init__(self, samples: Sequence[Sample], spec: InputSpec) -> None:
        """Read the images; float32 at the input size is what is kept."""
        self._tensors = load_tensors(samples, spec)
        self._fire = labels_of(samples) == FIRE

    def tensor(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], bool]:
        """Return the tensor of one sample, and its label; nothing is drawn from `rng`."""
        return np.asarray(self._tensors[index]), bool(self._fire[index])


class AugmentedTensors:
    """Images varied at random, anew each time."""

    # A crop of half the area still has as many pixels as the network sees.
    OVERSIZE = 2

    def __init__(self, samples: Sequence[Sample], spec: InputSpec,
                 config: TrainingConfig) -> None:
        """Read the images; uint8 of about twice the input size is what is kept."""
        self._spec, self._config = spec, config
        self._fire = labels_of(samples) == FIRE
        boxes = read_boxes(Path(config.data)) if config.negative_crops else {}
        self._boxes = [boxes.get(sample.path, ()) for sample in samples]
        self._images = [self._read(sample)
                          for sample in tqdm(samples, desc='reading images', disable=None)]

    def tensor(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], bool]:
        """Return a variation of one sample, prepared as the node does, and if that shows fire."""
        config, chance = self._config, rng.random
        pixels, fire = self._images[index], bool(self._fire[index])
        if config.negative_crops and chance() < config.negative_crops:
            beside = beside_boxes(pixels, self._boxes[index])
            if beside is not None:
                pixels, fire = beside, False
        shown = view(pixels, self._spec.height, self._spec.width, rng)
        if config.insets and chance() < config.insets:
            other = int(rng.integers(len(self._images)))
            shown = add_inset(shown, self._images[other], rng)
            fire = fire or bool(self._fire[other])
        # It could hide a fire.
        if config.sunsets and chance() < config.sunsets and not fire:
            shown = add_sunset(shown, rng)
        return np.asarray(preprocess(ColorImage(film(shown, rng), 'RGB'), self._spec)[0]), fire

    def _read(self, sample: Sample) -> NDArray[np.uint8]:
        pixels = np.ascontiguousarray(read_image(sample.path).in_order('RGB'))
        height, width = pixels.shape[:2]
        factor = self.OVERSIZE * max(self._spec.height / height, self._spec.width / width)
        if factor >= 1:
            return pixels
        size = (math.ceil(width * factor), math.ceil(height * factor))
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def beside_boxes(pixels: NDArray[np.uint8], boxes: Sequence[Box]) -> NDArray[np.uint8] | None:
    """
    Cut the largest strip out of an image of fire that shows none of it.

    :param pixels: uint8 of shape (height, width, 3).
    :param boxes: where the fire is.
    :return: a view of the whole height or width beside, over or under all boxes; None where there
        are no boxes, or where none of these is LEAST_STRIP of the image.
    """
    if not boxes:
        return None
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    share, strip = max(((left, 'left'), (1 - right, 'right'), (top, 'top'),
                        (1 - bottom, 'bottom')))
    if share < LEAST_STRIP:
        return None
    height, width = pixels.shape[:2]
    return {'left': pixels[:, :int(left * width)],
            'right': pixels[:, math.ceil(right * width):],
            'top': pixels[:int(top * height)],
            'bottom': pixels[math.ceil(bottom * height):]}[strip]


def targets(fire: NDArray[np.floating] | NDArray[np.bool_],
            outputs: int) -> NDArray[np.float32]:
    """
    Explain what a network should answer.

    :param fire: shape (images,): how likely each shows fire, 0..1.
    :param outputs: 1 for a network that gives the probability of fire, or the number of LABELS
        for one that gives a probability for each of them.
    :return: float32 of shape (images, outputs), 0..1.
    """
    likely = np.asarray(fire, np.float32)
    return np.stack([likely] if outputs == 1 else [likely, 1 - likely], axis=1)


@keras.saving.register_keras_serializable('fire_detector')  # type: ignore[untyped-decorator]
def accuracy(expected: Any, answered: Any) -> Any:
    """Return which answers are on the right side of a half, for targets between 0 and 1 too."""
    return tf.cast(tf.equal(expected > 0.5, answered > 0.5), tf.float32)


def compile_model(model: Any, optimizer: Any) -> None:
    """
    Make a network ready to be trained on :func:`targets`.

    :param model: a network of Keras 3 or of tf-keras.
    :param optimizer: an optimizer of the same Keras.
    """
    model.compile(optimizer=optimizer, metrics=[accuracy],
                  loss='binary_crossentropy' if model.output_shape[1] == 1
                  else 'categorical_crossentropy')


class Batches(keras.utils.PyDataset):
    """
    Return the batches of one epoch after the other.

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
        self._outputs = outputs
        self._tensors: Tensors = (AugmentedTensors(samples, spec, config) if config.augment
                                  else PlainTensors(samples, spec))
        self._teacher = None if config.teacher is None else Teacher(Path(config.teacher), spec)
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
        """Make one batch: inputs (batch, height, width, 3) and targets (batch, outputs)."""
        start = index * self._config.batch_size
        chosen = self._order(self.epoch)[start:start + self._config.batch_size]
        rng = np.random.default_rng((self._config.seed, self.epoch, 1 + index))
        shown = [self._tensors.tensor(int(sample), rng) for sample in chosen]
        inputs = np.stack([tensor for tensor, _ in shown])
        fire = np.array([fire for _, fire in shown], np.float32)
        if self._teacher is not None:
            fire = self._teacher.soften(fire, inputs)
        return inputs, targets(fire, self._outputs)

    def _draw_order(self, epoch: int) -> NDArray[np.int64]:
        return epoch_order(self._samples, self._config.balance, self._config.group_cap,
                           np.random.default_rng((self._config.seed, epoch, 0)))
