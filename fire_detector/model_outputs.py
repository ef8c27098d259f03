# SPDX-License-Identifier: Apache-2.0
"""Turn what a model answers into the probability of fire."""

from fire_detector.model_contract import LOGITS, ModelContract
import numpy as np
from numpy.typing import NDArray

# How far from 0..1 rounding may take a probability.
TOLERANCE = 1e-3


def fire_probability(outputs: NDArray[np.floating], contract: ModelContract
                     ) -> NDArray[np.float64]:
    """
    Tell how likely fire is.

    One value is that of fire; of several, each is that of the label in its place. Logits become
    probabilities by a sigmoid where there is one, and by a softmax where there are several,
    neither of which overflows: the exponents that are taken are never positive.

    :param outputs: shape (pictures, values): what the model answered, dequantized.
    :param contract: says what the values mean.
    :return: shape (pictures,), 0..1.
    :raises ValueError: when an answer is not finite, or not from 0 to 1 where it has to be.
    """
    column = 0 if outputs.shape[1] == 1 else contract.labels.index(contract.fire_label)
    if not np.isfinite(outputs).all():
        raise ValueError(f'answered {outputs[~np.isfinite(outputs)][0]}, which is no number')
    if contract.output != LOGITS:
        # In double precision, as it is compared with the threshold: a float32 0.9 is less.
        probability = outputs[:, column].astype(np.float64)
        if probability.min() < -TOLERANCE or probability.max() > 1 + TOLERANCE:
            worst = probability[np.abs(probability - 0.5).argmax()]
            raise ValueError(f'answered {worst:g}, which is no probability; a model without '
                             f'{contract.output} at its end has "output": "{LOGITS}" in its '
                             f'contract')
        return np.clip(probability, 0.0, 1.0)
    logits = outputs.astype(np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate((logits, np.zeros_like(logits)), axis=1)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers[:, column] / powers.sum(axis=1))
