# SPDX-License-Identifier: Apache-2.0
"""What the tests of training share."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
from fire_detector.model.locate import find_model
import numpy as np
import pytest

# --- Training: one run of the article's network -----------------------------------------------

TRAINING = ('--arch', 'firenet', '--schedule', 'constant', '--learning-rate', '0.001',
            '--epochs', '4')


@pytest.fixture(scope='session')
def training_options(small_data: Path) -> tuple[str, ...]:
    """Return the options of `training.train` that :func:`run` was made with, but for --out."""
    return ('--data', str(small_data), *TRAINING)


@pytest.fixture(scope='session')
def run(training_options: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the article's network for a moment; return the run folder."""
    pytest.importorskip('keras', reason='the extra training is not installed')
    from training import train
    folder = tmp_path_factory.mktemp('run') / 'firenet'
    assert train.main([*training_options, '--out', str(folder)]) == 0
    return folder


# --- Measuring: tiny images, and models whose figures are known -------------------------------

LABELS, SPLITS = ('fire', 'nofire'), ('train', 'val', 'test')
WriteData = Callable[..., Path]


@pytest.fixture
def firenet() -> Path:
    """Return the article's model, whose threshold is a half."""
    return find_model('firenet.tflite')


@pytest.fixture
def write_data(tmp_path: Path) -> WriteData:
    """
    Return what writes a data folder into the test's own.

    In each source and split it has two images of fire, red above and blue below, and two blue
    ones without, called `SOURCE_SPLIT_LABEL_NUMBER.png`.
    """
    def write(sources: Sequence[str] = ('here',)) -> Path:
        lines = ['file,label,source,group,split']
        for source in sources:
            for split in SPLITS:
                for label in LABELS:
                    for number in range(2):
                        image = np.full((40, 60, 3), (255, 0, 40 * number), np.uint8)
                        if label == 'fire':
                            image[:25] = (0, 120, 255 - 40 * number)
                        name = f'{source}_{split}_{label}_{number}.png'
                        cv2.imwrite(str(tmp_path / name), image)
                        lines.append(f'{name},{label},{source},{name},{split}')
        (tmp_path / 'manifest.csv').write_text('\n'.join(lines) + '\n')
        return tmp_path
    return write


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take less time for the intervals of figures that are no rates."""
    monkeypatch.setattr('training.measurement.intervals.RESAMPLES', 20)
