# SPDX-License-Identifier: Apache-2.0
"""The contract travels with the model, and damage to either is found."""

import dataclasses
import hashlib
import io
import json
import math
from pathlib import Path
import random
from typing import Any
import zipfile

from fire_detector.model.classifier import FireClassifier
from fire_detector.model.contract import (
    AlarmSettings,
    contract_from_json,
    contract_to_json,
    HeatMap,
    ModelContract,
    ModelError,
)
from fire_detector.model.file import (
    append_contract,
    read_changed_model,
    read_contract,
    sidecar_path,
)
from fire_detector.model.preprocessing import InputSpec
import pytest

# Eight bytes that look like a model to whoever only reads the identifier, and then some.
MODEL_BYTES = b'\x1c\x00\x00\x00TFL3 and the rest of a flatbuffer'
CONTRACT = ModelContract(
    name='tiny', version='2.1', labels=('nofire', 'fire'), output='softmax',
    input_spec=InputSpec(32, 48, 'BGR', scale=1 / 127.5, offset=-1.0, interpolation='linear'),
    heat_map=HeatMap(4, 6, threshold=0.9), alarm=AlarmSettings(0.8, 0.4, 2.5, 7),
    trained_on='three images',
    metrics={'test_accuracy': 0.5, 'test_roc_auc': None})
DIGEST = hashlib.sha256(MODEL_BYTES).hexdigest()
SIGNED = dataclasses.replace(CONTRACT, model_sha256=DIGEST)
# A megabyte, which is read; a byte more, which may be the first of many, is not.
LARGEST = contract_to_json(SIGNED).ljust(1_000_000)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """Return a file that passes for a model without a contract."""
    path = tmp_path / 'tiny.tflite'
    path.write_bytes(MODEL_BYTES)
    return path


def test_round_trip(model_file: Path) -> None:
    """What was appended is read back, with the checksum of the model bytes alone."""
    append_contract(model_file, CONTRACT)
    assert read_contract(model_file) == SIGNED
    assert model_file.read_bytes().startswith(MODEL_BYTES)


def test_same_input_makes_same_bytes(tmp_path: Path) -> None:
    """No path or date of the machine gets into the file: its date is the first that zip has."""
    contents = []
    for name in ('a.tflite', 'b.tflite'):
        path = tmp_path / name
        path.write_bytes(MODEL_BYTES)
        append_contract(path, CONTRACT)
        with zipfile.ZipFile(path) as archive:
            assert [info.date_time for info in archive.infolist()] == [(1980, 1, 1, 0, 0, 0)]
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


