# SPDX-License-Identifier: Apache-2.0
"""Near-duplicates and suspicious labels are found, and listed to be looked at."""

import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
import pytest

_ = pytest.importorskip('keras', reason='the extra training is not installed')

from training.data.findings import write_pairs, write_suspects  # noqa: E402
from training.data.near_duplicates import find_pairs  # noqa: E402
from training.data.samples import DatasetError, LABELS, Sample, SPLITS  # noqa: E402
from training.data.suspects import find_suspects  # noqa: E402
from training.dataset import main  # noqa: E402


def scene(seed: int) -> NDArray[np.uint8]:
    """Return an image of shape (120, 160, 3) with large shapes that no other seed has."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC), np.uint8)


def write(path: Path, pixels: NDArray[np.uint8], group: str, split: str) -> Sample:
    """Write an image as JPEG, which changes its pixels; return the sample."""
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])
    return Sample(path, 1, 'here', group, split)


def test_near_duplicates(tmp_path: Path) -> None:
    """
    Of one scene there are a smaller image, a mirrored one and another frame of the same video.

    The three groups make three pairs of groups; the frame of the first group has two pairs of its
    own, and none with the first image. Other scenes differ.
    """
    first = scene(1)
    samples = [
        write(tmp_path / 'first.jpg', first, 'a', 'train'),
        write(tmp_path / 'frame.jpg', first, 'a', 'train'),
        write(tmp_path / 'small.jpg', cv2.resize(first, (80, 60)).astype(np.uint8), 'b', 'train'),
        write(tmp_path / 'mirrored.jpg', np.ascontiguousarray(first[:, ::-1]), 'c', 'test'),
        *(write(tmp_path / f'other{seed}.jpg', scene(seed), f'o{seed}', 'val')
          for seed in range(2, 12))]
    pairs = find_pairs(samples)
    names = [(pair.first.path.stem, pair.second.path.stem, pair.leaks) for pair in pairs]
    assert sorted(names) == [
        ('first', 'mirrored', True), ('first', 'small', False), ('frame', 'mirrored', True),
        ('frame', 'small', False), ('small', 'mirrored', True)]
    assert all(0 <= pair.bits <= 6 for pair in pairs)
    lines = write_pairs(pairs, [tmp_path], 4, tmp_path)
    assert len(lines) == 3
    assert {line.split(',')[0] for line in lines} == {
        f'{name}.jpg (train) = mirrored.jpg (test)' for name in ('first', 'frame', 'small')}
    with (tmp_path / 'near_duplicates.csv').open(newline='') as file:
        assert len(list(csv.DictReader(file))) == 5
    assert (tmp_path / 'near_duplicates.png').is_file()
    assert write_pairs([], [tmp_path], 4, tmp_path / '..' / tmp_path.name) == []


def labeled(number: int, kind: str, group: str = '') -> Sample:
    """Return a sample whose image is not there."""
    return Sample(Path(f'/d/{number}.jpg'), LABELS.index(kind), 'here', group or str(number),
                  'train')


def test_suspects(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Two clusters with the labels of both right but for one image of each.

    The two frames of video 'v' are among the fires by their looks, and both wrongly labeled: were
    they in different folds, the one would excuse the other.
    """
    # Five features need less restraint than 1,280.
    monkeypatch.setattr('training.data.suspects.REGULARIZATION', 1.0)
    rng = np.random.default_rng(0)
    kinds = ['fire'] * 200 + ['nofire'] * 200
    features = rng.normal(0, 1, (400, 5)).astype(np.float32)
    features[:200, 0] += 12
    samples = [labeled(number, kind) for number, kind in enumerate(kinds)]
    samples[3], samples[270] = labeled(3, 'nofire'), labeled(270, 'fire')
    samples[5], samples[6] = labeled(5, 'nofire', 'v'), labeled(6, 'nofire', 'v')
    suspects = find_suspects(samples, features)
    assert {suspect.sample for suspect in suspects} >= {samples[index] for index in (3, 5, 6, 270)}
    assert {suspect.sample.path.stem: suspect.looks_like for suspect in suspects[:4]} == {
        '3': 'fire', '5': 'fire', '6': 'fire', '270': 'nofire'}
    assert [suspect.probability for suspect in suspects] == sorted(
        suspect.probability for suspect in suspects)
    with pytest.raises(DatasetError, match='two groups each are needed'):
        find_suspects(samples[:1] * 2 + samples[390:], features[:12])


def test_suspects_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                             capsys: pytest.CaptureFixture[str]) -> None:
    """
    Find an image of another color among four of each label in each split, with real features.

    One in corrections.csv, with whatever label, has been looked at and is not listed again.
    """
    monkeypatch.setattr('training.data.suspects.SUSPICIOUS', 0.5)
    rng = np.random.default_rng(0)
    lines = ['file,label,source,group,split']
    for split in SPLITS:
        for label in LABELS:
            for number in range(4):
                name = f'{split}_{label}_{number}.png'
                red = (label == 'fire') != (name in ('train_fire_0.png', 'train_nofire_1.png'))
                image = rng.integers(0, 60, (64, 64, 3), np.uint8)
                image[16:48, 16:48, 2 if red else 0] += 180
                cv2.imwrite(str(tmp_path / name), image)
                lines.append(f'{name},{label},here,{name},{split}')
    (tmp_path / 'manifest.csv').write_text('\n'.join(lines) + '\n')
    (tmp_path / 'corrections.csv').write_text(
        'file,label,reason\ntrain_nofire_1.png,nofire,a red lamp\n')
    out = tmp_path / 'look'
    assert main(['--data', str(tmp_path), '--out', str(out), '--suspects']) == 0
    assert '- train_fire_0.png: fire? It looks like nofire' in capsys.readouterr().out
    with (out / 'suspects.csv').open(newline='') as file:
        assert [row['file'] for row in csv.DictReader(file)] == ['train_fire_0.png']
    assert (out / 'suspects_fire.png').is_file()
    assert not (out / 'suspects_nofire.png').exists()
    assert write_suspects([], [tmp_path], 4, out) == []
