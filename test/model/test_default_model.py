# SPDX-License-Identifier: Apache-2.0
"""The model that the node starts with is what its contract says, and takes red for red."""

from pathlib import Path

from fire_detector.images.color_image import ColorImage
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.file import read_contract
from fire_detector.model.locate import DEFAULT_MODEL, find_model
from fire_detector.scene.scene import PHASES, SyntheticScene
import numpy as np
import pytest

FIRE_TIMES = np.arange(6.0, 18.0, 0.5)


@pytest.fixture(scope='module')
def scene() -> SyntheticScene:
    """Return a camera that looks at a burning room."""
    return SyntheticScene(160, 120)


def test_contract(model: Path) -> None:
    """RGB, small, and with a threshold that was chosen for 2 % of false alarms on `val`."""
    assert model.name == DEFAULT_MODEL
    contract = read_contract(model)
    assert contract.name == 'fire_detector'
    assert contract.input_spec.color_order == 'RGB'
    assert model.stat().st_size < 300_000
    rate, low, high = (contract.metrics[f'val_false_alarm_rate{end}']
                       for end in ('', '_low', '_high'))
    assert rate is not None and low is not None and high is not None
    assert low < rate <= 0.02 < high
    assert contract.threshold <= contract.alarm.on_threshold


def test_fire_is_red_and_not_blue(model: Path, runtime: str, scene: SyntheticScene) -> None:
    """The same flames with red and blue exchanged are hardly ever fire to the network."""
    classifier = FireClassifier(model, runtime)
    frames = [scene.render(float(time)) for time in FIRE_TIMES]
    right, swapped = (
        np.array([classifier.probability(ColorImage(frame, order)) for frame in frames])
        for order in ('RGB', 'BGR'))
    assert (right >= classifier.contract.threshold).mean() > 0.95
    assert (swapped >= classifier.contract.threshold).mean() < 0.05


def test_quiet_room(model: Path, runtime: str, scene: SyntheticScene) -> None:
    """Neither the room nor a burnt chair nor red things are fire; lamp and sunset: no alarm."""
    classifier = FireClassifier(model, runtime)
    contract = classifier.contract
    for phase in PHASES:
        if not phase.fire:
            image = ColorImage(scene.render((phase.start + phase.end) / 2), 'RGB')
            limit = (contract.alarm.on_threshold if phase.name in ('warm lamp', 'sunset')
                     else contract.threshold)
            assert classifier.probability(image) < limit, phase.name


def test_integers_agree(model: Path, runtime: str, scene: SyntheticScene) -> None:
    """The int8 version is of the same network: on the timeline it differs by less than 0.05."""
    classifiers = [FireClassifier(find_model(name), runtime)
                   for name in (DEFAULT_MODEL, 'fire_detector_int8.tflite')]
    frames = [ColorImage(scene.render(float(time)), 'RGB') for time in range(0, 40, 2)]
    probabilities = np.array([[classifier.probability(frame) for frame in frames]
                              for classifier in classifiers])
    assert np.abs(probabilities[0] - probabilities[1]).mean() < 0.05
    assert probabilities[1].max() > 0.9
