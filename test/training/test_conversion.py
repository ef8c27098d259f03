# SPDX-License-Identifier: Apache-2.0
"""Models of every format convert to every number format, or are refused with the reason."""

import dataclasses
import json
from pathlib import Path
import shutil
from typing import Any

from fire_detector.images.files import read_image
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.contract import contract_to_json, ModelContract, ModelError
from fire_detector.model.file import read_contract, read_sidecar, sidecar_path
from fire_detector.model.preprocessing import InputSpec, preprocess
import numpy as np
import pytest
from ros_session import camera_of_detector, image_message, RosSession

keras = pytest.importorskip('keras', reason='the extra training is not installed')
pytest.importorskip('tflite_runtime', reason='conversion is proven on both runtimes')

import tensorflow as tf  # noqa: E402
from training import convert, optimize, train  # noqa: E402
from training.conversion import runtimes  # noqa: E402
from training.conversion.predict import probabilities  # noqa: E402
from training.conversion.proof import ConversionError, Proof  # noqa: E402
from training.conversion.runtimes import RuntimeRefusedError  # noqa: E402
from training.conversion.source_models import load_source, SourceModel  # noqa: E402
from training.conversion.table import describe, write_table  # noqa: E402
from training.conversion.variants import ConverterRefusedError, Variant, VARIANTS  # noqa: E402
from training.data.manifest import read_manifest  # noqa: E402
from training.data.samples import DatasetError, FIRE, labels_of, select  # noqa: E402
from training.learning.batches import targets  # noqa: E402
from training.networks import ARCHITECTURES  # noqa: E402
from training.run_folder import samples_of  # noqa: E402

RUNTIMES = tuple(runtimes.REQUIRED_RUNTIMES)
Capture = pytest.CaptureFixture[str]
# Each with the type of its input and output.
TYPES = {'float32': np.float32, 'float16': np.float32, 'dynamic': np.float32,
         'int8': np.int8, 'uint8': np.uint8}


def small_network(keras: Any) -> Any:
    """Build the article's network with one layer of each kind, so that conversions are quick."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((32, 32, 3)), layers.Conv2D(8, 3, activation='relu'),
        layers.AveragePooling2D(2), layers.Dropout(0.2), layers.Flatten(),
        layers.Dense(32, activation='relu'), layers.Dense(2, activation='softmax')])


@pytest.fixture(scope='module')
def small_run(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Train a small network, then on with rounded values, and with zeros; return the run folder.

    Its conversions' accuracy may change by a few images, as it has not learned much.
    """
    folder = tmp_path_factory.mktemp('run') / 'small'
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, 'firenet', small_network)
        assert train.main(['--data', str(small_data), '--out', str(folder), '--name', 'small',
                           '--arch', 'firenet', '--schedule', 'constant',
                           '--learning-rate', '0.001', '--epochs', '8']) == 0
        for options in (('--method', 'qat'), ('--method', 'prune', '--sparsity', '0.8')):
            assert optimize.main([str(folder), '--epochs', '1', *options]) == 0
    return folder


@pytest.fixture(scope='module')
def proof(small_run: Path) -> Proof:
    """Return the predictions of the network that was just trained."""
    model = small_run / 'model.h5'
    samples = samples_of(model)
    return Proof(load_source(model), select(samples, 'test'), select(samples, 'train'))


