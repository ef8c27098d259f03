# SPDX-License-Identifier: Apache-2.0
"""How the step size of the optimizer changes during training, and which epoch is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from training.learning.recorder import BestEpoch, last, most_accurate


def _constant(learning_rate: float, epochs: int, steps: int) -> Any:
    return learning_rate


def _cosine(learning_rate: float, epochs: int, steps: int) -> Any:
    """
    Rise for an epoch, then fall to nothing along a cosine.

    I. Loshchilov, F. Hutter, "SGDR", 2017, https://arxiv.org/abs/1608.03983, without restarts.
    """
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, decay_steps=max(1, (epochs - 1) * steps),
        warmup_target=learning_rate, warmup_steps=steps)


@dataclass(frozen=True)
class Schedule:
    """
    How the step size changes, and which epoch is kept then.

    :ivar learning_rate: takes the largest step size, the number of epochs and the steps in one of
        them; gives what a Keras optimizer takes for its learning rate.
    :ivar best_epoch: the rule that says which epoch is kept.
    """

    learning_rate: Callable[[float, int, int], Any]
    best_epoch: BestEpoch


SCHEDULES = {'constant': Schedule(_constant, most_accurate), 'cosine': Schedule(_cosine, last)}
