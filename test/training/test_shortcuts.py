# SPDX-License-Identifier: Apache-2.0
"""What the shortcuts of preparing an image change is measured, and is little."""

from pathlib import Path

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.preprocessing import InputSpec, preprocess
import numpy as np
import pytest
from training.data.manifest import read_manifest
from training.data.samples import select
from training.shortcuts import Change, main, measure, table


def test_a_changed_decision_is_counted() -> None:
    """
    At 0.5, 0.4 and 0.6 are other decisions, and 0.7 and 0.9 are the same.

    The differences are 0.2 each, so is their mean. Of the two fires, one was called fire and both
    are now; the image without was not, and is not.
    """
    change = Change('raw', np.array([0.4, 0.7, 0.1]), np.array([0.6, 0.9, 0.3]))
    assert change.decisions(0.5) == 1
    row = table([change], np.array([True, True, False]), 0.5).splitlines()[-1]
    assert row == '| raw | 0.2000 | 0.200 | 0.200 | 1 of 3 | 0.500 / 0.000 | 1.000 / 0.000 |'


def test_a_halved_image_is_averaged_over_the_same_pixels() -> None:
    """
    Halve twice, then average: each value is the mean of its 4x4 pixels, but for rounding.

    Each of three roundings, two of halves and one at the end, changes a value by up to half a
    level.
    """
    pixels = np.random.default_rng(0).integers(0, 256, (96 * 8, 96 * 8, 3), np.uint8)
    means = pixels.reshape(96, 8, 96, 8, 3).mean((1, 3))
    tensor = preprocess(ColorImage(pixels, 'RGB'), InputSpec(96, 96, scale=1.0))
    assert np.abs(tensor[0] - means).max() <= 1.5
    assert np.abs(tensor[0] - means).mean() < 0.5


def test_images_that_are_small_are_prepared_as_ever() -> None:
    """
    Average once what has no more than 320x320 pixels, or is less than 3.5 times the input.

    334 rows are, of 96; 320x320 pixels are 5 times 64, but small. 640x480 are neither.
    """
    for (height, width), side, is_once in (((334, 480), 96, True), ((320, 320), 64, True),
                                           ((480, 640), 96, False)):
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        once = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
        tensor = preprocess(ColorImage(pixels, 'RGB'), InputSpec(side, side, scale=1.0))
        assert np.array_equal(tensor[0], once.astype(np.float32)) == is_once


def test_real_images(small_data: Path, model: Path) -> None:
    """On average the probability stays within 0.01, and hardly a decision is another."""
    samples = select(read_manifest(small_data), 'test')[::4]
    changes = measure(FireClassifier(model), samples)
    assert [change.name for change in changes] == [
        'raw 640x480', 'JPEG 640x480', 'raw 1280x720', 'JPEG 1280x720']
    for change in changes:
        assert 0 < change.difference.mean() < 0.01
        assert change.decisions(0.721) <= 1


def test_what_cannot_be_read_is_named(tmp_path: Path,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without a manifest is no data folder."""
    assert main(['--data', str(tmp_path)]) == 1
    assert 'manifest.csv' in capsys.readouterr().err