@pytest.fixture(scope='module')
def converted(small_run: Path) -> dict[str, Path]:
    """Convert it and its optimized versions to every number format, by one command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtimes, 'ROUNDS', 1)
        patch.setattr(runtimes, 'CALLS_PER_ROUND', 5)
        patch.setattr('training.conversion.proof.MAX_ACCURACY_CHANGE', 0.05)
        assert convert.main([str(small_run / 'model.h5'), '--all']) == 0
    rows = json.loads((small_run / 'tflite' / 'conversion.json').read_text())['rows']
    return {row['variant']: small_run / 'tflite' / row['file'] for row in rows}


def frozen_graph(model: Path, folder: Path) -> Path:
    """Save a Keras model as TF 1 did, with its contract beside it."""
    network = keras.saving.load_model(model)
    function = tf.function(lambda images: network(images, training=False))
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )
    frozen = convert_variables_to_constants_v2(function.get_concrete_function(
        tf.TensorSpec((None, *network.input_shape[1:]), tf.float32, name='images')))
    path = folder / 'frozen.pb'
    path.write_bytes(frozen.graph.as_graph_def().SerializeToString())
    shutil.copy(sidecar_path(model), sidecar_path(path))
    return path


def saved_function(function: tf.types.experimental.GenericFunction, folder: Path) -> Path:
    """Save a function of 8x8 images as a SavedModel, with a contract beside it."""
    path = folder / 'function.savedmodel'
    module = tf.Module()
    module.function = function
    tf.saved_model.save(module, str(path), signatures=function.get_concrete_function(
        tf.TensorSpec((None, 8, 8, 3), tf.float32)))
    sidecar_path(path).write_text(contract_to_json(ModelContract(
        'function', '1', ('fire', 'nofire'), InputSpec(8, 8), 'sigmoid')))
    return path


@pytest.mark.parametrize('name', VARIANTS)
def test_every_format_runs_in_both_runtimes(
        converted: dict[str, Path], proof: Proof, name: str) -> None:
    """Inputs and outputs have the type of the format; predictions are near the source's."""
    for runtime in RUNTIMES:
        classifier = FireClassifier(converted[name], runtime)
        assert classifier._input['dtype'] == TYPES[name]
        assert classifier._output['dtype'] == TYPES[name]
        found = probabilities(converted[name], proof.compared, runtime)
        np.testing.assert_allclose(found, proof.expected, atol=1e-6 if name == 'float32' else 0.1)


def test_contract_has_the_metrics_of_the_very_file(
        converted: dict[str, Path], proof: Proof) -> None:
    """The accuracy in the file is that of its own predictions."""
    for path in converted.values():
        threshold = read_contract(path).threshold
        found = probabilities(path, proof.compared, 'litert') >= threshold
        assert read_contract(path).metrics['test_accuracy'] == pytest.approx(
            (found == (labels_of(proof.compared) == FIRE)).mean())


@pytest.mark.parametrize('format_', ['keras', 'savedmodel'])
def test_every_source_format_gives_the_same_model(
        small_run: Path, proof: Proof, tmp_path: Path, format_: str) -> None:
    """.keras and a SavedModel convert to the predictions of the .h5."""
    out = tmp_path / 'out.tflite'
    Proof(load_source(small_run / f'model.{format_}'), proof.compared, []).convert(
        VARIANTS['float32'], out)
    np.testing.assert_allclose(probabilities(out, proof.compared, 'litert'),
                               proof.expected, atol=1e-5)


def test_frozen_graph(small_run: Path, proof: Proof, small_data: Path, tmp_path: Path,
                      capsys: Capture) -> None:
    """With its ends named, it converts to the .h5's predictions; wrong or no ends are refused."""
    model, out = frozen_graph(small_run / 'model.h5', tmp_path), tmp_path / 'out.tflite'

    def convert_graph(*options: str) -> int:
        return convert.main([str(model), '--data', str(small_data), '--out', str(out), *options])

    assert convert_graph() == 1
    assert 'name them with --input-node and --output-node' in capsys.readouterr().err
    assert convert_graph('--input-node', 'image', '--output-node', 'Identity') == 1
    assert "no frozen graph with nodes 'image' and 'Identity'" in capsys.readouterr().err
    assert not out.exists()
    assert convert_graph('--input-node', 'images', '--output-node', 'Identity') == 0
    np.testing.assert_allclose(probabilities(out, proof.compared, 'litert'),
                               proof.expected, atol=1e-5)


