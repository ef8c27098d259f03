# SPDX-License-Identifier: Apache-2.0
"""Recipes are trained once for each seed, and their figures are added up by hand here."""

from pathlib import Path
import subprocess
from typing import Any

import numpy as np
import pytest

_ = pytest.importorskip('keras', reason='the extra training is not installed')
pd = pytest.importorskip('pandas', reason='the extra training is not installed')

from training.conversion import runtimes  # noqa: E402
from training.data.samples import FIRE, Sample  # noqa: E402
from training.measurement.predictions import predictions_of, write_predictions  # noqa: E402
from training.studies import latency, recipes  # noqa: E402

PROBABILITIES = (0.9, 0.4, 0.8, 0.7, 0.6, 0.55, 0.2, 0.1, 0.1, 0.0)


def predictions(folder: Path) -> Any:
    """Return predictions for five fires and five others, every second from cair."""
    return predictions_of([
        Sample(folder / f'{number}.jpg', FIRE if number < 5 else 1 - FIRE,
               'news' if number % 2 else 'cair', str(number), 'test') for number in range(10)],
        PROBABILITIES)


def test_figures_by_hand(tmp_path: Path) -> None:
    """
    Count at a half: four of five fires found, one false alarm: (0.8 + 0.8) / 2.

    Of 25 pairs of fire and other only 0.4 and 0.55 are in the wrong order: 24 / 25. On cair
    (every second): fires 0.9, 0.8, 0.6 and others 0.2, 0.1: all right. With no false alarm the
    threshold is 0.6: four of five. Of the two fires of 4 % one is found, at either threshold.
    """
    (tmp_path / 'boxes.csv').write_text(
        'file,cx,cy,w,h\n0.jpg,0.5,0.5,0.2,0.2\n1.jpg,0.5,0.5,0.2,0.2\n2.jpg,0.5,0.5,1,1\n')
    found = recipes.study_figures(predictions(tmp_path), [tmp_path])
    assert found['balanced accuracy'] == pytest.approx(0.8)
    assert found['ROC AUC'] == pytest.approx(0.96)
    assert found['on cair'] == 1
    assert (found['recall'], found['false alarms']) == pytest.approx((0.8, 0.2))
    assert found['recall at 2 % false alarms'] == pytest.approx(0.8)
    assert found['recall of 1 to 5 %'] == pytest.approx(0.5)
    assert found['the same at 2 % false alarms'] == pytest.approx(0.5)


def test_left_out_images_are_what_counts(tmp_path: Path) -> None:
    """Where sources were left out, here cair, the figures are theirs and not those of `test`."""
    table = predictions(tmp_path)
    table.loc[table['source'] == 'cair', 'split'] = 'left_out'
    assert recipes.study_figures(table, [tmp_path])['balanced accuracy'] == 1


def test_mean_and_spread() -> None:
    """Of 0.8 and 0.9 they are 0.85 and 0.1 / sqrt(2) = 0.071; one seed has no spread."""
    figures = pd.DataFrame({'a': [0.8, 0.9, 0.8], 'b': [np.nan] * 3}, index=['x', 'x', 'y'])
    assert [line.split(' | ')[1:] for line in recipes.study_table(figures).splitlines()[2:]] == [
        ['2', '0.850 ± 0.071', '- |'], ['1', '0.800', '- |']]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Record the command lines of trainings, which leave predictions behind."""
    commands: list[list[str]] = []

    def run(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(words[3:])
        out = Path(words[words.index('--out') + 1])
        write_predictions(predictions(tmp_path), out / 'predictions.csv')
        (out / 'metrics.json').write_text('')
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr(subprocess, 'run', run)
    return commands


@pytest.mark.parametrize('study', recipes.STUDIES)
def test_study(trained: list[list[str]], tmp_path: Path, study: str) -> None:
    """Every row is trained with each seed, by options that training knows, and only once."""
    from training.train import _parser
    out = tmp_path / 'study'
    words = [study, '--data', str(tmp_path), '--seeds', '3', '4', '--out', str(out),
             '--jobs', '1']
    assert recipes.main(words) == 0
    options = [_parser().parse_args(command) for command in trained]
    assert len(options) == 2 * len(recipes.STUDIES[study])
    assert {one.seed for one in options} == {3, 4}
    figures = pd.read_csv(out / 'study.csv', index_col='row')
    assert figures['recall'].tolist() == pytest.approx([0.8] * len(options))
    assert recipes.main(words) == 0
    assert len(trained) == len(options)


def test_failed_training_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    """The row, the seed and the log are in the message."""
    monkeypatch.setattr(subprocess, 'run',
                        lambda words, **_: subprocess.CompletedProcess(words, 1))
    assert recipes.main(['default', '--data', str(tmp_path), '--row', 'lite0', '--seeds', '7',
                         '--out', str(tmp_path / 'out')]) == 1
    error = capsys.readouterr().err
    assert all(text in error for text in ('lite0', '7', str(tmp_path / 'out/lite0/seed7/log.txt')))


def test_latency_ratio_is_to_the_first(model: Path, firenet: Path,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2 and 5 ms, the second takes 2.5 times as long."""
    monkeypatch.setattr(runtimes, 'latencies', lambda models, runtime, threads: [
        {'1': 2.0}, {'1': 5.0}])
    rows = latency.latency_table([firenet, model]).splitlines()
    assert rows[-2].split(' | ')[2:] == ['2.000', '1.00', '2.000', '1.00 |']
    assert rows[-1].split(' | ')[2:] == ['5.000', '2.50', '5.000', '2.50 |']


def test_latency_of_real_models(model: Path, tmp_path: Path,
                                capsys: pytest.CaptureFixture[str]) -> None:
    """Both runtimes run the model, and a file that is no model is named."""
    _ = pytest.importorskip('tflite_runtime', reason='tflite-runtime is not installed')
    assert latency.main([str(model)]) == 0
    assert model.name in capsys.readouterr().out
    broken = tmp_path / 'broken.tflite'
    broken.write_bytes(b'no model')
    assert latency.main([str(broken)]) == 1
    assert 'broken.tflite' in capsys.readouterr().err
