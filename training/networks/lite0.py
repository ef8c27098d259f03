# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0, cut after its first blocks, with ImageNet weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from training.networks.imagenet import imagenet_weights

INPUT_SIZE = 96
# Repetitions, kernel size, stride of the first, channels. The first stage does not expand.
STAGES = ((1, 3, 1, 16), (2, 3, 2, 24), (2, 5, 2, 40))
# The others, for whoever needs the whole network.
LATER_STAGES = ((3, 3, 2, 80), (3, 5, 1, 112), (4, 5, 2, 192), (1, 3, 1, 320))
HEAD = 1280
BLOCKS = sum(stage[0] for stage in STAGES)
STEM = 32
EXPANSION = 6
# Stem and first blocks stay as ImageNet taught them: edges and colors are the same everywhere, and
# their large images are what takes the time.
FIXED_BLOCKS = 2
EPSILON = 1e-3


def lite0(keras: Any, size: int = INPUT_SIZE) -> Any:
    """
    Build the first blocks of EfficientNet-Lite0, with ImageNet weights: 64,369 parameters.

    M. Tan, Q. V. Le, "EfficientNet", 2019, https://arxiv.org/abs/1905.11946; the Lite networks
    have neither squeeze-and-excitation nor swish, which integers are bad at. The expanded features
    of the sixth block separate fire better than the narrow ones that it ends with, and the largest
    value beside the mean of each channel lets a small flame count that the mean would lose.

    :param keras: the Keras to build it with.
    :param size: rows and columns of the input.
    :return: a model; input float32 of shape (batch, size, size, 3), RGB, 0..1; output float32 of
        shape (batch, 1), the probability of fire.
    :raises WeightsError: when the package with the ImageNet weights is not installed.
    """
    layers = keras.layers
    image = keras.Input((size, size, 3))
    features = first_blocks(keras, image)
    pooled = layers.Concatenate()([layers.GlobalAveragePooling2D()(features),
                                   layers.GlobalMaxPooling2D()(features)])
    probability = layers.Dense(1, activation='sigmoid')(layers.Dropout(0.2)(pooled))
    model = keras.Model(image, probability, name='lite0')
    load_imagenet(model)
    return model


def first_blocks(keras: Any, image: Any) -> Any:
    """
    Build the first blocks and the expansion of the next one.

    :param keras: the Keras to build them with.
    :param image: the input, of shape (batch, height, width, 3).
    :return: features, of shape (batch, height / 8, width / 8, 240).
    """
    return _expanded(keras, _blocks(keras, image), BLOCKS)


def load_imagenet(model: Any) -> None:
    """
    Set the weights of a network's blocks to ImageNet's.

    :param model: a network with layers of :func:`first_blocks`, for images from 0 to 1.
    :raises WeightsError: when the package with the weights is not installed.
    """
    weights = _for_images_from_0_to_1(imagenet_weights())
    for layer in model.layers:
        if 'conv' in layer.name:
            layer.set_weights(_folded(weights, layer.name))


def _blocks(keras: Any, image: Any,
            stages: Sequence[tuple[int, int, int, int]] = STAGES) -> Any:
    """Build the stem and the blocks of some stages, of the first ones unless others are named."""
    layers = keras.layers
    x = _activated(keras, layers.Conv2D(STEM, 3, strides=2, padding='same', trainable=False,
                                        name='conv_stem')(image))
    number = 0
    for repetitions, kernel, stride, width in stages:
        for repetition in range(repetitions):
            trainable = number >= FIXED_BLOCKS
            y = _expanded(keras, x, number) if number else x
            y = _activated(keras, layers.DepthwiseConv2D(
                kernel, strides=1 if repetition else stride, padding='same', trainable=trainable,
                name=f'blocks-{number}-depthwise_conv')(y))
            y = layers.Conv2D(width, 1, trainable=trainable,
                              name=f'blocks-{number}-project_conv')(y)
            x = layers.Add()([x, y]) if repetition else y
            number += 1
    return x


def _expanded(keras: Any, x: Any, number: int) -> Any:
    """Build the first half of a block: many features of each place, from few."""
    return _activated(keras, keras.layers.Conv2D(
        EXPANSION * x.shape[-1], 1, trainable=number >= FIXED_BLOCKS,
        name=f'blocks-{number}-expand_conv')(x))


def _activated(keras: Any, x: Any) -> Any:
    return keras.layers.ReLU(6.0)(x)


def _folded(weights: dict[str, NDArray[Any]], layer: str) -> list[NDArray[Any]]:
    """
    Return kernel and bias of a convolution and the normalization after it together.

    What is trained is then what runs on the robot. With the moving averages of ImageNet held
    still, the two are the same network, and a normalization costs more time than its convolution.
    Kernels are returned in TensorFlow's order of axes.
    """
    block, _, part = layer.rpartition('-')
    prefix = f'_{block.replace("-", ".")}.' if block else ''
    number = {'conv_stem': 0, 'expand_conv': 0, 'depthwise_conv': 1, 'project_conv': 2,
              'conv_head': 1}[part]
    norm = f'{prefix}_bn{number}'
    scale = weights[f'{norm}.weight'] / np.sqrt(weights[f'{norm}.running_var'] + EPSILON)
    kernel = weights[f'{prefix}_{part}.weight'] * scale[:, np.newaxis, np.newaxis, np.newaxis]
    # From (outputs, inputs, height, width); a depthwise kernel has one input for each of its
    # outputs, and these come third.
    axes = (2, 3, 0, 1) if part == 'depthwise_conv' else (2, 3, 1, 0)
    return [kernel.transpose(axes),
            weights[f'{norm}.bias'] - weights[f'{norm}.running_mean'] * scale]


def _for_images_from_0_to_1(weights: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """
    Return the weights with the scaling of images in the first convolution.

    The weights were trained for (pixel - 127) / 128. For x = pixel / 255 that is a * x - b with
    a = 255 / 128 and b = 127 / 128: the kernel k becomes a * k, and what b takes away, b * sum(k),
    is taken from the mean that the normalization subtracts. Only the padded rim is another.
    """
    kernel = weights['_conv_stem.weight']
    return weights | {
        '_conv_stem.weight': 255 / 128 * kernel,
        '_bn0.running_mean': weights['_bn0.running_mean']
        + 127 / 128 * kernel.sum(axis=(1, 2, 3))}


def whole_network(keras: Any, size: int) -> Any:
    """
    Build all of EfficientNet-Lite0 but its last layer, as ImageNet taught it.

    :param keras: the Keras to build it with.
    :param size: rows and columns of the input.
    :return: a model; input float32 of shape (batch, size, size, 3), RGB, 0..1; output float32 of
        shape (batch, HEAD), the mean of each feature.
    :raises WeightsError: when the package with the ImageNet weights is not installed.
    """
    layers = keras.layers
    image = keras.Input((size, size, 3))
    features = _activated(keras, layers.Conv2D(HEAD, 1, name='conv_head')(
        _blocks(keras, image, (*STAGES, *LATER_STAGES))))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(features))
    load_imagenet(model)
    return model
