# SPDX-License-Identifier: Apache-2.0
"""What all of EfficientNet-Lite0, as ImageNet taught it, sees in images."""

from collections.abc import Sequence
from typing import Any

from fire_detector.model.preprocessing import InputSpec
import keras
import numpy as np
from numpy.typing import NDArray
from training.data.loading import load_tensors
from training.data.samples import Sample
from training.networks.imagenet import imagenet_weights
from training.networks.lite0 import _activated, _expanded, _folded, _for_images_from_0_to_1, STEM

SIDE = 128
# Repetitions, kernel size, stride of the first, channels: of the whole network.
STAGES = ((1, 3, 1, 16), (2, 3, 2, 24), (2, 5, 2, 40), (3, 3, 2, 80), (3, 5, 1, 112),
          (4, 5, 2, 192), (1, 3, 1, 320))
HEAD = 1280
# Images that are in memory at a time, as the network's input.
CHUNK = 2048


def features(samples: Sequence[Sample]) -> NDArray[np.float32]:
    """
    Compute what the network's last layer but one says of images.

    :return: float32 of shape (len(samples), HEAD).
    :raises WeightsError: when the package with the ImageNet weights is not installed.
    :raises ImageFileError: when an image cannot be read.
    """
    network, spec = _network(), InputSpec(height=SIDE, width=SIDE)
    return np.concatenate([
        network.predict(load_tensors(samples[start:start + CHUNK], spec), batch_size=64,
                        verbose=0) for start in range(0, len(samples), CHUNK)])


def _network() -> Any:
    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3))
    x = _activated(keras, layers.Conv2D(STEM, 3, strides=2, padding='same', name='conv_stem')(
        image))
    number = 0
    for repetitions, kernel, stride, width in STAGES:
        for repetition in range(repetitions):
            y = _expanded(keras, x, number) if number else x
            y = _activated(keras, layers.DepthwiseConv2D(
                kernel, strides=1 if repetition else stride, padding='same',
                name=f'blocks-{number}-depthwise_conv')(y))
            y = layers.Conv2D(width, 1, name=f'blocks-{number}-project_conv')(y)
            x = layers.Add()([x, y]) if repetition else y
            number += 1
    x = _activated(keras, layers.Conv2D(HEAD, 1, name='conv_head')(x))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    weights = _for_images_from_0_to_1(imagenet_weights())
    for layer in model.layers:
        if layer.get_weights():
            layer.set_weights(_folded(weights, layer.name))
    return model
