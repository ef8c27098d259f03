# SPDX-License-Identifier: Apache-2.0
"""What is settled once a network has learned: its calibration and its threshold, both on `val`."""

from collections.abc import Sequence
import dataclasses
from typing import Any

from fire_detector.model.contract import ModelContract
import numpy as np
from numpy.typing import NDArray
from training.data.loading import load_tensors
from training.data.samples import FIRE, labels_of, Sample
from training.learning.platt import apply_scaling, fit_scaling, log_odds
from training.measurement.calibration import expected_calibration_error
from training.measurement.threshold import choose_threshold, group_weights
from training.run_folder import TrainingConfig

# The alarm is raised at the threshold of single images and cleared at this share of it, until
# `training.alarms` says better.
OFF_SHARE = 0.6


def settle(model: Any, contract: ModelContract, validation: Sequence[Sample],
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


def _probability(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-odds)))
