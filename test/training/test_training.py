# SPDX-License-Identifier: Apache-2.0
"""A network is trained as the command line says, and to the same result each time."""

import json
from pathlib import Path
import subprocess
import sys
import time

from command_line import ROOT
from fire_detector.model.file import read_sidecar
from fire_detector.model.preprocessing import InputSpec
import numpy as np
import pytest

keras = pytest.importorskip('keras', reason='the extra training is not installed')

from training import train  # noqa: E402
from training.conversion.predict import probabilities  # noqa: E402
from training.data.loading import load_tensors  # noqa: E402
from training.data.manifest import read_manifest  # noqa: E402
from training.data.samples import (  # noqa: E402
    Dataset,
    DatasetError,
    FIRE,
    labels_of,
    Sample,
    select,
    without,
)
from training.learning.fitting import Backup, learning_rate, read_history  # noqa: E402
from training.run_folder import (  # noqa: E402
    METRICS,
    read_config,
    read_samples,
    run_of,
    samples_of,
    TrainingConfig,
)
from training.studies import throughput  # noqa: E402

DEADLINE = 120
Capture = pytest.CaptureFixture[str]


def metrics_of(run: Path) -> dict:
    """Read what was measured of a run."""
    return dict(json.loads((run / METRICS).read_text()))


def test_run_folder(run: Path, small_data: Path) -> None:
    """Models, configuration, samples, contract, history and metrics record what was done."""
    metrics = metrics_of(run)
    assert metrics['parameters'] == 646_818
    assert f'--data {small_data}' in metrics['command']
    assert metrics['h5_bytes'] == (run / 'model.h5').stat().st_size
    assert metrics['training']['images_per_second'] > 0
    assert metrics['test']['overall']['fire'] == metrics['test']['cair']['fire'] + 30
    assert samples_of(run / 'model.h5') == read_manifest(small_data)
    contract = read_sidecar(run / 'model.keras')
    assert contract.output == 'softmax'
    assert {name: value for name, value in contract.metrics.items()
            if name.startswith('test_')} == {
        f'test_{name}': value for name, value in metrics['test']['overall'].items()}
    # Chosen where at most 2 % of the no-fire images of val are called fire.
    assert (contract.metrics['val_false_alarm_rate'] or 0) <= 0.02
    assert contract.alarm.off_threshold < contract.alarm.on_threshold == contract.threshold
    assert metrics['settled']['factor'] > 0
    assert contract.trained_on == '120 images: cair 60, kaggle999 60'
    assert read_history(run)['epoch'].tolist() == list(range(read_config(run).epochs))
    assert (run / 'curves.png').read_bytes().startswith(b'\x89PNG')


@pytest.mark.parametrize('name', ['model.keras', 'model.h5', 'model.savedmodel'])
def test_saved_models_are_what_was_measured(run: Path, name: str) -> None:
    """Each of the three formats, loaded again, is as often right as metrics.json says."""
    samples = select(samples_of(run / name), 'test')
    called = probabilities(run / name, samples) >= read_sidecar(run / name).threshold
    accuracy = (called == (labels_of(samples) == FIRE)).mean()
    assert accuracy == metrics_of(run)['test']['overall']['accuracy']


def test_kept_model_is_that_of_the_best_epoch(run: Path) -> None:
    """Before calibration, its accuracy on val at a half is the highest of the history."""
    samples = select(samples_of(run / 'model.keras'), 'val')
    model = keras.saving.load_model(run / 'best.keras')
    predicted = model.predict(load_tensors(samples, InputSpec(64, 64)), verbose=0)[:, FIRE]
    best = read_history(run)['val_accuracy'].max()
    found = (predicted > 0.5) == (labels_of(samples) == FIRE)
    assert found.mean() == pytest.approx(best, abs=1e-6)


def test_steps_of_a_cosine() -> None:
    """A tenth at first, all of it after an epoch, half of that in the middle of the rest."""
    rate = learning_rate(TrainingConfig(('',), learning_rate=1e-2, epochs=3), 10)
    assert [float(rate(step)) for step in (0, 10, 20, 30)] == pytest.approx(
        [1e-3, 1e-2, 5e-3, 0], abs=1e-6)


