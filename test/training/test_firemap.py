# SPDX-License-Identifier: Apache-2.0
"""A network with a heat map is trained, saved, converted, run and trained on."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from fire_detector.images.files import read_image
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.contract import contract_to_json, HeatMap, ModelError
from fire_detector.model.file import read_contract, read_model, read_sidecar, sidecar_path
import numpy as np
import pandas as pd
import pytest

_ = pytest.importorskip('tflite_runtime', reason='conversion is proven on both runtimes')
keras = pytest.importorskip('keras', reason='the extra training is not installed')

from training import train  # noqa: E402
from training.conversion.predict import outputs  # noqa: E402
from training.conversion.proof import ConversionError, Proof  # noqa: E402
from training.conversion.runtimes import REQUIRED_RUNTIMES as RUNTIMES  # noqa: E402
from training.conversion.source_models import load_source  # noqa: E402
from training.conversion.variants import VARIANTS  # noqa: E402
from training.data.loading import load_tensors  # noqa: E402
from training.data.samples import select  # noqa: E402
from training.learning import fitting  # noqa: E402
from training.learning.fitting import read_history  # noqa: E402
from training.measurement.localization import CELL_THRESHOLDS  # noqa: E402
from training.run_folder import METRICS, samples_of  # noqa: E402

# Of each label and split.
IMAGES = 30
# 6x6 cells.
OPTIONS = ('--arch', 'firemap', '--input-size', '48', '--epochs', '2', '--box-crops', '0.3',
           '--hard-negatives', '3')


@pytest.fixture(scope='module')
def boxed_data(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a few real images of each split, and the boxes of their fires."""
    folder = tmp_path_factory.mktemp('boxed')
    rows = pd.read_csv(data / 'manifest.csv', dtype=str)
    chosen = rows[rows['source'].isin(['news']) | (rows['label'] == 'nofire')]
    chosen.groupby(['split', 'label']).head(IMAGES).to_csv(folder / 'manifest.csv', index=False)
    for name in ('images', 'boxes.csv'):
        (folder / name).symlink_to(data / name)
    return folder


