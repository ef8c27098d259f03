# SPDX-License-Identifier: Apache-2.0
"""Recipes are compared as the studies say, and what they found is added up by hand here."""

from pathlib import Path
import subprocess

import numpy as np
import pytest

_ = pytest.importorskip('keras', reason='the extra training is not installed')

from training import study, train  # noqa: E402
from training.data.boxes import Box  # noqa: E402
from training.measurement.study_tables import (  # noqa: E402
    figures,
    Finding,
    read_finding,
    study_tables,
)
from training.studies import Converted, Row, STUDIES  # noqa: E402


def finding() -> Finding:
    """
    Make answers to five fires and five others.

    Of the fires, the first two cover 4 % of their images.
    """
    return Finding(
        'test', tuple(Path(f'{number}.jpg') for number in range(10)),
        np.array(['cair', 'news'] * 5), np.arange(10) < 5,
        np.array([0.9, 0.4, 0.8, 0.7, 0.6, 0.55, 0.2, 0.1, 0.1, 0.0]))


def test_figures_by_hand() -> None:
    """
    Count at a half: four of five fires found, one false alarm: (0.8 + 0.8) / 2.

    Of 25 pairs of fire and other only 0.4 and 0.55 are in the wrong order: 24 / 25. On cair
    (every second): fires 0.9, 0.8, 0.6 and others 0.2, 0.1: all right. With no false alarm the
    threshold is 0.6: four of five. Of the two small fires one is found, at either threshold.
    """
    small = (Box(0, 0, 0.2, 0.2),)
    found = figures(finding(), {Path('0.jpg'): small, Path('1.jpg'): small,
                                Path('2.jpg'): (Box(0, 0, 1, 1),)})
    assert found['balanced accuracy'] == pytest.approx(0.8)
    assert found['ROC AUC'] == pytest.approx(0.96)
    assert found['on cair'] == 1
    assert (found['recall'], found['false alarms']) == pytest.approx((0.8, 0.2))
    assert found['recall at 2 % false alarms'] == pytest.approx(0.8)
    assert found['recall of 1 to 5 %'] == pytest.approx(0.5)
    assert found['the same at 2 % false alarms'] == pytest.approx(0.5)


def test_mean_and_spread() -> None:
    """Two seeds, of which one finds the fire that the other missed: 0.8 and 0.9."""
    better = Finding(**vars(finding()) | {'probability': np.array(
        [0.9, 0.6, 0.8, 0.7, 0.6, 0.55, 0.2, 0.1, 0.1, 0.0])})
    table, measured = study_tables({'row': [finding(), better]}, Path('nowhere'))
    assert [one['balanced accuracy'] for one in measured['row']] == pytest.approx([0.8, 0.9])
    assert '| row | 2 | 0.850 ± 0.071 |' in table
    alone, _ = study_tables({'row': [finding()]}, Path('nowhere'))
    assert '| row | 1 | 0.800 | 0.960 |' in alone


def test_options_are_those_of_training(tmp_path: Path) -> None:
    """Every row's command line is one that training understands, and what it needs is there."""
    for rows in STUDIES.values():
        for row in rows.values():
            if isinstance(row, Row):
                options = train._parser().parse_args(
                    ['--data', '.', '--out', str(tmp_path), *row.options.split()])
                assert options.patience == 0
                assert row.teacher is None or isinstance(rows[row.teacher], Row)
            else:
                assert isinstance(rows[row.of], Row)


def test_rows_are_made_once_and_teachers_first(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A teacher is trained and converted before its pupil; what is there is not made again."""
    made = []

    def run(words: list[str], **_: object) -> object:
        made.append(' '.join(words[2:]))
        target = Path(words[words.index('--out') + 1])
        done = target / 'metrics.json' if words[2] == 'training.train' else target
        if words[2] == 'training.evaluate':
            done = target / 'predictions.csv'
        done.parent.mkdir(parents=True, exist_ok=True)
        done.write_text('')
        return type('Result', (), {'returncode': 0})

    monkeypatch.setattr(subprocess, 'run', run)
    rows: dict[str, Row | Converted] = {
        'pupil': Row('--arch lite0', 'teacher'),
        'teacher': Row('--arch lite0_whole', seeds=1),
        'rounded': Converted('pupil', 'int8')}
    study.Study(rows, (3, 4), tmp_path, tmp_path / 'out').train(1)
    tools = [command.split()[0].removeprefix('training.') for command in made]
    assert tools == ['train', 'convert', 'train', 'train', 'convert', 'evaluate', 'convert',
                     'evaluate']
    assert '--arch lite0_whole' in made[0]
    assert all('teacher/seed3/teacher.tflite' in command for command in made[2:4])
    assert ['seed3' in made[2], 'seed4' in made[3]] == [True, True]
    study.Study(rows, (3, 4), tmp_path, tmp_path / 'out').train(1)
    assert len(made) == 8


def test_failed_training_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The row, the seed and the log are said."""
    monkeypatch.setattr(subprocess, 'run',
                        lambda words, **_: type('Result', (), {'returncode': 1}))
    only: dict[str, Row | Converted] = {'only one': Row('')}
    with pytest.raises(study.StudyError, match=r'only one, seed 7: status 1, see .*log\.txt'):
        study.Study(only, (7,), tmp_path, tmp_path / 'out').train(1)


def test_left_out_images_are_what_counts(tmp_path: Path) -> None:
    """Where sources were left out, the figures are theirs and not those of `test`."""
    path = tmp_path / 'predictions.csv'
    path.write_text('split,file,label,source,group,probability\n'
                    'test,a.jpg,fire,news,1,0.9\nleft_out,b.jpg,nofire,cair,2,0.25\n')
    found = read_finding(path)
    assert (found.split, found.files, found.probability.tolist()) == (
        'left_out', (Path('b.jpg'),), [0.25])
    path.write_text('file,label,source,group,probability\na.jpg,fire,news,1,0.9\n')
    assert read_finding(path).split == 'test'
