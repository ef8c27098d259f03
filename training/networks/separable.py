# SPDX-License-Identifier: Apache-2.0
"""A small network of depthwise separable convolutions."""

from typing import Any

INPUT_SIZE = 96
STEM = 16
# Channels and stride of each block: from 48x48 after the stem to 6x6.
# Of the moving averages: a folder of a few hundred images has only a few steps an epoch.
MOMENTUM = 0.9
BLOCKS = ((32, 1), (48, 2), (48, 1), (96, 2), (96, 1), (128, 2))


def separable(keras: Any, input_size: int = INPUT_SIZE) -> Any:
    """
    Build a network of depthwise separable convolutions: 37,377 parameters.

    The blocks are those of A. G. Howard et al., "MobileNets", 2017,
    https://arxiv.org/abs/1704.04861. The largest value beside the mean of each channel lets a
    small flame count that the mean would lose.

    :param keras: the Keras to build it with.
    :param input_size: rows and columns of the input.
    :return: a model; input float32 of shape (batch, input_size, input_size, 3), RGB, 0..1; output
        float32 of shape (batch, 1), the probability of fire.
    """
    layers = keras.layers
    image = keras.Input((input_size, input_size, 3))
    x = layers.Conv2D(STEM, 3, strides=2, padding='same', use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=MOMENTUM)(x))
    for channels, stride in BLOCKS:
        x = layers.DepthwiseConv2D(3, strides=stride, padding='same', use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=MOMENTUM)(x))
        x = layers.Conv2D(channels, 1, use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=MOMENTUM)(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.Dropout(0.2)(x)
    return keras.Model(image, layers.Dense(1, activation='sigmoid')(x), name='separable')
