# SPDX-License-Identifier: Apache-2.0
"""What the tests of training share."""

import csv
from pathlib import Path

import pytest

# --- Training: a few real images, and one run of the article's network ------------------------

# Of each source; enough for most probabilities to be clear.
IMAGES_PER_LABEL = 30
TRAINING = ('--arch', 'firenet', '--schedule', 'constant', '--learning-rate', '0.001',
            '--epochs', '12')


@pytest.fixture(scope='session')
def small_data(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a few real images of each split and label, from two sources."""
    folder = tmp_path_factory.mktemp('data')
    with (data / 'manifest.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    chosen = [row for split in ('train', 'val', 'test') for label in ('fire', 'nofire')
              for source in ('cair', 'kaggle999')
              for row in [row for row in rows if (row['split'], row['label'], row['source'])
                          == (split, label, source)][:IMAGES_PER_LABEL]]
    (folder / 'images').symlink_to(data / 'images')
    with (folder / 'manifest.csv').open('w', newline='') as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(chosen)
    return folder


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
