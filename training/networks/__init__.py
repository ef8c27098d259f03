# SPDX-License-Identifier: Apache-2.0
"""
The networks that can be trained, by name.

Each is built with the Keras that it is given: with Keras 3 to be trained, and with tf-keras,
which is Keras 2, for TensorFlow's optimization toolkit, which knows no other.
"""

from collections.abc import Callable
from typing import Any

from training.networks.firenet import firenet
from training.networks.lite0 import lite0

ARCHITECTURES: dict[str, Callable[[Any], Any]] = {'firenet': firenet, 'lite0': lite0}
