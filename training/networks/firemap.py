# SPDX-License-Identifier: Apache-2.0
"""A network that says where: EfficientNet-Lite0's first blocks, and a grid of cells."""

import math
from typing import Any

import tensorflow as tf
from training.networks.lite0 import first_blocks, INPUT_SIZE, load_imagenet

# How sharp the smooth maximum is: towards 0 the mean, without end the largest cell.
SHARPNESS = 2.0
SHARPNESS_RANGE = (0.5, 8.0)
DROPOUT = 0.2
# The layers of the two outputs.
PROBABILITY, HEAT_MAP = 'probability', 'heat_map'


def firemap(keras: Any, size: int = INPUT_SIZE) -> Any:
    """
    Build a network whose every cell, of 8x8 pixels, says whether it shows fire: 64,372 parameters.

    The image's logit is a smooth maximum of the cells' logits c, log(sum(exp(r c))) with a learned
    sharpness r, and a linear term of the mean features, which starts at nothing: what the image is
    as a whole. P. Pinheiro, R. Collobert, "From image-level to pixel-level labeling with
    convolutional networks", 2015, https://arxiv.org/abs/1411.6228.

    Only layers that every Keras has: a file of it loads without this module.

    :param keras: the Keras to build it with.
    :param size: rows and columns of the input.
    :return: a model; input float32 of shape (batch, size, size, 3), RGB, 0..1; outputs float32 of
        shape (batch, 1), the probability of fire, and of shape (batch, size / 8, size / 8, 1),
        that of each cell.
    :raises WeightsError: when the package with the ImageNet weights is not installed.
    """
    layers = keras.layers
    image = keras.Input((size, size, 3))
    features = first_blocks(keras, image)
    cells = layers.Conv2D(1, 1, name='cells')(features)
    heat_map = layers.Activation('sigmoid', name=HEAT_MAP)(cells)
    count = cells.shape[1] * cells.shape[2]
    whole = layers.Dropout(DROPOUT)(layers.GlobalAveragePooling2D()(features))
    image_logit = layers.Concatenate()([_log_sum_exp(keras, cells, count), whole])
    probability = layers.Dense(1, activation='sigmoid', name=PROBABILITY)(image_logit)
    model = keras.Model(image, [probability, heat_map], name='firemap')
    load_imagenet(model)
    kernel, bias = model.get_layer(PROBABILITY).get_weights()
    kernel[:] = 0
    kernel[0] = 1 / SHARPNESS
    # The mean, not the sum, so that cells without an opinion make an image without one.
    bias[:] = -math.log(count) / SHARPNESS
    model.get_layer(PROBABILITY).set_weights([kernel, bias])
    return model


def _log_sum_exp(keras: Any, cells: Any, count: int) -> Any:
    """
    Build log(sum(exp(r c))), of shape (batch, 1).

    As the difference of two maxima, max(x) - max(log(softmax(x))), which cannot overflow and which
    integers represent: the second is between -log(count) and 0.
    """
    layers = keras.layers
    sharpened = layers.Conv2D(
        1, 1, use_bias=False, kernel_initializer=keras.initializers.Constant(SHARPNESS),
        # The norm of a single weight is its size.
        kernel_constraint=keras.constraints.MinMaxNorm(*SHARPNESS_RANGE), name='sharpness')(cells)
    row = layers.Reshape((1, count))(sharpened)
    # tf-keras has no such activation of its own.
    normalized = layers.Activation(
        getattr(keras.activations, 'log_softmax', tf.nn.log_softmax))(row)
    return layers.Subtract()([
        layers.GlobalMaxPooling2D()(sharpened),
        layers.GlobalMaxPooling1D(data_format='channels_first')(normalized)])
