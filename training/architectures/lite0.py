# SPDX-License-Identifier: Apache-2.0
"""The first blocks of EfficientNet-Lite0."""

from typing import Any

from numpy.typing import NDArray
from training.architectures.imagenet import imagenet_weights

INPUT_SIZE = 96
# Repetitions, kernel size, stride of the first, channels. The first stage does not expand.
STAGES = ((1, 3, 1, 16), (2, 3, 2, 24), (2, 5, 2, 40), (3, 3, 2, 80), (3, 5, 1, 112),
          (4, 5, 2, 192), (1, 3, 1, 320))
STEM = 32
EXPANSION = 6
# Whole blocks; of the next one, its expansion.
BLOCKS = 5
EPSILON = 1e-3
# Of the moving averages: a folder of a few hundred pictures has only a few steps an epoch.
MOMENTUM = 0.9


def lite0(keras: Any) -> Any:
    """
    Build the first blocks of EfficientNet-Lite0, with ImageNet weights: 69,457 parameters.

    M. Tan, Q. V. Le, "EfficientNet", 2019, https://arxiv.org/abs/1905.11946; the Lite networks
    have neither squeeze-and-excitation nor swish, which integers are bad at. The expanded features
    of the sixth block tell fire better than the narrow ones that it ends with, and the largest
    value beside the mean of each channel lets a small flame count that the mean would lose.

    :param keras: the Keras to build it with.
    :return: a model; input float32 of shape (batch, 96, 96, 3), RGB, 0..1; output float32 of
        shape (batch, 1), the probability of fire.
    :raises WeightsError: when the package with the ImageNet weights is not installed.
    """
    layers = keras.layers
    picture = keras.Input((INPUT_SIZE, INPUT_SIZE, 3))
    x = _activated(keras, layers.Conv2D(STEM, 3, strides=2, padding='same', use_bias=False,
                                        name=_layer_name('_conv_stem'))(picture), '_bn0')
    channels, number = STEM, 0
    for repetitions, kernel, stride, width in STAGES:
        for repetition in range(repetitions):
            name = f'_blocks.{number}.'
            y = x
            if number:
                y = layers.Conv2D(EXPANSION * channels, 1, use_bias=False,
                                  name=_layer_name(f'{name}_expand_conv'))(y)
                y = _activated(keras, y, f'{name}_bn0')
            if number == BLOCKS:
                return _with_head(keras, picture, y)
            y = layers.DepthwiseConv2D(
                kernel, strides=1 if repetition else stride, padding='same', use_bias=False,
                name=_layer_name(f'{name}_depthwise_conv'))(y)
            y = _activated(keras, y, f'{name}_bn1')
            y = layers.Conv2D(width, 1, use_bias=False,
                              name=_layer_name(f'{name}_project_conv'))(y)
            y = _normalized(keras, y, f'{name}_bn2')
            x = layers.Add()([x, y]) if repetition else y
            channels, number = width, number + 1
    raise AssertionError(f'the network has fewer than {BLOCKS} blocks')


def _with_head(keras: Any, picture: Any, features: Any) -> Any:
    layers = keras.layers
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(features),
                              layers.GlobalMaxPooling2D()(features)])
    x = layers.Dropout(0.2)(x)
    model = keras.Model(picture, layers.Dense(1, activation='sigmoid')(x), name='lite0')
    _fill(model)
    return model


def _fill(model: Any) -> None:
    """Give the layers the ImageNet weights of their names."""
    weights = _for_pictures_from_0_to_1(imagenet_weights())
    for layer in model.layers:
        name = '_' + layer.name.replace('-', '.')
        if f'{name}.running_mean' in weights:
            layer.set_weights([weights[f'{name}.{part}'] for part in (
                'weight', 'bias', 'running_mean', 'running_var')])
        elif f'{name}.weight' in weights:
            # From (outputs, inputs, height, width); a depthwise kernel has one input for each of
            # its outputs, and these come third.
            axes = (2, 3, 0, 1) if 'depthwise' in name else (2, 3, 1, 0)
            layer.set_weights([weights[f'{name}.weight'].transpose(axes)])


def _for_pictures_from_0_to_1(weights: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """
    Take the scaling of the pictures into the first convolution, where it costs nothing.

    The weights were trained for (pixel - 127) / 128. For x = pixel / 255 that is a * x - b with
    a = 255 / 128 and b = 127 / 128: the kernel k becomes a * k, and what b takes away, b * sum(k),
    is taken from the mean that the normalization subtracts. Only the padded rim is another.
    """
    kernel = weights['_conv_stem.weight']
    return weights | {
        '_conv_stem.weight': 255 / 128 * kernel,
        '_bn0.running_mean': weights['_bn0.running_mean']
        + 127 / 128 * kernel.sum(axis=(1, 2, 3))}


def _activated(keras: Any, x: Any, name: str) -> Any:
    return keras.layers.ReLU(6.0)(_normalized(keras, x, name))


def _normalized(keras: Any, x: Any, name: str) -> Any:
    return keras.layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM,
                                           name=_layer_name(name))(x)


def _layer_name(name: str) -> str:
    """Write PyTorch's name of a layer in letters that both Kerases allow."""
    return name.removeprefix('_').replace('.', '-')
