# SPDX-License-Identifier: Apache-2.0
"""What the shortcuts of preprocessing change is measured, and is little."""

from pathlib import Path

from fire_detector.model.classifier import FireClassifier
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
