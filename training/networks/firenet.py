# SPDX-License-Identifier: Apache-2.0
"""The article's network."""

from typing import Any

INPUT_SIZE = 64
CLASSES = 2


def firenet(keras: Any, size: int = INPUT_SIZE) -> Any:
    """
    Build the article's network, FireNet: 646,818 parameters.

    A. Jadon et al., "FireNet: A Specialized Lightweight Fire & Smoke Detection Model for Real-Time
    IoT Applications", 2019, https://arxiv.org/abs/1905.11922. Its dropout after every pooling
    layer is what lets so many weights learn from a few thousand images.

    :param keras: the Keras to build it with.
    :param size: rows and columns of the input; the parameters are so many at 64.
    :return: a model; input float32 of shape (batch, size, size, 3), RGB, 0..1; output
        float32 of shape (batch, 2), softmax over LABELS.
    """
    layers = keras.layers
    return keras.Sequential([
        keras.Input((size, size, 3)),
        layers.Conv2D(16, 3, activation='relu'),
        layers.AveragePooling2D(2),
        layers.Dropout(0.5),
        layers.Conv2D(32, 3, activation='relu'),
        layers.AveragePooling2D(2),
        layers.Dropout(0.5),
        layers.Conv2D(64, 3, activation='relu'),
        layers.AveragePooling2D(2),
        layers.Dropout(0.5),
        layers.Flatten(),
        layers.Dense(256, activation='relu'),
        layers.Dropout(0.2),
        layers.Dense(128, activation='relu'),
        layers.Dense(CLASSES, activation='softmax'),
    ], name='firenet')