def test_calibration_is_balanced_by_class(
        proof: Proof, small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 60 images with and 60 without fire, 20 and 20 are taken, each once."""
    monkeypatch.setattr('training.conversion.proof.CALIBRATION_IMAGES', 20)
    training = select(read_manifest(small_data), 'train')
    tensors = {preprocess(read_image(sample.path), proof.source.contract.input_spec).tobytes():
               sample.label for sample in training}
    chosen = [tensor.tobytes() for tensor in
              Proof(proof.source, proof.compared, training).calibration]
    assert len(set(chosen)) == 40
    assert [tensors[tensor] for tensor in chosen] == [0] * 20 + [1] * 20


def test_calibration_sees_the_whole_range(converted: dict[str, Path]) -> None:
    """Calibration images have all values: a step of the uint8 input is 1/255."""
    scale, zero_point = FireClassifier(converted['uint8'], 'litert')._input['quantization']
    assert scale == pytest.approx(1 / 255)
    assert zero_point == 0


def test_keras_tflite_and_node_agree(
        ros: RosSession, small_run: Path, converted: dict[str, Path], data: Path) -> None:
    """The same real images, through the source, both runtimes and the node over DDS."""
    paths = sorted((data / 'images' / 'news' / 'fire').iterdir())[:10] + sorted(
        (data / 'images' / 'scenes' / 'nofire').iterdir())[:10]
    images = [read_image(path) for path in paths]
    spec = read_contract(converted['float32']).input_spec
    expected = load_source(small_run / 'model.h5').outputs(
        np.concatenate([preprocess(image, spec) for image in images])).probability
    assert np.ptp(expected) > 0.01

    for runtime in RUNTIMES:
        classifier = FireClassifier(converted['float32'], runtime)
        assert [classifier.probability(image) for image in images] == pytest.approx(
            expected, abs=1e-3)

    camera = camera_of_detector(ros, f'model:={converted["float32"]}')
    published = [camera.detect(image_message(image.pixels, stamp=number))[0]
                 for number, image in enumerate(images)]
    assert published == pytest.approx(expected, abs=1e-3)


def test_float_that_differs_is_not_written(proof: Proof, tmp_path: Path) -> None:
    """The source predicts 1 - p where the .tflite has p; the file that was there stays."""
    source = proof.source
    swapped = dataclasses.replace(source, predict=lambda tensors: [1 - source.predict(tensors)[0]])
    out = tmp_path / 'out.tflite'
    out.write_bytes(b'the one from before')
    with pytest.raises(ConversionError, match=r'litert differs from the source by .* on .* '
                                              r'images, allowed for float32 is 0.001'):
        Proof(swapped, proof.compared, []).convert(VARIANTS['float32'], out)
    assert out.read_bytes() == b'the one from before'
    assert [path.name for path in tmp_path.iterdir()] == ['out.tflite']


def test_integers_that_are_less_often_right_are_not_written(
        proof: Proof, tmp_path: Path) -> None:
    """The source is right about every image, as the network of eight epochs cannot be."""
    truth = targets(labels_of(proof.compared) == FIRE, 2)
    outputs = iter(np.array_split(truth, [64]))
    right = dataclasses.replace(proof.source, predict=lambda tensors: [next(outputs)])
    with pytest.raises(ConversionError, match=r'images right and the source 100.0%, allowed '
                                              r'for float16 is a change of 1.0%'):
        Proof(right, proof.compared, []).convert(VARIANTS['float16'], tmp_path / 'out.tflite')
    assert not list(tmp_path.iterdir())


def test_model_that_a_runtime_refuses_names_the_operator(proof: Proof, tmp_path: Path) -> None:
    """tflite-runtime does not know the dense layers that TensorFlow writes by default."""
    def prepare(converter: tf.lite.TFLiteConverter, _: object) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]

    with pytest.raises(RuntimeRefusedError, match=r"runtime tflite: .*'FULLY_CONNECTED' version"):
        proof.convert(Variant('plain', False, prepare), tmp_path / 'out.tflite')
    assert not list(tmp_path.iterdir())


def test_model_that_cannot_be_converted_names_the_operator(tmp_path: Path) -> None:
    """There is no inverse error function in TensorFlow Lite."""
    function = tf.function(lambda images: tf.math.erfinv(
        tf.reduce_mean(images, axis=(1, 2, 3))[:, tf.newaxis]))
    source = load_source(saved_function(function, tmp_path))
    with pytest.raises(ConverterRefusedError, match=r'has no operator Erfinv$'):
        VARIANTS['float32'].convert(source, lambda: np.empty(0, np.float32))


def test_sources_that_cannot_be_used(small_run: Path, tmp_path: Path) -> None:
    """What is missing, damaged or unknown is named."""
    contract = read_sidecar(small_run / 'model.h5')
    with pytest.raises(ModelError, match=r'none.h5: no such model'):
        load_source(tmp_path / 'none.h5')
    for name, message in (('x.h5', 'not a model that Keras can load'),
                          ('x.pb', 'a frozen graph does not name its ends'),
                          ('x.onnx', 'not a .keras or .h5 file, a SavedModel')):
        (tmp_path / name).write_bytes(b'nothing of the kind')
        sidecar_path(tmp_path / name).write_text(contract_to_json(contract))
        with pytest.raises(ModelError, match=f'{name}: {message}'):
            load_source(tmp_path / name)
    folder = tmp_path / 'folder'
    folder.mkdir()
    sidecar_path(folder).write_text(contract_to_json(contract))
    with pytest.raises(ModelError, match='not a SavedModel'):
        load_source(folder)


def test_outputs_that_are_no_probabilities(proof: Proof) -> None:
    """Logits, missing outputs and input sizes that the contract does not have are refused."""
    tensors = np.zeros((2, 32, 32, 3), np.float32)

    def with_outputs(*outputs: float) -> SourceModel:
        return dataclasses.replace(proof.source, predict=lambda tensors: [np.tile(
            np.array(outputs, np.float32), (len(tensors), 1))])

    for outputs, message in (((5.0, -5.0), '"output": "logits"'), ((np.nan, 0.5), 'nan'),
                             ((0.5,), r'shape \(2, 1\)')):
        with pytest.raises(ModelError, match=message):
            with_outputs(*outputs).outputs(tensors)
    with pytest.raises(ModelError, match=r'does not take images of shape \(16, 16, 3\)'):
        proof.source.outputs(tensors[:, :16, :16])
    two = dataclasses.replace(proof.source, predict=lambda tensors: [tensors, tensors])
    with pytest.raises(ModelError, match='has 2 outputs; its contract has no heat map'):
        two.outputs(tensors)


def test_too_few_images_to_prove_anything(proof: Proof) -> None:
    """Nine images are one too few."""
    with pytest.raises(DatasetError, match='9 images in test are too few'):
        Proof(proof.source, proof.compared[:9], [])


@pytest.mark.parametrize(('options', 'message'), [
    (('--input-node', 'a', '--output-node', 'b'), 'are for a frozen graph'),
    (('--input-node', 'a'), 'belong together'),
    (('--group-by', 'file'), 'are for --data'),
])
def test_options_without_effect(small_run: Path, options: tuple[str, ...], message: str,
                                capsys: pytest.CaptureFixture[str]) -> None:
    """What could not change anything is refused."""
    with pytest.raises(SystemExit):
        convert.main([str(small_run / 'model.h5'), '--all', *options])
    assert message in capsys.readouterr().err


def test_conversion_without_contract_or_images(small_run: Path, small_data: Path, tmp_path: Path,
                                               capsys: Capture) -> None:
    """Neither what the model expects nor, outside of a run folder, its images can be guessed."""
    shutil.copy(small_run / 'model.h5', tmp_path)
    command = [str(tmp_path / 'model.h5'), '--out', str(tmp_path / 'x.tflite')]
    assert convert.main(command) == 1
    assert 'name the images with --data' in capsys.readouterr().err
    assert convert.main([*command, '--data', str(small_data)]) == 1
    assert (f'{tmp_path / "model.contract.json"}: cannot read the contract'
            in capsys.readouterr().err)


def test_runtime_that_refuses(proof: Proof, tmp_path: Path) -> None:
    """The reason is passed on."""
    path = tmp_path / 'x.tflite'
    path.write_bytes(b'nothing of the kind')
    with pytest.raises(RuntimeRefusedError, match=r'with runtime litert: .*not a TFLite model'):
        probabilities(path, proof.compared[:1], 'litert')


def test_rounded_training_gives_integers(small_run: Path, converted: dict[str, Path]) -> None:
    """The result knows its ranges: it converts to integers without any calibration image."""
    source = load_source(small_run / 'qat' / 'model.savedmodel')
    assert source.quantization_aware

    def no_images() -> np.ndarray:
        raise AssertionError('calibration would replace the ranges that were trained')

    assert VARIANTS['uint8'].convert(source, no_images)
    assert FireClassifier(converted['qat_int8'], 'litert')._input['dtype'] == np.int8
    assert not load_source(small_run / 'model.savedmodel').quantization_aware


def test_pruning_leaves_zeros(small_run: Path) -> None:
    """Of the weights of each layer, the share that was asked for is zero, and the model runs."""
    pruned = keras.saving.load_model(small_run / 'pruned' / 'model.keras')
    kernels = [weight.numpy() for weight in pruned.trainable_weights if weight.name == 'kernel']
    assert len(kernels) == 3
    for kernel in kernels:
        assert (kernel == 0).mean() == pytest.approx(0.8, abs=0.01)
    assert isinstance(load_source(small_run / 'pruned' / 'model.savedmodel'), SourceModel)


def test_table_of_everything(small_run: Path, converted: dict[str, Path]) -> None:
    """Every format, those of optimized versions too, has its figures; integers are small."""
    assert set(converted) == {*VARIANTS, 'qat_int8', 'qat_uint8', 'pruned_float32', 'pruned_int8'}
    figures = json.loads((small_run / 'tflite' / 'conversion.json').read_text())
    assert figures['h5_bytes'] == (small_run / 'model.h5').stat().st_size
    assert figures['images'] == len(select(samples_of(small_run / 'model.h5'), 'test'))
    for row in figures['rows']:
        path = converted[row['variant']]
        assert row['bytes'] == path.stat().st_size
        assert row['ratio_to_h5'] == row['bytes'] / figures['h5_bytes']
        assert row['ratio_to_h5'] < (0.5 if 'float' in row['variant'] else 0.1)
        assert row['accuracy'] == read_contract(path).metrics['test_accuracy']
        for runtime in RUNTIMES:
            latency = row['runtimes'][runtime]['latency_ms']
            assert set(latency) == {str(number) for number in runtimes.thread_counts()}
            assert min(latency.values()) > 0
    table = (small_run / 'tflite' / 'conversion.md').read_text()
    assert f'| qat_int8 | {converted["qat_int8"].stat().st_size:,} |' in table


def test_refused_row_stands_in_the_table(
        small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other format is written; an optimization without its metrics was interrupted."""
    shutil.copytree(small_run / 'model.savedmodel', tmp_path / 'qat' / 'model.savedmodel')
    for name in ('model.h5', 'model.contract.json'):
        shutil.copy(small_run / name, tmp_path)
    monkeypatch.setattr('training.conversion.proof.MAX_DIFFERENCE', 0.0)
    monkeypatch.setattr(runtimes, 'ROUNDS', 1)
    formats = {name: VARIANTS[name] for name in ('float32', 'dynamic')}
    monkeypatch.setattr(convert, 'VARIANTS', formats)
    rows = list(convert.convert_all(tmp_path / 'model.h5', tmp_path,
                                    samples_of(small_run / 'model.h5')))
    assert [row.name for row in rows] == list(formats)
    assert [row.name for row in rows if row.refused] == ['float32']
    table = write_table(describe(rows, h5_bytes=10_000_000), tmp_path, {})
    assert '- `float32` was not written: litert differs from the source by' in table
    assert f'| dynamic | {(tmp_path / "small_dynamic.tflite").stat().st_size:,} |' in table
    assert not (tmp_path / 'small.tflite').exists()