def with_member(content: bytes, name: str, text: str) -> bytes:
    """Append an archive with one member, compressed, to a model."""
    file = io.BytesIO()
    file.write(content)
    with zipfile.ZipFile(file, 'a', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return file.getvalue()


def test_size_of_an_embedded_contract(model_file: Path) -> None:
    """What is too large is not unpacked, and thus none."""
    model_file.write_bytes(with_member(MODEL_BYTES, 'model_contract.json', LARGEST))
    assert read_contract(model_file) == SIGNED
    model_file.write_bytes(with_member(MODEL_BYTES, 'model_contract.json', LARGEST + ' '))
    with pytest.raises(ModelError, match='no contract inside'):
        read_contract(model_file)


def test_archive_of_others(model_file: Path) -> None:
    """Metadata of TFLite, packed in the same way, is no part of the model, and no contract."""
    model_file.write_bytes(with_member(MODEL_BYTES, 'labels.txt', 'fire'))
    with pytest.raises(ModelError, match='no contract inside'):
        read_contract(model_file)
    sidecar_path(model_file).write_text(contract_to_json(SIGNED))
    assert read_changed_model(model_file).content == MODEL_BYTES
    assert read_contract(model_file) == SIGNED


def test_contract_of_one_of_two_members(model_file: Path) -> None:
    """The model ends where the first member begins, whatever its name."""
    model_file.write_bytes(with_member(MODEL_BYTES, 'labels.txt', 'fire'))
    with zipfile.ZipFile(model_file, 'a') as archive:
        archive.writestr('model_contract.json', contract_to_json(CONTRACT))
    stored = read_changed_model(model_file)
    assert stored.content == MODEL_BYTES
    assert (stored.named_sha256, stored.changed) == ('', True)
    assert stored.contract_path == model_file


def test_second_contract_is_refused(model_file: Path) -> None:
    """Two contracts in one file would be one too many to believe."""
    append_contract(model_file, CONTRACT)
    before = model_file.read_bytes()
    with pytest.raises(ModelError, match='has a contract already'):
        append_contract(model_file, CONTRACT)
    assert model_file.read_bytes() == before


def test_sidecar_without_checksum_tells_it(model_file: Path) -> None:
    """The message has the line that is missing, ready to be copied."""
    sidecar_path(model_file).write_text(contract_to_json(CONTRACT))
    line = f'"model_sha256": "{DIGEST}"'
    with pytest.raises(ModelError, match=f'tiny.contract.json: .*tiny.tflite .*add {line}'):
        read_contract(model_file)


def test_checksum_in_capitals(model_file: Path) -> None:
    """Some tools write hexadecimal in capitals."""
    sidecar_path(model_file).write_text(contract_to_json(
        dataclasses.replace(CONTRACT, model_sha256=DIGEST.upper())))
    assert read_contract(model_file) == SIGNED


def test_no_contract(model_file: Path) -> None:
    """The message names the model and where its contract was looked for."""
    with pytest.raises(ModelError, match=r'tiny\.tflite: no contract .*tiny\.contract\.json'):
        read_contract(model_file)


def test_not_a_model(model_file: Path) -> None:
    """A file that is no TFLite flatbuffer is named, and so is one that is not there."""
    for content in (b'', b'PNG and nothing else'):
        model_file.write_bytes(content)
        with pytest.raises(ModelError, match=r'tiny\.tflite: not a TFLite model'):
            read_contract(model_file)
    model_file.unlink()
    with pytest.raises(ModelError, match=r'tiny\.tflite: cannot read'):
        read_contract(model_file)


def test_damaged_model_never_reaches_the_runtime(tmp_path: Path, model: Path) -> None:
    """A file that was cut short, or has one wrong bit: tflite-runtime 2.14 would crash on it."""
    content, path = model.read_bytes(), tmp_path / 'damaged.tflite'
    for share in (0.1, 0.5, 0.99, 0.99999):
        path.write_bytes(content[:int(share * len(content))])
        with pytest.raises(ModelError, match=r'damaged\.tflite: no contract inside \(was the fil'):
            FireClassifier(path)
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(ModelError, match='damaged or replaced'):
        FireClassifier(path)


def test_damaged_byte_in_the_contract_is_found_or_harmless(model_file: Path) -> None:
    """Whatever byte of the archive is damaged: the contract as it was, or a ModelError."""
    append_contract(model_file, CONTRACT)
    intact, content = read_contract(model_file), model_file.read_bytes()
    found = 0
    for position in range(len(MODEL_BYTES), len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        model_file.write_bytes(damaged)
        try:
            assert read_contract(model_file) == intact
        except ModelError as error:
            assert 'tiny.tflite' in str(error)
            found += 1
    assert found > 0.75 * len(contract_to_json(CONTRACT))


@pytest.mark.parametrize(('change', 'message'), [
    ({'labels': ['smoke', 'nofire']}, "have 'fire' among them"),
    ({'labels': ['fire', 'fire']}, 'must be unique'),
    ({'output': 'argmax'}, "output 'argmax' is not one of"),
    ({'labels': ['fire']}, "over the one label 'fire' is always 1"),
    ({'input_spec': {'width': 64}}, 'the field input_spec.height is missing'),
    ({'alarm': {'delay': 1}}, 'alarm.delay is not one of its fields'),
    ({'format_version': 3, 'new': 1}, r'contract format 3 is not one of \(1, 2\)'),
    ({'format_version': 99}, r'contract format 99 is not one of \(1, 2\)'),
    ({'format_version': 1}, 'heat_map needs format_version 2, not 1'),
    ({'heat_map': {'rows': 4}}, 'the field heat_map.columns is missing'),
    ({'heat_map': {'rows': 0, 'columns': 6}}, 'heat map of 0x6 cells'),
    ({'heat_map': {'rows': 4, 'columns': 6, 'output': 2}}, 'heat map output 2 is not 0 or 1'),
    ({'heat_map': {'rows': 4, 'columns': 6, 'threshold': 1.5}}, 'heat map threshold 1.5'),
    ({'surprise': 1}, 'surprise'),
    ({'input_spec': {'height': 64, 'width': 64, 'color_order': 'HSV'}}, "color_order 'HSV'"),
    ({'alarm': {'on_threshold': 0.2, 'off_threshold': 0.5}}, '0 <= off <= on <= 1'),
    ({'alarm': {'window': 0.0}}, 'alarm window 0.0 s'),
    ({'alarm': {'window': 61.0}}, 'alarm window 61.0 s'),
    ({'alarm': {'window': float('nan')}}, 'alarm window nan s'),
    ({'alarm': {'min_frames': 0}}, 'min_frames 0'),
    ({'alarm': {'min_frames': 1001}}, 'min_frames 1001'),
    ({'labels': None}, 'labels is None, not a list'),
])
def test_contract_with_a_bad_value(
        model_file: Path, change: dict[str, object], message: str) -> None:
    """The message names the file and the value."""
    fields = json.loads(contract_to_json(CONTRACT)) | change
    sidecar_path(model_file).write_text(json.dumps(fields))
    with pytest.raises(ModelError, match=message) as error:
        read_contract(model_file)
    assert 'tiny.contract.json' in str(error.value)


# The types that the fields have; a number in JSON may be written without decimals.
FIELD_TYPES: dict[str, Any] = {
    'name': str, 'version': str, 'labels': list, 'labels.0': str, 'input_spec': dict,
    'input_spec.height': int, 'input_spec.width': int, 'input_spec.color_order': str,
    'input_spec.scale': (int, float), 'input_spec.offset': (int, float),
    'input_spec.resize': str, 'input_spec.interpolation': str, 'output': str,
    'heat_map': (dict, type(None)), 'heat_map.rows': int, 'heat_map.columns': int,
    'heat_map.output': int, 'heat_map.threshold': (int, float),
    'fire_label': str, 'threshold': (int, float), 'alarm': dict,
    'alarm.on_threshold': (int, float), 'alarm.off_threshold': (int, float),
    'alarm.window': (int, float), 'alarm.min_frames': int, 'trained_on': str, 'metrics': dict,
    'metrics.test_accuracy': (int, float, type(None)), 'model_sha256': str, 'format_version': int,
}
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 3, 10 ** 400, 0.5, -2.5, 64.0, math.inf, math.nan, '', '64', 'fire',
    [], [1], ['fire', 'nofire'], {}, {'height': 64}, [[]], [{}])


@pytest.mark.parametrize('field', FIELD_TYPES)
def test_value_of_another_type(model_file: Path, field: str) -> None:
    """Whatever is written for a field: of another type, it is refused by the field's name."""
    *path, last = field.split('.')
    refused = 0
    for value in VALUES:
        fields = json.loads(contract_to_json(CONTRACT))
        inner = fields
        for key in path:
            inner = inner[key]
        inner[int(last) if last.isdigit() else last] = value
        sidecar_path(model_file).write_text(json.dumps(fields))
        fits = isinstance(value, FIELD_TYPES[field]) and not isinstance(value, bool)
        try:
            read_changed_model(model_file)
            assert fits, value
        except ModelError as error:
            refused += 1
            assert 'tiny.contract.json' in str(error)
            if not fits:
                assert field.replace('.0', '[0]') in str(error), value
    assert refused >= 10


def test_format_1(model_file: Path) -> None:
    """A contract of a model of one output is read, and written as it was, without a heat map."""
    fields = json.loads(contract_to_json(SIGNED)) | {'format_version': 1}
    del fields['heat_map']
    text = json.dumps(fields, indent=2)
    sidecar_path(model_file).write_text(text)
    found = read_contract(model_file)
    assert (found.heat_map, found.format_version) == (None, 1)
    assert contract_to_json(found) == text


def test_every_field_is_tried() -> None:
    """The list of fields above is that of the contract."""
    fields = json.loads(contract_to_json(CONTRACT))
    fields |= {f'{name}.{inner}': 0 for name in ('input_spec', 'heat_map', 'alarm')
               for inner in fields[name]}
    assert set(FIELD_TYPES) == set(fields) | {'labels.0', 'metrics.test_accuracy'}


def test_garbled_contract(model_file: Path) -> None:
    """A thousand times ten characters of JSON written over at random: read, or a ModelError."""
    rng = random.Random(3)
    text = contract_to_json(CONTRACT)
    refused = 0
    for _ in range(1000):
        garbled = list(text)
        for _ in range(rng.randint(1, 10)):
            garbled[rng.randrange(len(text))] = rng.choice('{}[]",:0123456789.eE-ntf\\\0\ufffd')
        try:
            contract_from_json(''.join(garbled), 'garbled.json')
        except ModelError as error:
            assert 'garbled.json' in str(error)
            refused += 1
    assert 500 < refused < 1000


@pytest.mark.parametrize('value', ['[' * 100_000, '9' * 10_000, '{"name": ' * 100_000])
def test_json_beyond_all_bounds(value: str) -> None:
    """What Python's own reader gives up on is a ModelError too."""
    with pytest.raises(ModelError, match=r'deep\.json'):
        contract_from_json(value, 'deep.json')


def test_huge_sidecar(model_file: Path) -> None:
    """A file that is no contract is not read to its end."""
    sidecar_path(model_file).write_text(LARGEST)
    assert read_contract(model_file) == SIGNED
    sidecar_path(model_file).write_text(LARGEST + ' ')
    with pytest.raises(ModelError, match='more than 1000000 bytes'):
        read_contract(model_file)


@pytest.mark.parametrize('text', ['', '{', '[]', '"text"', '{"name": "x"}'])
def test_contract_that_is_no_contract(model_file: Path, text: str) -> None:
    """JSON of another kind, or none, is an error and not a traceback."""
    sidecar_path(model_file).write_text(text)
    with pytest.raises(ModelError, match=r'tiny\.contract\.json'):
        read_contract(model_file)
