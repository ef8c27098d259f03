# SPDX-License-Identifier: Apache-2.0
"""The contract travels with the model, and damage to either is found."""

import dataclasses
import hashlib
import json
from pathlib import Path
import shutil

from fire_detector.classifier import FireClassifier
from fire_detector.model_contract import (
    AlarmSettings,
    append_contract,
    contract_to_json,
    ModelContract,
    ModelError,
    read_contract,
    sidecar_path,
)
from fire_detector.model_files import find_model
from fire_detector.preprocessing import InputSpec
import pytest

# Eight bytes that look like a model to whoever only reads the identifier, and then some.
MODEL_BYTES = b'\x1c\x00\x00\x00TFL3 and the rest of a flatbuffer'
CONTRACT = ModelContract(
    name='tiny', version='2.1', labels=('nofire', 'fire'), output='softmax',
    input_spec=InputSpec(32, 48, 'BGR', scale=1 / 127.5, offset=-1.0, interpolation='linear'),
    alarm=AlarmSettings(0.8, 0.4, 2.5, 7), trained_on='three pictures',
    metrics={'test_accuracy': 0.5, 'test_roc_auc': None})


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """Give a file that passes for a model without a contract."""
    path = tmp_path / 'tiny.tflite'
    path.write_bytes(MODEL_BYTES)
    return path


@pytest.fixture(scope='session')
def model() -> Path:
    """Give a model with two outputs, for pictures of 64x64 pixels."""
    return find_model('firenet.tflite')


def test_round_trip(model_file: Path) -> None:
    """What was appended is read back, with the checksum of the model bytes alone."""
    append_contract(model_file, CONTRACT)
    expected = dataclasses.replace(
        CONTRACT, model_sha256=hashlib.sha256(MODEL_BYTES).hexdigest())
    assert read_contract(model_file) == expected
    assert model_file.read_bytes().startswith(MODEL_BYTES)


def test_same_input_makes_same_bytes(tmp_path: Path) -> None:
    """No date or path of the machine gets into the file."""
    contents = []
    for name in ('a.tflite', 'b.tflite'):
        (tmp_path / name).write_bytes(MODEL_BYTES)
        append_contract(tmp_path / name, CONTRACT)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_second_contract_is_refused(model_file: Path) -> None:
    """Two contracts in one file would be one too many to believe."""
    append_contract(model_file, CONTRACT)
    before = model_file.read_bytes()
    with pytest.raises(ModelError, match='has a contract already'):
        append_contract(model_file, CONTRACT)
    assert model_file.read_bytes() == before


def test_sidecar_serves_a_model_without_contract(model_file: Path) -> None:
    """A contract beside the model is as good as one inside."""
    signed = dataclasses.replace(CONTRACT, model_sha256=hashlib.sha256(MODEL_BYTES).hexdigest())
    sidecar_path(model_file).write_text(contract_to_json(signed))
    assert read_contract(model_file) == signed


def test_sidecar_without_checksum_tells_it(model_file: Path) -> None:
    """The message has the checksum that is missing, ready to be copied."""
    sidecar_path(model_file).write_text(contract_to_json(CONTRACT))
    with pytest.raises(ModelError, match=hashlib.sha256(MODEL_BYTES).hexdigest()):
        read_contract(model_file)


def test_no_contract(model_file: Path) -> None:
    """The message names the model and where its contract was looked for."""
    with pytest.raises(ModelError, match=r'tiny\.tflite: no contract .*tiny\.contract\.json'):
        read_contract(model_file)


