# SPDX-License-Identifier: Apache-2.0
"""
Models of every kind that others make are run, or refused with the reason.

The models are real, made by `make_models.py`, whose docstring has what each must predict.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
import dataclasses
import math
from multiprocessing import get_context
from pathlib import Path
import random
import shutil

from command_line import run_module
from fire_detector.images.color_image import ColorImage
from fire_detector.model.classifier import FireClassifier, InferenceError, RUNTIMES
from fire_detector.model.contract import contract_to_json, HeatMap, ModelContract, ModelError
from fire_detector.model.file import (
    append_contract,
    read_changed_model,
    read_model,
    sidecar_path,
    StoredModel,
)
from fire_detector.model.preprocessing import InputSpec
import numpy as np
import pytest

HEIGHT, WIDTH = 6, 8
LABELS = ('nofire', 'fire', 'smoke', 'lamp')
TYPES = ('float32_float32', 'uint8_uint8', 'int8_int8')
ENDS = ('softmax_2', 'softmax_4', 'sigmoid_1', 'logits_1', 'logits_2', 'logits_4')
KINDS = [f'{channels}_{types}_{end}' for channels in (1, 3) for types in TYPES for end in ENDS] + [
    '1_uint8_float32_softmax_2', '3_uint8_float32_softmax_2']
# Red and what the networks of one and of three channels make of it: of gray, red is 76 of 255.
COLORS = {
    'red': ((255, 0, 0), 8 * 76 / 255 - 4, 4.0),
    'blue': ((0, 0, 255), 8 * 29 / 255 - 4, -4.0),
    'white': ((255, 255, 255), 4.0, 0.0),
    'black': ((0, 0, 0), -4.0, 0.0),
    'orange': ((204, 102, 51), 8 * 127 / 255 - 4, 2.4),
}


def contract_for(name: str, output: str = 'softmax', labels: int = 2,
                 color_order: str = 'RGB') -> ModelContract:
    """Write the contract that a model needs."""
    return ModelContract(name, '1', LABELS[:labels], InputSpec(HEIGHT, WIDTH, color_order), output)


def beside(models: Path, name: str, folder: Path, contract: ModelContract | None = None) -> Path:
    """Copy a model, and write a contract with its checksum beside it."""
    path = folder / f'{name}.tflite'
    path.write_bytes((models / path.name).read_bytes())
    write_sidecar(path, contract or contract_for(name))
    return path


def write_sidecar(path: Path, contract: ModelContract) -> None:
    """Write a contract beside a model, with the checksum of the model."""
    sidecar_path(path).write_text(contract_to_json(contract))
    signed = read_changed_model(path).contract
    sidecar_path(path).write_text(contract_to_json(signed))


def plain(color: tuple[int, int, int]) -> ColorImage:
    """Build an image of one color."""
    return ColorImage(np.full((30, 40, 3), color, np.uint8), 'RGB')


def refusal(path: Path, runtime: str) -> str:
    """Load a model that is refused; return the message, which names it."""
    with pytest.raises(ModelError) as error:
        FireClassifier(path, runtime)
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_predicts_as_worked_out(
        models: Path, tmp_path: Path, runtime: str, kind: str) -> None:
    """
    Check every type of tensor, number of channels, end and number of labels.

    Of two labels, or one value, fire has 1 / (1 + exp(-logit)); of four, 1 / (1 + 3 exp(-logit)).
    In integers, the logits from -4 to 4 have steps of 8 / 255 = 0.03; a sigmoid is never steeper
    than 1/4, so that being off by two steps costs 0.016, and its own step of 1/256 another 0.004.
    """
    channels, input_type, output_type, output, values = kind.split('_')
    for labels in {max(2, int(values)), 4 if values == '1' else int(values)}:
        classifier = FireClassifier(beside(models, kind, tmp_path, contract_for(
            kind, output, labels, 'GRAY' if channels == '1' else 'RGB')), runtime)
        assert classifier._input['dtype'] == np.dtype(input_type)
        assert classifier._output['dtype'] == np.dtype(output_type)
        others = 3 if values == '4' else 1
        for color, of_gray, of_colors in COLORS.values():
            logit = of_gray if channels == '1' else of_colors
            assert classifier.probability(plain(color)) == pytest.approx(
                1 / (1 + others * math.exp(-logit)), abs=2e-6 if input_type == 'float32' else 0.02)


def test_bgr_contract(models: Path, tmp_path: Path, runtime: str) -> None:
    """With the first channel for blue, blue is what the network of RGB takes red for."""
    classifier = FireClassifier(beside(models, '3_uint8_uint8_logits_2', tmp_path, contract_for(
        'bgr', 'logits', 2, 'BGR')), runtime)
    assert classifier.probability(plain((0, 0, 255))) == pytest.approx(0.982, abs=0.02)
    assert classifier.probability(plain((255, 0, 0))) == pytest.approx(0.018, abs=0.02)


def test_fire_may_be_called_otherwise(models: Path, tmp_path: Path, runtime: str) -> None:
    """The second of four labels is what the networks call fire, whatever its name."""
    kind = '3_float32_float32_softmax_4'
    contract = dataclasses.replace(contract_for(kind), labels=('a', 'flames', 'c', 'd'),
                                   fire_label='flames')
    classifier = FireClassifier(beside(models, kind, tmp_path, contract), runtime)
    assert classifier.probability(plain((255, 0, 0))) == pytest.approx(
        1 / (1 + 3 * math.exp(-4)), abs=2e-6)


@pytest.mark.parametrize('name', ['output_1_1_1_2', 'output_2', 'output_2_1', 'output_of_one',
                                  'any_number_of_images'])
def test_relatives_of_the_usual_shapes(
        models: Path, tmp_path: Path, runtime: str, name: str) -> None:
    """Wherever the values are, red is fire by 1 / (1 + exp(-4)) = 0.982."""
    output = 'sigmoid' if name == 'output_of_one' else 'softmax'
    classifier = FireClassifier(
        beside(models, name, tmp_path, contract_for(name, output)), runtime)
    assert classifier.probability(plain((255, 0, 0))) == pytest.approx(0.98201379, abs=2e-6)
    assert classifier.probability(plain((0, 0, 255))) == pytest.approx(0.01798621, abs=2e-6)


@pytest.mark.parametrize(('name', 'place', 'tolerance'), [
    ('heat_map', 1, 2e-6), ('heat_map_first', 0, 2e-6), ('heat_map_int8', None, 0.02)])
def test_heat_map(models: Path, tmp_path: Path, runtime: str, name: str, place: int | None,
                  tolerance: float) -> None:
    """
    Red on the left is fire there, by 1 / (1 + exp(-4)) = 0.982; blue on the right is none, 0.018.

    The mean of the whole has as much red as blue: one half. TensorFlow chooses the order of the
    outputs; in the one that the contract does not say, the shapes do not fit.
    """
    contract = dataclasses.replace(contract_for(name, 'sigmoid'), heat_map=HeatMap(1, 2))
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[:, :20, 0] = pixels[:, 20:, 2] = 255
    loaded = []
    for output in (0, 1):
        path = beside(models, name, tmp_path, dataclasses.replace(
            contract, heat_map=HeatMap(1, 2, output)))
        try:
            classifier = FireClassifier(path, runtime)
        except ModelError as error:
            assert f'output tensor {output} has shape (1, 1), its contract says' in str(error)
            continue
        loaded.append(output)
        found = classifier.classify(ColorImage(pixels, 'RGB'))
        assert found.probability == pytest.approx(0.5, abs=tolerance)
        assert found.heat_map is not None
        assert found.heat_map.dtype == np.float32
        np.testing.assert_allclose(found.heat_map, [[0.982, 0.018]], atol=max(tolerance, 1e-3))
    assert len(loaded) == 1
    assert place in (None, *loaded)


TWO_VALUES = '3_float32_float32_softmax_2'


@pytest.mark.parametrize(('name', 'contract', 'parts'), [
    ('any_size', None, ('no fixed size', '(1, -1, -1, 3)', 'convert the model', '(1, 6, 8, 3)')),
    ('two_images', None, ('(2, 6, 8, 3)', '(1, 6, 8, 3)', 'one image')),
    ('channels_first', None, ('(1, 3, 6, 8)', '(1, 6, 8, 3)', 'channels come first', 'NHWC')),
    ('flat', None, ('(1, 144)', '(1, 6, 8, 3)', 'NHWC')),
    ('float16', None, ('float16', 'float32, uint8 or int8', 'convert the model')),
    ('unscaled', None, ('uint8', 'scale 0.0', 'with a float32 input')),
    ('two_inputs', None, ('has 2 input tensors', 'expected 1', 'convert')),
    ('two_outputs', None, ('has 2 output tensors', 'expected 1', 'convert')),
    ('1_int8_int8_softmax_2', None, ('(1, 6, 8, 1)', '(1, 6, 8, 3)', '"color_order"', '"GRAY"')),
    (TWO_VALUES, contract_for('gray', color_order='GRAY'), ('(1, 6, 8, 1)', '"RGB" or "BGR"')),
    (TWO_VALUES, dataclasses.replace(contract_for('size'), input_spec=InputSpec(8, 6)),
     ('(1, 8, 6, 3)', '"height" and "width"', '.contract.json')),
    (TWO_VALUES, contract_for('one value', 'sigmoid'), ('(1, 1) (sigmoid of 2 labels)',)),
    (TWO_VALUES, contract_for('logits', 'logits', 4), ('(1, 1) or (1, 4) (logits of 4 labels)',)),
    # The number of the class in one value, and four values in two by two places.
    ('number_of_the_class', None, ('(1,)', '(1, 2)', 'softmax of 2', '"output" or "labels"')),
    ('number_of_the_class', contract_for('number', 'sigmoid'), ('output tensor is int64',)),
    ('map', contract_for('map', labels=4), ('(1, 1, 2, 2)', 'says (1, 4)', 'map.contract.json')),
])
def test_what_is_refused_and_what_to_do(
        models: Path, tmp_path: Path, runtime: str, name: str, contract: ModelContract | None,
        parts: Sequence[str]) -> None:
    """The message has the file, what was found, what was expected, and what to change."""
    message = refusal(beside(models, name, tmp_path, contract), runtime)
    assert [part for part in parts if part not in message] == []


def test_logits_that_pass_for_probabilities(models: Path, tmp_path: Path, runtime: str) -> None:
    """The message says which word of the contract is wrong."""
    classifier = FireClassifier(beside(models, '3_float32_float32_logits_2', tmp_path), runtime)
    with pytest.raises(InferenceError, match=r'output 4 .*"output": "logits"'):
        classifier.probability(plain((255, 0, 0)))


@pytest.mark.parametrize('scale', [0.0, math.nan, -1.0, math.inf])
@pytest.mark.parametrize(('kind', 'step'), [('input', 1 / 255), ('output', 1 / 256)])
def test_broken_quantization(models: Path, tmp_path: Path, runtime: str, kind: str, step: float,
                             scale: float) -> None:
    """A step that is no positive number is refused; LiteRT would end this process on it."""
    path = beside(models, '3_uint8_uint8_softmax_2', tmp_path)
    content, whole = path.read_bytes(), np.float32(step).tobytes()
    assert whole in content
    path.write_bytes(content.replace(whole, np.float32(scale).tobytes()))
    write_sidecar(path, contract_for('broken'))
    message = refusal(path, runtime)
    assert f'{kind} tensor is uint8 with the quantization scale {scale}' in message
    assert f'or with a float32 {kind}' in message


def test_changed_model_is_loaded_where_that_is_wanted(
        models: Path, tmp_path: Path, runtime: str) -> None:
    """Of a replaced model, and of one that was never named, it is told which bytes run."""
    red = beside(models, TWO_VALUES, tmp_path)
    digest = read_model(red).contract.model_sha256
    assert not FireClassifier(red, runtime, read=read_changed_model).model_changed
    for named in ('', '0' * 64):
        sidecar_path(red).write_text(contract_to_json(dataclasses.replace(
            contract_for('changed'), model_sha256=named)))
        assert digest in refusal(red, runtime)
        classifier = FireClassifier(red, runtime, read=read_changed_model)
        assert classifier.model_changed
        assert classifier.contract.model_sha256 == digest
        assert classifier.probability(plain((255, 0, 0))) == pytest.approx(0.982, abs=1e-3)


def test_file_replaced_after_the_check(models: Path, tmp_path: Path, runtime: str) -> None:
    """What was checked is what runs, whatever becomes of the file in between and later."""
    path = beside(models, TWO_VALUES, tmp_path)

    def read_then_overwrite(model_path: Path) -> StoredModel:
        stored = read_model(model_path)
        model_path.write_bytes(b'\0' * 2000)
        return stored

    classifier = FireClassifier(path, runtime, read=read_then_overwrite)
    path.unlink()
    assert classifier.probability(plain((255, 0, 0))) == pytest.approx(0.982, abs=1e-3)


def load_damaged(model: Path, runtime: str, folder: Path,
                 damages: Sequence[tuple[int, int]]) -> list[str]:
    """
    Load damaged copies of a model.

    :param damages: for each the position of a byte, and the bits of it that flip; 0 to cut the
        file off there.
    :return: for each the message it was refused with, or '' where it runs, with the contract as
        it was.
    """
    content, intact = model.read_bytes(), read_model(model)
    outcomes = []
    for position, bits in damages:
        damaged = bytearray(content[:position] if bits == 0 else content)
        if bits:
            damaged[position] ^= bits
        path = folder / 'damaged.tflite'
        path.write_bytes(damaged)
        try:
            classifier = FireClassifier(path, runtime)
            assert (classifier.contract, classifier.model_changed) == (intact.contract, False)
            outcomes.append('')
        except ModelError as error:
            outcomes.append(str(error))
    return outcomes


@pytest.mark.parametrize('runtime', ['litert', 'tflite'])
@pytest.mark.parametrize('name', ['fire_detector', '3_int8_int8_softmax_2'])
def test_no_damage_reaches_the_runtime(models: Path, model: Path, tmp_path: Path, runtime: str,
                                       name: str) -> None:
    """
    Cut a model at every tenth and flip 400 bytes of it: each is refused, and nothing crashes.

    In a process of its own, whose crash would fail the test and not end it. Bytes of the archive
    that mean nothing, such as a date, may flip: the contract is then read as it was.
    """
    pytest.importorskip(RUNTIMES[runtime])
    if name != model.stem:
        model = tmp_path / 'model.tflite'
        model.write_bytes((models / f'{name}.tflite').read_bytes())
        append_contract(model, contract_for(name))
    size, end = len(read_model(model).content), model.stat().st_size
    rng = random.Random(7)
    cuts = [(end * tenth // 10, 0) for tenth in range(10)] + [(size, 0), (end - 1, 0)]
    in_model = [(position, rng.randrange(1, 256)) for position in rng.sample(range(size), 200)]
    in_archive = [(position, rng.randrange(1, 256))
                  for position in rng.sample(range(size, end), 200)]
    folder = tmp_path / 'damaged'
    folder.mkdir()
    with ProcessPoolExecutor(1, get_context('spawn')) as process:
        outcomes = process.submit(load_damaged, model, runtime, folder,
                                  cuts + in_model + in_archive).result(timeout=120)
    certain = len(cuts) + len(in_model)
    assert all('damaged.tflite' in outcome for outcome in outcomes[:certain])
    assert all('damaged.tflite' in outcome for outcome in outcomes[certain:] if outcome)
    assert 0 < outcomes[certain:].count('') < 50


def test_gray_network_of_logits_is_converted(
        models: Path, small_data: Path, tmp_path: Path) -> None:
    """The converter proves on real images that such a network of Keras predicts as before."""
    source, converted = tmp_path / 'net.keras', tmp_path / 'out' / 'net.tflite'
    shutil.copy(models / 'gray.keras', source)
    sidecar_path(source).write_text(contract_to_json(contract_for('net', 'logits', 2, 'GRAY')))
    result = run_module('training.convert', source, '--data', small_data, '--out', converted)
    assert result.returncode == 0, result.stderr
    # Without the two of them, the converter would have failed.
    for runtime in ('litert', 'tflite'):
        classifier = FireClassifier(converted, runtime)
        for color, logit, _ in COLORS.values():
            assert classifier.probability(plain(color)) == pytest.approx(
                1 / (1 + math.exp(-logit)), abs=2e-6)
