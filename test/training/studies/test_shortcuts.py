# SPDX-License-Identifier: Apache-2.0
"""What the shortcuts of preprocessing change is measured, and is little."""

from pathlib import Path

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.preprocessing import InputSpec, preprocess
import numpy as np
import pytest

pd = pytest.importorskip('pandas', reason='the extra training is not installed')

from training.data.manifest import read_manifest  # noqa: E402
from training.data.samples import select  # noqa: E402
from training.studies.shortcuts import main, predict_both, shortcuts_table  # noqa: E402


def test_table_by_hand() -> None:
    """
    At 0.5, 0.4 and 0.6 are other decisions, and 0.7 and 0.9 are the same.

    The differences are 0.2 each, so is their mean. Of the two fires, one was called fire and both
    are now; the image without was not, and is not.
    """
    predictions = pd.DataFrame({'images': 'raw', 'fire': [True, True, False],
                                'reference': [0.4, 0.7, 0.1], 'shortcut': [0.6, 0.9, 0.3]})
    row = shortcuts_table(predictions, 0.5).splitlines()[-1]
    assert [cell.strip() for cell in row.strip('|').split('|')] == [
        'raw', '0.2000', '0.2000', '0.2000', '1 of 3', '0.500 / 0.000', '1.000 / 0.000']


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
    predictions = predict_both(FireClassifier(model), samples)
    difference = (predictions['shortcut'] - predictions['reference']).abs()
    means = difference.groupby(predictions['images']).mean()
    assert set(means.index) == {'raw 640x480', 'JPEG 640x480', 'raw 1280x720', 'JPEG 1280x720'}
    assert ((means > 0) & (means < 0.01)).all()
    changed = ((predictions[['shortcut', 'reference']] >= 0.721).sum(axis=1) == 1)
    assert changed.groupby(predictions['images']).sum().max() <= 1


def test_what_cannot_be_read_is_named(tmp_path: Path,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    """An empty folder is no data folder."""
    assert main(['--data', str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err
