# SPDX-License-Identifier: Apache-2.0
"""
Calibrate a network's probabilities, and choose its threshold, both on `val`.

J. Platt, "Probabilistic outputs for support vector machines", 1999: a factor and a shift of the
network's log-odds, fitted on images that it was not trained on. Both go into the last layer, so
that nothing is left to be done on the robot, and the order of the images stays the same.
"""

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
from typing import Any

from fire_detector.model.contract import ModelContract
import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from training.data.loading import load_tensors
from training.data.samples import FIRE, labels_of, Sample
from training.measurement.calibration import expected_calibration_error
from training.measurement.threshold import choose_threshold, group_weights
from training.networks.firemap import PROBABILITY
from training.run_folder import TrainingConfig

# The alarm is raised at the threshold of single images and cleared at this share of it, until
# `training.alarms` measures better.
OFF_SHARE = 0.6
# So weak that it only keeps separable images from an infinite factor.
REGULARIZATION = 1e-3


@dataclass(frozen=True)
class Scaling:
    """
    The change of log-odds to factor * log-odds + shift.

    :ivar factor: above 0.
    :ivar shift: in log-odds.
    """

    factor: float
    shift: float


def calibrate(model: Any, contract: ModelContract, validation: Sequence[Sample],
              config: TrainingConfig) -> tuple[ModelContract, dict[str, float]]:
    """
    Calibrate a network, and choose its threshold.

    :param model: the trained network, changed in place.
    :param contract: what it expects and means.
    :param validation: images that it was not trained on.
    :param config: whether to calibrate, and for which share of false alarms.
    :return: the contract with the threshold, and figures of what was done.
    """
    odds = log_odds(model, load_tensors(validation, contract.input_spec))
    fire = labels_of(validation) == FIRE
    groups = np.array([sample.group for sample in validation])
    figures = {}
    if config.calibrate:
        scaling = fit_scaling(odds, fire, group_weights(groups))
        apply_scaling(model, scaling)
        figures = dataclasses.asdict(scaling) | {
            'val_ece_before': expected_calibration_error(_probability(odds), fire)}
        odds = scaling.factor * odds + scaling.shift
    probability = _probability(odds)
    figures['val_ece'] = expected_calibration_error(probability, fire)
    if config.false_alarms is None:
        return contract, figures
    chosen = choose_threshold(probability, fire, groups, config.false_alarms)
    alarm = dataclasses.replace(contract.alarm, on_threshold=chosen.value,
                                off_threshold=round(OFF_SHARE * chosen.value, 4))
    return dataclasses.replace(contract, threshold=chosen.value, alarm=alarm, metrics={
        **contract.metrics, **chosen.for_contract('val')}), figures


def log_odds(model: Any, tensors: NDArray[np.float32]) -> NDArray[np.float64]:
    """
    Return a network's log-odds of fire, which do not saturate as probabilities do.

    :param model: a network whose probability comes from a dense layer, with a sigmoid or a softmax
        over LABELS.
    :param tensors: float32 of shape (images, height, width, 3).
    :return: float64 of shape (images,).
    """
    last = _last_layer(model)
    features = keras.Model(model.inputs, last.input).predict(tensors, verbose=0)
    kernel, bias = (np.asarray(array, np.float64) for array in last.get_weights())
    values = features.astype(np.float64) @ kernel + bias
    if values.shape[1] == 1:
        return np.asarray(values[:, 0])
    return np.asarray(values[:, FIRE] - np.delete(values, FIRE, axis=1)[:, 0])


def fit_scaling(odds: NDArray[np.float64], fire: NDArray[np.bool_],
                weights: NDArray[np.float64]) -> Scaling:
    """
    Find the factor and the shift under which images are most likely what they are.

    :param odds: shape (images,), log-odds of fire; of images that were not trained on.
    :param fire: shape (images,), whether each shows fire; both kinds are needed.
    :param weights: shape (images,), how much each counts.
    :return: nothing changed where more fire would mean a lower probability.
    """
    found = LogisticRegression(C=1 / REGULARIZATION).fit(
        odds[:, np.newaxis], fire, weights)
    factor, shift = float(found.coef_[0, 0]), float(found.intercept_[0])
    return Scaling(factor, shift) if factor > 0 else Scaling(1.0, 0.0)


def apply_scaling(model: Any, scaling: Scaling) -> None:
    """Put a scaling into the last layer of a network; see :func:`log_odds` for which."""
    last = _last_layer(model)
    kernel, bias = last.get_weights()
    shift = np.zeros_like(bias)
    shift[0 if len(bias) == 1 else FIRE] = scaling.shift
    last.set_weights([scaling.factor * kernel, scaling.factor * bias + shift])


def _last_layer(model: Any) -> Any:
    """Return the layer of the probability, which in a network with a heat map is not the last."""
    return model.layers[-1] if len(model.outputs) == 1 else model.get_layer(PROBABILITY)


def _probability(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-odds)))