@pytest.fixture(scope='module')
def map_run(boxed_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a network with a heat map for a moment; return the run folder."""
    folder = tmp_path_factory.mktemp('run') / 'firemap'
    assert train.main(['--data', str(boxed_data), '--out', str(folder), *OPTIONS]) == 0
    return folder


@pytest.fixture(scope='module')
def proof(map_run: Path) -> Proof:
    """Return what the network predicts for the images of `test`."""
    samples = samples_of(map_run / 'model.keras')
    return Proof(load_source(map_run / 'model.keras'), select(samples, 'test'),
                 select(samples, 'train'))


def test_run_of_a_heat_map(map_run: Path) -> None:
    """The contract has the grid; what is logged has the names that every run's has."""
    contract = read_sidecar(map_run / 'model.keras')
    assert contract.heat_map is not None
    assert contract.heat_map == HeatMap(6, 6, 1, contract.heat_map.threshold)
    assert contract.heat_map.threshold in CELL_THRESHOLDS
    assert (contract.output, contract.format_version) == ('sigmoid', 2)
    history = read_history(map_run)
    assert {'accuracy', 'val_accuracy', 'loss', 'val_loss', 'seconds'} <= set(history)
    # Both outputs are trained on.
    assert history['heat_map_loss'].iloc[1] < history['heat_map_loss'].iloc[0]
    metrics = json.loads((map_run / METRICS).read_text())
    assert metrics['parameters'] == 64_372
    assert metrics['test']['overall']['fire'] == IMAGES


@pytest.mark.parametrize('name', ['model.h5', 'model.savedmodel'])
def test_saved_formats_agree(map_run: Path, proof: Proof, name: str) -> None:
    """Each of the three, loaded again, has the same probabilities and the same heat maps."""
    expected = outputs(map_run / 'model.keras', proof.compared)
    found = outputs(map_run / name, proof.compared)
    assert expected.heat_maps is not None
    assert found.heat_maps is not None
    assert expected.heat_maps.shape == (len(proof.compared), 6, 6)
    np.testing.assert_allclose(found.probability, expected.probability, atol=1e-5)
    np.testing.assert_allclose(found.heat_maps, expected.heat_maps, atol=1e-5)


@pytest.mark.parametrize('variant', ['float32', 'float16', 'int8'])
def test_node_and_training_see_the_same_heat_map(
        proof: Proof, variant: str, tmp_path: Path) -> None:
    """
    The node's classifier, in both runtimes, finds for an image what training found for its tensor.

    Weights of float16 have 11 bits, those of integers 8; values between 0 and 1, 256 steps.
    """
    out = tmp_path / 'map.tflite'
    proof.convert(VARIANTS[variant], out)
    heat_map = read_contract(out).heat_map
    assert heat_map is not None
    tolerance = {'float32': 1e-3, 'float16': 0.02, 'int8': 0.2}[variant]
    chosen = proof.compared[::10]
    expected = proof.source.outputs(load_tensors(chosen, proof.source.contract.input_spec))
    assert expected.heat_maps is not None
    for runtime in RUNTIMES:
        classifier = FireClassifier(out, runtime)
        # With it, the shapes were known only at run time, which tflite-runtime is slow at.
        operations = [one['op_name'] for one in classifier._interpreter._get_ops_details()]
        assert 'CONV_2D' in operations
        assert 'SHAPE' not in operations
        found = [classifier.classify(read_image(sample.path)) for sample in chosen]
        np.testing.assert_allclose([one.probability for one in found], expected.probability,
                                   atol=tolerance)
        np.testing.assert_allclose(np.array([one.heat_map for one in found], np.float32),
                                   expected.heat_maps, atol=tolerance)
    # In the other place, it would be refused.
    wrong = dataclasses.replace(read_contract(out), heat_map=dataclasses.replace(
        heat_map, output=1 - heat_map.output))
    plain = tmp_path / 'plain.tflite'
    plain.write_bytes(read_model(out).content)
    sidecar_path(plain).write_text(contract_to_json(wrong))
    with pytest.raises(ModelError, match=r'has shape .* its contract says a heat map of shape'):
        FireClassifier(plain)


def test_heat_map_that_differs_is_not_written(proof: Proof, tmp_path: Path) -> None:
    """The source has 1 - p in each cell where the .tflite has p."""
    def inverted(tensors: Any) -> list[Any]:
        probability, cells = proof.source.predict(tensors)
        return [probability, 1 - cells]

    other = Proof(dataclasses.replace(proof.source, predict=inverted), proof.compared, [])
    for variant, message in (('float32', 'at most on'), ('float16', 'on average on')):
        with pytest.raises(ConversionError, match=f'the heat map of litert differs .*{message}'):
            other.convert(VARIANTS[variant], tmp_path / 'out.tflite')
    assert not list(tmp_path.iterdir())


def test_training_starts_from_weights(map_run: Path, boxed_data: Path, tmp_path: Path,
                                      monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    """
    With hardly a step, a network stays what it started from; one of another kind is refused.

    By name, the weights are those of the package's models.
    """
    (tmp_path / 'shipped.keras').write_bytes((map_run / 'model.keras').read_bytes())
    monkeypatch.setattr(fitting, 'models_folder', lambda: tmp_path)
    started = keras.saving.load_model(map_run / 'model.keras').get_weights()
    for number, start in enumerate(('shipped', str(map_run / 'model.keras'))):
        out = tmp_path / f'run{number}'
        assert train.main(['--data', str(boxed_data), '--out', str(out), *OPTIONS,
                           '--epochs', '1', '--no-calibrate', '--learning-rate', '1e-9',
                           '--start-from', start]) == 0
        found = keras.saving.load_model(out / 'model.keras').get_weights()
        for weight, before in zip(found, started, strict=True):
            np.testing.assert_allclose(weight, before, atol=1e-5)
        assert f'--start-from {start}' in json.loads((out / METRICS).read_text())['command']
    capsys.readouterr()
    for start, options in (('shipped', ('--arch', 'firenet')), ('nosuch', OPTIONS)):
        assert train.main(['--data', str(boxed_data), '--out', str(tmp_path / 'other'),
                           '--start-from', start, *options]) == 1
        assert f'{start}.keras: no weights to start' in capsys.readouterr().err
        for path in (tmp_path / 'other').iterdir():
            path.unlink()


def test_average_of_an_interrupted_training(boxed_data: Path, tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Train with an average of the weights, without and with an interruption after the first epoch.

    Both end alike, and otherwise than without an average.
    """
    def trained(name: str, average: str) -> list[np.ndarray]:
        command = ['--data', str(boxed_data), '--out', str(tmp_path / name), *OPTIONS,
                   '--no-calibrate', '--average', average]
        while train.main(command):
            monkeypatch.undo()
        return list(keras.saving.load_model(tmp_path / name / 'model.keras').get_weights())

    whole, last = trained('whole', '0.8'), trained('last', '0')

    def interrupt(self: Any, epoch: int, logs: Any = None) -> None:
        if epoch:
            raise KeyboardInterrupt

    monkeypatch.setattr(fitting.Average, 'on_epoch_begin', interrupt)
    for found, expected in zip(trained('parts', '0.8'), whole, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert any(np.abs(one - other).max() > 1e-4 for one, other in zip(whole, last, strict=True))


def test_networks_with_a_heat_map_are_not_optimized(
        map_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what to do instead."""
    optimize = pytest.importorskip('training.optimize')
    assert optimize.main([str(map_run), '--method', 'prune']) == 1
    assert 'has a heat map' in capsys.readouterr().err
