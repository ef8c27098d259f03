# SPDX-License-Identifier: Apache-2.0
"""A larger network that a smaller one learns from."""

from pathlib import Path
import threading

from fire_detector.model.classifier import FireClassifier
from fire_detector.model.contract import ModelError
from fire_detector.model.preprocessing import InputSpec
import numpy as np
from numpy.typing import NDArray

# What the teacher says of an image counts so much, its label the rest.
WEIGHT = 0.7
RUNTIME = 'litert'


class Teacher:
    """
    Of each variation of an image how likely it shows fire.

    G. Hinton et al., "Distilling the Knowledge in a Neural Network", 2015,
    https://arxiv.org/abs/1503.02531. The teacher sees the very crop that the pupil sees: L. Beyer
    et al., "Knowledge distillation: A good teacher is patient and consistent", 2022,
    https://arxiv.org/abs/2106.05237. A crop that lost its small fire is then no longer called one.
    """

    def __init__(self, model: Path, spec: InputSpec) -> None:
        """
        Load the teacher.

        :param model: its .tflite, with its contract.
        :param spec: what the input of the pupil holds.
        :raises ModelError: when it cannot be used, or expects other images than the pupil.
        """
        self._model, self._own = model, threading.local()
        found = self._classifier().contract.input_spec
        if found != spec:
            raise ModelError(f'{model}: expects {found}, the network to be taught {spec}; '
                             f'both have to be of one input size')

    def soften(self, fire: NDArray[np.float32],
               inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Mix labels with what the teacher says.

        :param fire: shape (batch,), 0 or 1.
        :param inputs: shape (batch, height, width, 3), as the pupil is shown them.
        :return: shape (batch,), 0..1.
        """
        said = [self._classifier().answer(tensor[np.newaxis]) for tensor in inputs]
        return np.asarray((1 - WEIGHT) * fire + WEIGHT * np.array(said), np.float32)

    def _classifier(self) -> FireClassifier:
        """Return each thread an interpreter of its own, since one answers one at a time."""
        if not hasattr(self._own, 'classifier'):
            self._own.classifier = FireClassifier(self._model, RUNTIME)
        classifier: FireClassifier = self._own.classifier
        return classifier
