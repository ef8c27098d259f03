# SPDX-License-Identifier: Apache-2.0
"""Probabilities are calibrated, and the threshold keeps false alarms to their share."""

import numpy as np
import pytest

keras = pytest.importorskip('keras', reason='the extra training is not installed')

from training.learning.calibration import (  # noqa: E402
    apply_scaling,
    fit_scaling,
    log_odds,
    Scaling,
)
from training.measurement.calibration import expected_calibration_error  # noqa: E402
from training.measurement.threshold import choose_threshold, group_weights  # noqa: E402


def groups(sizes: list[int]) -> np.ndarray:
    """Name groups of these sizes."""
    return np.repeat([f'g{number}' for number in range(len(sizes))], sizes)


def test_groups_count_as_one() -> None:
    """Two images of one group weigh a half each, one alone weighs 1."""
    assert group_weights(groups([2, 1])).tolist() == [0.5, 0.5, 1]


def test_threshold_lies_between_the_refused_and_the_next() -> None:
    """
    Allow one in ten false alarms, among ten.

    The highest no-fire image, 0.9, may be called fire; the second, 0.6, may not. The next
    probability above it is a fire's 0.7: the threshold is their middle, 0.65. Of four fires, 0.5
    is missed.
    """
    nofire = np.array([0.9, 0.6, 0.3, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    fire = np.array([0.95, 0.8, 0.7, 0.5])
    chosen = choose_threshold(np.concatenate([nofire, fire]), np.arange(14) >= 10,
                              groups([1] * 14), 0.1)
    assert chosen.value == pytest.approx(0.65)
    assert chosen.false_alarm_rate.value == pytest.approx(0.1)
    assert chosen.recall.value == pytest.approx(0.75)
    assert chosen.recall.low < 0.75 < chosen.recall.high


def test_long_video_is_one_scene() -> None:
    """
    Allow one in five false alarms, where one scene is a video of 50 frames called fire.

    There are five scenes, and the video is one of them: it may be called fire as a whole.
    Counted by images, it would be 50 of 54, and the threshold far above it.
    """
    nofire = np.concatenate([np.full(50, 0.8), [0.5, 0.3, 0.2, 0.1]])
    chosen = choose_threshold(np.append(nofire, [0.7, 0.9]), np.arange(56) >= 54,
                              groups([50, 1, 1, 1, 1, 1, 1]), 0.2)
    assert 0.5 < chosen.value <= 0.7
    assert chosen.false_alarm_rate.value == pytest.approx(0.2)
    assert chosen.recall.value == 1


def test_threshold_without_a_false_alarm() -> None:
    """None is allowed: the threshold is above every no-fire image, by three digits."""
    probability = np.array([0.1234567, 0.9999, 0.12])
    chosen = choose_threshold(probability, np.array([False, True, False]), groups([1, 1, 1]), 0.0)
    assert 0.1234567 < chosen.value < 0.9999
    assert chosen.value == pytest.approx(0.562)
    assert chosen.false_alarm_rate.value == 0


def test_threshold_as_a_contract_has_it() -> None:
    """The figures are named by the split, with both ends of their intervals."""
    chosen = choose_threshold(np.array([0.1, 0.9]), np.array([False, True]), groups([1, 1]), 0.0)
    assert set(chosen.for_contract('val')) == {
        f'val_{name}{end}' for name in ('false_alarm_rate', 'recall')
        for end in ('', '_low', '_high')}


def test_scaling_calibrates_probabilities() -> None:
    """
    Double and shift the log-odds of calibrated images.

    The factor found is a half, and the shift what takes the other back: 0.5 * (2 * x + 1) - 0.5.
    """
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 2, 20_000)
    fire = rng.random(20_000) < 1 / (1 + np.exp(-odds))
    found = fit_scaling(2 * odds + 1, fire, np.ones(20_000))
    assert found.factor == pytest.approx(0.5, abs=0.02)
    assert found.shift == pytest.approx(-0.5, abs=0.05)
    before, after = (expected_calibration_error(1 / (1 + np.exp(-values)), fire) for values in (
        2 * odds + 1, found.factor * (2 * odds + 1) + found.shift))
    assert after < 0.01 < 0.05 < before


def test_scaling_that_would_reverse_the_order() -> None:
    """A network that is worse than none is left as it is."""
    odds = np.array([-2.0, -1.0, 1.0, 2.0])
    assert fit_scaling(odds, odds < 0, np.ones(4)) == Scaling(1.0, 0.0)


@pytest.mark.parametrize(('outputs', 'activation'), [(1, 'sigmoid'), (2, 'softmax')])
def test_scaling_goes_into_the_last_layer(outputs: int, activation: str) -> None:
    """The network predicts what its scaled log-odds say."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((4, 4, 3)), keras.layers.Flatten(),
        keras.layers.Dense(outputs, activation=activation, bias_initializer='normal')])
    images = np.random.default_rng(0).random((9, 4, 4, 3), dtype=np.float32)
    odds = log_odds(model, images)
    np.testing.assert_allclose(np.asarray(model(images))[:, 0], 1 / (1 + np.exp(-odds)),
                               atol=1e-6)
    apply_scaling(model, Scaling(1.7, -0.4))
    expected = 1 / (1 + np.exp(-(1.7 * odds - 0.4)))
    np.testing.assert_allclose(np.asarray(model(images))[:, 0], expected, atol=1e-6)
