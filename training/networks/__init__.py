# SPDX-License-Identifier: Apache-2.0
"""
The networks that can be trained, by name.

Each is built with the Keras that it is given: with Keras 3 to be trained, and with tf-keras,
which is Keras 2, for TensorFlow's optimization toolkit, which knows no other.
"""

from typing import Any, Protocol

from training.networks.firenet import firenet
from training.networks.lite0 import lite0, lite0_whole
from training.networks.separable import separable


class Architecture(Protocol):
    """Build a network."""

    def __call__(self, keras: Any, input_size: int = ...) -> Any:
        """Build it with a Keras, for square images of a size or, without one, of its usual."""


ARCHITECTURES: dict[str, Architecture] = {
    'firenet': firenet,
    'lite0': lite0,
    'lite0_whole': lite0_whole,
    'separable': separable,
}


def build(keras: Any, name: str, input_size: int | None = None) -> Any:
    """
    Build a network by its name.

    :param keras: the Keras to build it with.
    :param name: a key of ARCHITECTURES.
    :param input_size: rows and columns of its input; None for its usual size.
    :return: a model, not compiled.
    """
    architecture = ARCHITECTURES[name]
    return architecture(keras) if input_size is None else architecture(keras, input_size)