def test_interrupted_training_goes_on_to_the_same_result(
        run: Path, training_options: tuple[str, ...], tmp_path: Path, capsys: Capture) -> None:
    """Killed after the first epoch and started again, it ends as if never interrupted."""
    other = tmp_path / 'firenet'
    command = [*training_options, '--out', str(other)]
    process = subprocess.Popen([sys.executable, '-m', 'training.train', *command], cwd=ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + DEADLINE
        while not (other / 'backup' / 'training_metadata.json').exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert not (other / METRICS).exists()
    assert train.main([*command, '--seed', '1']) == 1
    assert 'holds an interrupted run that was begun with seed 0, now 1' in capsys.readouterr().err

    assert train.main(command) == 0
    assert 'Epoch 1/4' not in capsys.readouterr().out
    found, expected = (read_history(folder).drop(columns='seconds') for folder in (other, run))
    assert found.equals(expected)
    assert all(metrics_of(other)[split] == metrics_of(run)[split] for split in ('val', 'test'))

    assert train.main(command) == 1
    assert f'training.train: {other}: holds a finished run' in capsys.readouterr().err


def test_backup_that_was_cut_short(tmp_path: Path) -> None:
    """
    Kill a training between the two files of a backup: its weights have seen one epoch more.

    Two epochs were trained, and the file beside the weights still names the first: the third
    comes next, not the second once more. In a history, the later of two equal epochs counts.
    """
    def fit(epochs: int) -> list[int]:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(optimizer='adam', loss='mse')
        return list(model.fit(
            np.zeros((6, 1)), np.zeros((6, 1)), batch_size=2, epochs=epochs, verbose=0,
            callbacks=[Backup(tmp_path / 'backup', delete_checkpoint=False)]).epoch)

    assert fit(epochs=2) == [0, 1]
    (tmp_path / 'backup' / 'training_metadata.json').write_text('{"epoch": 1, "batch": 0}')
    assert fit(epochs=4) == [2, 3]
    (tmp_path / 'history.csv').write_text('epoch,loss\n0,1\n1,2\n1,3\n')
    assert read_history(tmp_path)['loss'].tolist() == [1, 3]


@pytest.mark.parametrize(('option', 'value', 'message'), [
    ('--epochs', 0, 'epochs 0 is not 1 or more'),
    ('--batch-size', -1, 'batch_size -1 is not 1 or more'),
    ('--learning-rate', 'nan', 'learning_rate nan is not above 0'),
    ('--sunsets', 1.5, 'sunsets 1.5 is not from 0 to 1'),
    ('--group-cap', -3, 'group_cap -3 is not 0 or more'),
    ('--seed', -1, 'seed -1 is not 0 or more'),
])
def test_options_out_of_range(option: str, value: object, message: str, tmp_path: Path,
                              capsys: Capture) -> None:
    """They are refused before a run folder is made."""
    with pytest.raises(SystemExit):
        train.main(['--data', str(tmp_path), '--out', str(tmp_path / 'run'), option, str(value)])
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize(('out', 'options', 'message'), [
    ('file/run', (), "[Errno 20] Not a directory: '"),
    ('run', ('--leave-out', 'carl'), 'has no source carl to leave out, only cair, kaggle999'),
])
def test_what_cannot_be_trained(out: str, options: tuple[str, ...], message: str,
                                small_data: Path, tmp_path: Path, capsys: Capture) -> None:
    """A folder that cannot be written, and a source that there is not, are named."""
    (tmp_path / 'file').touch()
    assert train.main(['--data', str(small_data), '--out', str(tmp_path / out), *options]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'run').exists()


def test_videos_of_a_left_out_source_leave_with_it() -> None:
    """An image of another source that is of the same video is left out too."""
    samples = [Sample(Path('x.jpg'), FIRE, source, group, 'train') for source, group in (
        ('cctv', 'video'), ('indoor', 'video'), ('indoor', 'room'))]
    assert without(samples, ('cctv',)) == samples[2:]


def test_what_is_set_apart_leaves_with_its_source() -> None:
    """A fire in the video of another source's candle is left out with that source."""
    fire, other = (Sample(Path(name), FIRE, name, group, 'train') for name, group in (
        ('cctv', 'video'), ('indoor', 'room')))
    candle = Sample(Path('candle'), 1 - FIRE, 'candles', 'video', 'train', 'benign_flame')
    left = Dataset([fire, other], (), [candle]).without(['candles'])
    assert (left.samples, left.apart) == ([other], [])


def test_default_network_without_a_source(
        small_data: Path, tmp_path: Path, capsys: Capture) -> None:
    """The source is neither trained on nor tested with the others, and measured on all of it."""
    out = tmp_path / 'run'
    assert train.main(['--data', str(small_data), '--out', str(out), '--epochs', '2',
                       '--leave-out', 'kaggle999']) == 0
    metrics = metrics_of(out)
    assert set(metrics['test']) == {'overall', 'cair'}
    assert set(metrics['left_out']) == {'overall', 'kaggle999'}
    assert metrics['left_out']['overall']['fire'] == 3 * 30
    printed = capsys.readouterr()
    assert 'On left_out' in printed.out
    assert 'legacy' not in printed.err
    contract = read_sidecar(out / 'model.keras')
    assert (contract.name, contract.output) == ('lite0', 'sigmoid')
    assert contract.trained_on == '60 images: cair 60'
    assert {sample.source for sample in samples_of(out / 'model.h5')} == {'cair'}
    # With a cosine the last epoch is kept, whatever its accuracy: 60 images are 2 batches.
    kept = keras.saving.load_model(out / 'best.keras')
    assert int(kept.optimizer.iterations) == 2 * 2


def test_unreadable_images_are_listed_and_left_out(small_data: Path, tmp_path: Path) -> None:
    """A broken and a missing file are named, and the run is of the others."""
    text = (small_data / 'manifest.csv').read_text().splitlines()
    for name in ('broken.jpg', 'missing.jpg'):
        text.append(','.join([name, *text[1].split(',')[1:]]))
    (tmp_path / 'manifest.csv').write_text('\n'.join(text) + '\n')
    (tmp_path / 'broken.jpg').write_bytes(b'no image')
    (tmp_path / 'images').symlink_to(small_data / 'images')
    problems = train.prepare_run(TrainingConfig((str(tmp_path),)), tmp_path / 'run')
    assert [problem.split(':')[:2] for problem in problems] == [
        [str(tmp_path / 'broken.jpg'), ' not an image that OpenCV can read (8 bytes)'],
        [str(tmp_path / 'missing.jpg'), ' No such file or directory']]
    assert len(read_samples(tmp_path / 'run')) == len(read_manifest(small_data))


def test_model_outside_of_a_run_folder(tmp_path: Path) -> None:
    """The message asks for what it was trained on."""
    with pytest.raises(DatasetError, match='name the images with --data'):
        run_of(tmp_path / 'model.h5')


def test_throughput(small_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """The pipeline, the network and both are timed."""
    monkeypatch.setattr(throughput, 'SECONDS', 0.1)
    assert throughput.main(['--data', str(small_data), '--arch', 'firenet']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(':')[0] for line in lines if 'images a second' in line] == [
        'pipeline alone', 'network alone', 'training']