@pytest.mark.parametrize(('content', 'message'), [
    (b'', 'not a TFLite model'),
    (b'PNG and nothing else', 'not a TFLite model'),
])
def test_not_a_model(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that is no TFLite flatbuffer is named."""
    path = tmp_path / 'other.tflite'
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f'other.tflite: {message}'):
        read_contract(path)


def test_missing_model(tmp_path: Path) -> None:
    """A model that is not there is named."""
    with pytest.raises(ModelError, match=r'nosuch\.tflite: cannot read'):
        read_contract(tmp_path / 'nosuch.tflite')


@pytest.mark.parametrize('share', [0.1, 0.5, 0.99, 0.99999])
def test_truncated_model_never_reaches_the_runtime(
        tmp_path: Path, model: Path, runtime: str, share: float) -> None:
    """tflite-runtime 2.14 would end this process on such a file."""
    content = model.read_bytes()
    path = tmp_path / 'cut.tflite'
    path.write_bytes(content[:int(share * len(content))])
    with pytest.raises(ModelError, match=r'cut\.tflite: no contract inside \(was the file cut'):
        FireClassifier(path, runtime)


def test_flipped_byte_in_the_model_is_found(tmp_path: Path, model: Path) -> None:
    """A card that rots is not a model that is wrong now and then."""
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / 'rotten.tflite'
    path.write_bytes(content)
    with pytest.raises(ModelError, match='damaged or replaced'):
        FireClassifier(path)


def test_flipped_bit_in_the_contract_is_found_or_harmless(model_file: Path) -> None:
    """Whatever bit of the archive flips: the contract as it was, or a ModelError."""
    append_contract(model_file, CONTRACT)
    intact, content = read_contract(model_file), model_file.read_bytes()
    found = 0
    for position in range(len(MODEL_BYTES), len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            model_file.write_bytes(damaged)
            try:
                assert read_contract(model_file) == intact
            except ModelError as error:
                assert 'tiny.tflite' in str(error)
                found += 1
    assert found > 6 * len(contract_to_json(CONTRACT))


@pytest.mark.parametrize(('height', 'width'), [(32, 64), (64, 32), (96, 96)])
def test_wrong_input_shape_is_refused(
        tmp_path: Path, model: Path, runtime: str, height: int, width: int) -> None:
    """The message has the file, the shape found and the shape expected."""
    path = tmp_path / 'wrong.tflite'
    contract = read_contract(model)
    _write_without_contract(model, path)
    append_contract(path, dataclasses.replace(contract, input_spec=InputSpec(height, width)))
    with pytest.raises(ModelError) as error:
        FireClassifier(path, runtime)
    assert str(path) in str(error.value)
    assert '(1, 64, 64, 3)' in str(error.value)
    assert f'(1, {height}, {width}, 3)' in str(error.value)


def test_wrong_output_shape_is_refused(tmp_path: Path, model: Path, runtime: str) -> None:
    """Two values are not the three that three labels need."""
    path = tmp_path / 'wrong.tflite'
    _write_without_contract(model, path)
    append_contract(path, dataclasses.replace(
        read_contract(model), labels=('fire', 'nofire', 'smoke')))
    with pytest.raises(ModelError, match=r'output tensor has shape \(1, 2\).*\(1, 3\)'):
        FireClassifier(path, runtime)


@pytest.mark.parametrize(('change', 'message'), [
    ({'labels': ['smoke', 'nofire']}, "have 'fire' among them"),
    ({'labels': ['fire', 'fire']}, 'must be unique'),
    ({'output': 'logits'}, "output 'logits' is not one of"),
    ({'format_version': 99}, 'contract format 99 is not 1'),
    ({'surprise': 1}, 'surprise'),
    ({'input_spec': {'height': 0, 'width': 64}}, 'input size 0x64'),
    ({'input_spec': {'height': 64, 'width': 64, 'color_order': 'HSV'}}, "color_order 'HSV'"),
    ({'alarm': {'on_threshold': 0.2, 'off_threshold': 0.5}}, '0 <= off <= on <= 1'),
    ({'alarm': {'window': 0.0}}, 'alarm window 0.0 s'),
    ({'alarm': {'window': 61.0}}, 'alarm window 61.0 s'),
    ({'alarm': {'window': float('nan')}}, 'alarm window nan s'),
    ({'alarm': {'min_frames': 0}}, 'min_frames 0'),
    ({'alarm': {'min_frames': 1001}}, 'min_frames 1001'),
    ({'labels': None}, 'not a usable contract'),
])
def test_contract_with_a_bad_value(
        model_file: Path, change: dict[str, object], message: str) -> None:
    """The message names the file and the value."""
    fields = json.loads(contract_to_json(CONTRACT)) | change
    sidecar_path(model_file).write_text(json.dumps(fields))
    with pytest.raises(ModelError, match=message) as error:
        read_contract(model_file)
    assert 'tiny.contract.json' in str(error.value)


@pytest.mark.parametrize('text', ['', '{', '[]', '"text"', '{"name": "x"}'])
def test_contract_that_is_no_contract(model_file: Path, text: str) -> None:
    """JSON of another kind, or none, is an error and not a traceback."""
    sidecar_path(model_file).write_text(text)
    with pytest.raises(ModelError, match=r'tiny\.contract\.json'):
        read_contract(model_file)


def _write_without_contract(model: Path, path: Path) -> None:
    """Copy a model as a converter would have left it, without the appended archive."""
    shutil.copy(model, path)
    content = model.read_bytes()
    path.write_bytes(content[:content.index(b'PK\x03\x04')])
