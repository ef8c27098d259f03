# SPDX-License-Identifier: Apache-2.0
"""From real pictures to a .tflite: what the training tools promise, and what they refuse."""

import csv
import dataclasses
import json
from pathlib import Path
import shutil

from command_line import run_module
from fire_detector.classifier import FireClassifier
from fire_detector.model_contract import read_contract, sidecar_path
from fire_detector.picture_files import read_picture
from fire_detector.preprocessing import InputSpec, preprocess
import numpy as np
import pytest
from ros_session import Camera, image, RosSession

keras = pytest.importorskip('keras', reason='the extra training is not installed')

from training.architectures import ARCHITECTURES  # noqa: E402
from training.loading import load_tensors  # noqa: E402
from training.manifest import read_manifest  # noqa: E402
from training.metrics import measure, measure_by_source  # noqa: E402
from training.predict import fire_probability  # noqa: E402
from training.samples import DatasetError, FIRE, LABELS, Sample, select  # noqa: E402

PER_LABEL = 40
HEADER = 'file,label,source,group,split\n'


@pytest.fixture(scope='session')
def small_data(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a data folder with a few real pictures of each split and label."""
    folder = tmp_path_factory.mktemp('data')
    with (data / 'manifest.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    chosen = [row for split in ('train', 'val', 'test') for label in LABELS
              for row in [row for row in rows
                          if (row['split'], row['label'], row['source']) == (split, label, 'cair')
                          ][:PER_LABEL]]
    (folder / 'images').symlink_to(data / 'images')
    with (folder / 'manifest.csv').open('w', newline='') as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(chosen)
    return folder


@pytest.fixture(scope='session')
def run(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the article's network for a moment, and convert it; give the run folder."""
    folder = tmp_path_factory.mktemp('run')
    result = run_module('training.train', '--data', small_data, '--arch', 'firenet',
                        '--out', folder, '--epochs', 3)
    assert result.returncode == 0, result.stderr
    assert '| overall |' in result.stdout
    return folder


@pytest.fixture(scope='session')
def converted(run: Path) -> Path:
    """Convert the network that was just trained."""
    pytest.importorskip('tflite_runtime', reason='conversion is proven on both runtimes')
    out = run / 'firenet.tflite'
    result = run_module('training.convert', run / 'model.h5', '--out', out)
    assert result.returncode == 0, result.stderr
    assert 'litert: differs from Keras by at most' in result.stdout
    assert f'{out}: {out.stat().st_size:,} bytes' in result.stdout
    return out


def test_firenet_is_the_articles_network() -> None:
    """
    Count the parameters by hand.

    Conv 16: 3*3*3*16+16 = 448; Conv 32: 3*3*16*32+32 = 4640; Conv 64: 3*3*32*64+64 = 18496.
    64 -> 62 -> 31 -> 29 -> 14 -> 12 -> 6: flatten 6*6*64 = 2304. Dense 256: 2304*256+256 =
    590080; Dense 128: 256*128+128 = 32896; Dense 2: 128*2+2 = 258. Together 646818.
    """
    model = ARCHITECTURES['firenet']()
    assert model.count_params() == 646_818
    assert model.input_shape == (None, 64, 64, 3)
    assert model.output_shape == (None, 2)
    assert [layer.rate for layer in model.layers if 'dropout' in layer.name] == [.5, .5, .5, .2]
    assert model.optimizer.name == 'adam'
    assert model.loss == 'sparse_categorical_crossentropy'


def test_run_folder(run: Path) -> None:
    """Models, configuration, contract and metrics are there, and say what was done."""
    metrics = json.loads((run / 'metrics.json').read_text())
    assert metrics['parameters'] == 646_818
    assert metrics['config']['epochs'] == 3
    assert metrics['h5_bytes'] == (run / 'model.h5').stat().st_size
    overall = metrics['test']['overall']
    assert overall == metrics['test']['cair']
    assert overall['fire'] == 15
    assert overall['nofire'] == PER_LABEL
    assert set(overall) == {'fire', 'nofire', 'accuracy', 'recall', 'false_alarm_rate', 'roc_auc'}


@pytest.mark.parametrize('name', ['model.keras', 'model.h5'])
def test_saved_models_are_what_was_measured(run: Path, small_data: Path, name: str) -> None:
    """Each of the two files, loaded again, has the metrics that stand in metrics.json."""
    samples = select(read_manifest(small_data), 'test')
    probability = fire_probability(
        keras.saving.load_model(run / name), load_tensors(samples, InputSpec(64, 64)))
    metrics = json.loads((run / 'metrics.json').read_text())
    overall = dataclasses.asdict(measure_by_source(probability, samples)['overall'])
    assert overall == metrics['test']['overall']


def test_keras_tflite_and_node_give_equal_answers(
        ros: RosSession, data: Path, run: Path, converted: Path) -> None:
    """The same real pictures, through the source, both runtimes and the node over DDS."""
    paths = sorted((data / 'images' / 'news' / 'fire').iterdir())[:10] + sorted(
        (data / 'images' / 'scenes' / 'nofire').iterdir())[:10]
    pictures = [read_picture(path) for path in paths]
    spec = read_contract(converted).input_spec
    model = keras.saving.load_model(run / 'model.h5')
    expected = fire_probability(
        model, np.concatenate([preprocess(picture, spec) for picture in pictures]))
    assert np.ptp(expected) > 0.01

    for runtime in ('litert', 'tflite'):
        classifier = FireClassifier(converted, runtime)
        assert [classifier.probability(picture) for picture in pictures] == pytest.approx(
            expected, abs=1e-3)

    ros.start('node', '-p', f'model:={converted}')
    camera = Camera(ros)
    camera.wait_until_heard()
    answers = [camera.show(image(picture.pixels, stamp=number))[0]
               for number, picture in enumerate(pictures)]
    assert answers == pytest.approx(expected, abs=1e-3)


def test_contract_tells_where_the_model_comes_from(run: Path, converted: Path) -> None:
    """The metrics in the .tflite are those that were measured."""
    contract = read_contract(converted)
    measured = json.loads((run / 'metrics.json').read_text())['test']['overall']
    assert contract.metrics == {f'test_{name}': value for name, value in measured.items()}
    assert contract.labels == LABELS
    assert contract.trained_on == f'{2 * PER_LABEL} pictures: cair {2 * PER_LABEL}'


def test_conversion_that_differs_is_not_written(
        run: Path, converted: Path, tmp_path: Path) -> None:
    """
    Check that a contract whose labels are swapped is refused.

    The .tflite then answers 1 - p where Keras answers p; the file that was there stays.
    """
    shutil.copy(run / 'model.h5', tmp_path)
    shutil.copy(run / 'config.json', tmp_path)
    fields = json.loads(sidecar_path(run / 'model.h5').read_text())
    fields['labels'].reverse()
    sidecar_path(tmp_path / 'model.h5').write_text(json.dumps(fields))
    out = tmp_path / 'out.tflite'
    out.write_bytes(b'the one from before')
    result = run_module('training.convert', tmp_path / 'model.h5', '--out', out)
    assert result.returncode == 1
    assert 'training.convert: not converted: litert differs from Keras by' in result.stderr
    assert out.read_bytes() == b'the one from before'
    assert {path.name for path in tmp_path.iterdir()} == {
        'model.h5', 'config.json', 'model.contract.json', 'out.tflite'}


def test_conversion_without_contract(run: Path, tmp_path: Path) -> None:
    """What the model expects cannot be guessed."""
    shutil.copy(run / 'model.h5', tmp_path)
    shutil.copy(run / 'config.json', tmp_path)
    result = run_module('training.convert', tmp_path / 'model.h5', '--out', tmp_path / 'x.tflite')
    assert result.returncode == 1
    assert f'{tmp_path / "model.contract.json"}: cannot read the contract' in result.stderr


def test_conversion_without_pictures(run: Path, tmp_path: Path) -> None:
    """Without a configuration beside the model, --data is asked for."""
    shutil.copy(run / 'model.h5', tmp_path)
    result = run_module('training.convert', tmp_path / 'model.h5', '--out', tmp_path / 'x.tflite')
    assert result.returncode == 1
    assert 'name them with --data' in result.stderr


def test_manifest_of_the_real_data(data: Path) -> None:
    """Every picture is listed once, in one split."""
    samples = read_manifest(data)
    assert len(samples) == 6130
    assert len(select(samples, 'test')) == 717
    assert len({sample.path for sample in samples}) == len(samples)


ROWS = ''.join(f'{split}_{label}.jpg,{label},here,{split}_{label},{split}\n'
               for split in ('train', 'val', 'test') for label in LABELS)


@pytest.mark.parametrize(('text', 'message'), [
    (HEADER + ROWS + 'x.jpg,smoke,here,g,train\n', r"manifest.csv:8: label 'smoke'"),
    (HEADER + ROWS + 'x.jpg,fire,here,g,dev\n', r"manifest.csv:8: split 'dev'"),
    (HEADER + ROWS + 'x.jpg,fire,here,test_fire,train\n', "group 'test_fire' is in two splits"),
    (HEADER + ROWS.replace('val_fire.jpg,fire', 'val_fire.jpg,nofire'),
     "no picture labeled fire in split 'val'"),
    ('file,label\nx.jpg,fire\n', "manifest.csv:2: no column 'split'"),
    ('', "no picture labeled fire or nofire in split 'train'"),
])
def test_manifest_that_cannot_be_trained_on(tmp_path: Path, text: str, message: str) -> None:
    """The message names the file, the line and the value."""
    (tmp_path / 'manifest.csv').write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_manifest(tmp_path)


def test_no_manifest(tmp_path: Path) -> None:
    """A command line error, without a traceback."""
    result = run_module('training.train', '--data', tmp_path, '--out', tmp_path / 'run')
    assert result.returncode == 1
    assert f'training.train: {tmp_path / "manifest.csv"}: No such file' in result.stderr
    assert 'Traceback' not in result.stderr


def test_metrics_by_hand() -> None:
    """
    Check against numbers worked out by hand.

    Fire at 0.9, 0.6, 0.4 and no fire at 0.7, 0.1: of five, 0.9, 0.6 and 0.1 are right. Of the six
    pairs of fire and no fire, fire scores higher in 0.9>0.7, 0.9>0.1, 0.6>0.1 and 0.4>0.1.
    """
    found = measure(np.array([0.9, 0.6, 0.4, 0.7, 0.1]),
                    np.array([True, True, True, False, False]))
    assert (found.fire, found.nofire) == (3, 2)
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.recall == pytest.approx(2 / 3)
    assert found.false_alarm_rate == pytest.approx(1 / 2)
    assert found.roc_auc == pytest.approx(4 / 6)


def test_metrics_of_a_source_with_one_label() -> None:
    """What cannot be measured is None, and not a number."""
    samples = [Sample(Path('a'), FIRE, 'one', 'g', 'test'),
               Sample(Path('b'), 1 - FIRE, 'two', 'h', 'test')]
    found = measure_by_source(np.array([0.8, 0.3]), samples)
    assert list(found) == ['overall', 'one', 'two']
    assert found['overall'].roc_auc == 1.0
    assert found['one'].false_alarm_rate is None
    assert found['one'].roc_auc is None
    assert found['two'].recall is None


def test_training_sees_what_the_node_sees(data: Path) -> None:
    """One function prepares the pictures on both sides."""
    sample = next(sample for sample in read_manifest(data) if sample.source == 'cair')
    spec = InputSpec(64, 64)
    np.testing.assert_array_equal(load_tensors([sample], spec),
                                  preprocess(read_picture(sample.path), spec))
