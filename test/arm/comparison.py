# SPDX-License-Identifier: Apache-2.0
"""Compare what two processors have made of the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arm.worker import Case
import numpy as np
from numpy.typing import NDArray

# Levels of 0..255, after preprocessing: where INTER_AREA's average lies halfway between two, float
# arithmetic in another order rounds it the other way. Conversion is in integers, hence equal.
LEVEL_BOUND = 1.0
# For the same tensors: what float32 arithmetic in another order changes.
FLOAT_BOUND = 1e-5
# For own tensors: what a level in one value of hundreds may change, most of it in an int8 model.
OWN_BOUND = 0.05


@dataclass(frozen=True)
class Conversion:
    """
    Differences of the Pi's images from this machine's.

    :ivar encoding: the encoding of the messages.
    :ivar images: how many there were.
    :ivar pixels: largest difference of a converted pixel, in levels of 0..255.
    :ivar tensors: largest difference of a preprocessed one, in the same levels.
    :ivar share: how many of the preprocessed ones differ at all, 0..1.
    """

    encoding: str
    images: int
    pixels: float
    tensors: float
    share: float

    @property
    def misses_bound(self) -> bool:
        """Return whether that is too far."""
        return not (self.pixels == 0 and self.tensors <= LEVEL_BOUND)


@dataclass(frozen=True)
class Agreement:
    """
    Differences of the Pi's probabilities from this machine's.

    :ivar images: how many there were.
    :ivar same_input: largest difference of probabilities for the same tensors.
    :ivar own_input: the same for the tensors that each has preprocessed itself.
    :ivar same_changed: decisions that differ for the same tensors, at the model's threshold.
    :ivar own_changed: the same for own tensors; there are some where a probability is near the
        threshold.
    :ivar quantized: whether the model works with integers, of which for the same tensors only the
        decisions are bound.
    """

    images: int
    same_input: float
    own_input: float
    same_changed: int
    own_changed: int
    quantized: bool

    @property
    def misses_bound(self) -> bool:
        """Return whether that is too far."""
        return not (self.same_changed == 0 and self.own_input <= OWN_BOUND
                    and (self.quantized or self.same_input <= FLOAT_BOUND))


def compare(here: Mapping[str, Any], there: Mapping[str, Any]) -> Agreement:
    """
    Compare what the worker has written of one model.

    :param here: of this machine, with probabilities for its own tensors.
    :param there: of the Pi, with probabilities for this machine's tensors, then for its own.
    :raises ValueError: when they are not of equally many images, or of none.
    """
    expected, = here['probabilities']
    same, own = there['probabilities']
    if not len(expected) == len(same) == len(own) > 0:
        raise ValueError(f'{len(expected)} probabilities here, {len(same)} and {len(own)} there: '
                         f'they must be equally many, and some')
    threshold = here['threshold']
    same_changed, own_changed = (
        sum((probability >= threshold) != (other >= threshold)
            for probability, other in zip(expected, others, strict=True))
        for others in (same, own))
    return Agreement(len(expected), _largest(expected, same), _largest(expected, own),
                     same_changed, own_changed, here['quantized'])


def compare_images(cases: Sequence[Case], scales: Mapping[str, float],
                   here: Mapping[str, NDArray[Any]],
                   there: Mapping[str, NDArray[Any]]) -> list[Conversion]:
    """
    Compare the images and tensors that the worker has written.

    :param cases: what they were made of.
    :param scales: by model, what its tensors have for a level of a pixel.
    :param here: this machine's arrays.
    :param there: the Pi's.
    :return: a comparison for each encoding, in the order in which they come.
    """
    conversions = []
    for encoding in dict.fromkeys(case.encoding for case in cases):
        numbers = [number for number, case in enumerate(cases) if case.encoding == encoding]
        pixels = max(_largest(here[f'image/{number}'], there[f'image/{number}'])
                     for number in numbers)
        levels = np.concatenate([
            _differences(here[f'{name}/{number}'], there[f'{name}/{number}']).ravel() / abs(scale)
            for number in numbers for name, scale in scales.items()])
        # Scaling rounds, too: to less than a thousandth of a level.
        levels = levels.round(3)
        conversions.append(Conversion(encoding, len(numbers), pixels, float(levels.max()),
                                      float(np.mean(levels > 0))))
    return conversions


def _differences(first: Any, second: Any) -> NDArray[np.float64]:
    return np.asarray(np.abs(np.asarray(first, np.float64) - np.asarray(second, np.float64)))


def _largest(first: Any, second: Any) -> float:
    return float(_differences(first, second).max())
