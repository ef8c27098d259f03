# SPDX-License-Identifier: Apache-2.0
"""Turn what a model answers into the probability of fire."""

from collections.abc import Sequence
import math

from fire_detector.model_contract import LOGITS, ModelContract

# How far from 0..1 rounding may take a probability.
TOLERANCE = 1e-3


def fire_probability(values: Sequence[float], contract: ModelContract) -> float:
    """
    Tell how likely fire is.

    One value is that of fire; of several, each is that of the label in its place. Logits become
    probabilities by a sigmoid where there is one, and by a softmax where there are several,
    neither of which overflows: the exponents that are taken are never positive.

    :param values: what the model answered to one picture, dequantized; Python's own floats,
        which for so few are ten times as fast as arrays.
    :param contract: says what they mean.
    :return: probability, 0..1.
    :raises ValueError: when an answer is not finite, or not from 0 to 1 where it has to be.
    """
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f'answered {value}, which is no number')
    place = 0 if len(values) == 1 else contract.labels.index(contract.fire_label)
    if contract.output != LOGITS:
        value = values[place]
        if not -TOLERANCE <= value <= 1 + TOLERANCE:
            raise ValueError(f'answered {value:g}, which is no probability; a model without '
                             f'{contract.output} at its end has "output": "{LOGITS}" in its '
                             f'contract')
        return min(max(value, 0.0), 1.0)
    # A sigmoid is the softmax over the value and 0.
    logits = [*values, 0.0] if len(values) == 1 else values
    largest = max(logits)
    powers = [math.exp(logit - largest) for logit in logits]
    return powers[place] / sum(powers)
