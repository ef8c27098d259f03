# SPDX-License-Identifier: Apache-2.0
"""
The networks that can be trained, by name.

Each is built with the Keras that it is given: with Keras 3 to be trained, and with tf-keras,
which is Keras 2, for TensorFlow's optimization toolkit, which knows no other. The first output
is the probability of fire, or one for each label; a second one is a heat map.
"""

from collections.abc import Callable
from typing import Any

from training.networks.firemap import firemap
from training.networks.firenet import firenet
from training.networks.lite0 import lite0

# Each takes a Keras and, where it is not to be the network's own, the size of the input.
ARCHITECTURES: dict[str, Callable[..., Any]] = {
    'firemap': firemap, 'firenet': firenet, 'lite0': lite0}
