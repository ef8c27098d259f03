# SPDX-License-Identifier: Apache-2.0
"""The networks that can be trained, by name."""

from collections.abc import Callable

import keras
from training.architectures.firenet import firenet

ARCHITECTURES: dict[str, Callable[[], keras.Model]] = {'firenet': firenet}
