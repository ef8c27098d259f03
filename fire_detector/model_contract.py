# SPDX-License-Identifier: Apache-2.0
"""
What a .tflite file expects and means, and how that is stored with the file.

A .tflite says what shape its tensors have, not what they mean. The contract carries the rest, as
a JSON member of a zip archive appended to the file. TFLite's own metadata packs its associated
files in the same way (https://ai.google.dev/edge/litert/models/metadata), and interpreters ignore
what follows the model. A model without one is used with a `<model>.contract.json` beside it.
"""

from collections.abc import Mapping
import dataclasses
from dataclasses import dataclass, field
import hashlib
import io
import json
from pathlib import Path
from typing import Any
import zipfile
import zlib

from fire_detector.preprocessing import InputSpec

FORMAT_VERSION = 1
MEMBER_NAME = 'model_contract.json'
SIDECAR_SUFFIX = '.contract.json'
OUTPUTS = ('softmax', 'sigmoid')
MAX_CONTRACT_BYTES = 1_000_000
MAX_WINDOW = 60.0
MAX_MIN_FRAMES = 1000
# Bytes 4 to 8 of every TFLite flatbuffer: file_identifier in tensorflow/lite/schema/schema.fbs.
TFLITE_IDENTIFIER = b'TFL3'


class ModelError(ValueError):
    """Report a model file that is missing, damaged, or not what its contract says."""


@dataclass(frozen=True)
class AlarmSettings:
    """
    Say when single probabilities add up to an alarm; `alarm.FireAlarm` has the rule.

    :ivar on_threshold: probability 0..1 at or above which the alarm is raised.
    :ivar off_threshold: probability 0..1 below which it is cleared; at most on_threshold.
    :ivar window: seconds of image time that are looked at; at most MAX_WINDOW.
    :ivar min_frames: pictures that have to be seen before anything is decided, from 1 to
        MAX_MIN_FRAMES.
    :raises ValueError: when a value is outside its range.
    """

    on_threshold: float = 0.5
    off_threshold: float = 0.3
    window: float = 1.0
    min_frames: int = 3

    def __post_init__(self) -> None:
        """Check what a type annotation cannot say."""
        if not 0.0 <= self.off_threshold <= self.on_threshold <= 1.0:
            raise ValueError(f'alarm thresholds must be 0 <= off <= on <= 1, '
                             f'not off {self.off_threshold}, on {self.on_threshold}')
        if not 0.0 < self.window <= MAX_WINDOW:
            raise ValueError(f'alarm window {self.window} s is not above 0 and '
                             f'at most {MAX_WINDOW} s')
        if not 1 <= self.min_frames <= MAX_MIN_FRAMES:
            raise ValueError(f'alarm min_frames {self.min_frames} is not from 1 '
                             f'to {MAX_MIN_FRAMES}')


@dataclass(frozen=True)
class ModelContract:
    """
    Hold what a model expects and means.

    :ivar name: the model's name.
    :ivar version: the model's version.
    :ivar labels: the classes, in the order of the output tensor.
    :ivar input_spec: what the input tensor holds.
    :ivar output: 'softmax' (one value for each label) or 'sigmoid' (one value, that of fire).
    :ivar fire_label: the one of `labels` that means fire.
    :ivar threshold: probability 0..1 at or above which a single picture is called fire; the alarm,
        which sees many pictures, has its own.
    :ivar alarm: alarm settings that suit the model.
    :ivar trained_on: the data it was trained on, in words.
    :ivar metrics: what was measured of it, by name.
    :ivar model_sha256: SHA-256 of the model's bytes, without the archive, in hexadecimal.
    :ivar format_version: version of this record's layout.
    :raises ValueError: when the values contradict each other.
    """

    name: str
    version: str
    labels: tuple[str, ...]
    input_spec: InputSpec
    output: str
    fire_label: str = 'fire'
    threshold: float = 0.5
    alarm: AlarmSettings = AlarmSettings()
    trained_on: str = ''
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    model_sha256: str = ''
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        """Check what a type annotation cannot say."""
        if self.format_version != FORMAT_VERSION:
            raise ValueError(f'contract format {self.format_version} is not {FORMAT_VERSION}, '
                             f'the one this version of fire_detector reads')
        if self.fire_label not in self.labels or len(set(self.labels)) != len(self.labels):
            raise ValueError(f'labels {self.labels} must be unique and '
                             f'have {self.fire_label!r} among them')
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f'threshold {self.threshold} is not from 0 to 1')
        if self.output not in OUTPUTS:
            raise ValueError(f'output {self.output!r} is not one of {OUTPUTS}')

    @property
    def fire_index(self) -> int:
        """Tell which element of the output is the probability of fire."""
        return 0 if self.output == 'sigmoid' else self.labels.index(self.fire_label)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Tell the shape that the input tensor must have: (1, height, width, 3)."""
        return (1, self.input_spec.height, self.input_spec.width, 3)

    @property
    def output_shape(self) -> tuple[int, int]:
        """Tell the shape that the output tensor must have: (1, values)."""
        return (1, 1 if self.output == 'sigmoid' else len(self.labels))


def contract_to_json(contract: ModelContract) -> str:
    """Write a contract as JSON text."""
    return json.dumps(dataclasses.asdict(contract), indent=2)


def contract_from_json(text: str, origin: str) -> ModelContract:
    """
    Read a contract from JSON text.

    :param text: what :func:`contract_to_json` wrote.
    :param origin: where the text came from, for the message.
    :raises ModelError: when it is not JSON, lacks a field or has a value that is not allowed.
    """
    try:
        fields: dict[str, Any] = json.loads(text)
        fields['labels'] = tuple(fields['labels'])
        fields['input_spec'] = InputSpec(**fields['input_spec'])
        fields['alarm'] = AlarmSettings(**fields.get('alarm', {}))
        return ModelContract(**fields)
    except KeyError as error:
        raise ModelError(f'{origin}: the contract has no field {error}') from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f'{origin}: not a usable contract: {error}') from error


def sidecar_path(model_path: Path) -> Path:
    """Tell where the contract of a model without one inside is looked for."""
    return model_path.with_suffix(SIDECAR_SUFFIX)


def append_contract(model_path: Path, contract: ModelContract) -> ModelContract:
    """
    Append a contract to a .tflite file that has none yet.

    :param model_path: the file, changed in place.
    :param contract: the contract; its `model_sha256` is replaced by the file's.
    :return: the contract as it was written.
    :raises ModelError: when the file is not a TFLite model or has a contract already.
    """
    data = _read_model_file(model_path)
    model, embedded = _split(data, model_path)
    if embedded is not None:
        raise ModelError(f'{model_path}: has a contract already')
    signed = dataclasses.replace(contract, model_sha256=hashlib.sha256(model).hexdigest())
    with zipfile.ZipFile(model_path, 'a') as archive:
        # A fixed date: the same model and contract make the same bytes.
        archive.writestr(zipfile.ZipInfo(MEMBER_NAME), contract_to_json(signed))
    return signed


def read_contract(model_path: Path) -> ModelContract:
    """
    Read the contract inside a .tflite file, or else the one beside it.

    :param model_path: the model file.
    :return: the contract, whose SHA-256 is that of the model's bytes.
    :raises ModelError: when the file is missing or no TFLite model, when there is no contract,
        or when the bytes are not those that the contract speaks of. The last matters: tflite
        runtimes may end the process on a truncated model.
    """
    data = _read_model_file(model_path)
    model, embedded = _split(data, model_path)
    origin = model_path
    if embedded is not None:
        contract = contract_from_json(embedded, str(origin))
    else:
        origin = sidecar_path(model_path)
        if not origin.is_file():
            raise ModelError(
                f'{model_path}: no contract inside (was the file cut short, or not made by '
                f'training.convert?) and none beside it at {origin}')
        contract = read_sidecar(model_path)
    digest = hashlib.sha256(model).hexdigest()
    if contract.model_sha256 != digest:
        raise ModelError(f'{origin}: the contract is for a model with SHA-256 '
                         f'{contract.model_sha256 or "(none given)"}, but the model bytes of '
                         f'{model_path} have {digest}: the file was damaged or replaced')
    return contract


def read_sidecar(model_path: Path) -> ModelContract:
    """
    Read the contract beside a model, in whatever format the model is.

    :param model_path: the model file; its checksum is not looked at.
    :raises ModelError: when the contract cannot be read or used.
    """
    sidecar = sidecar_path(model_path)
    return contract_from_json(_read_text(sidecar), str(sidecar))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f'{path}: cannot read the contract: {error}') from error


def _read_model_file(model_path: Path) -> bytes:
    try:
        data = model_path.read_bytes()
    except OSError as error:
        raise ModelError(f'{model_path}: cannot read the model: {error.strerror}') from error
    if data[4:8] != TFLITE_IDENTIFIER:
        raise ModelError(f'{model_path}: not a TFLite model '
                         f'({len(data)} bytes, without the identifier {TFLITE_IDENTIFIER!r})')
    return data


def _split(data: bytes, model_path: Path) -> tuple[bytes, str | None]:
    """Divide a file's bytes into the model and, where there is one, its contract."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: info for info in archive.infolist()}
            model = data[:min(info.header_offset for info in members.values())]
            info = members.get(MEMBER_NAME)
            if info is None or info.file_size > MAX_CONTRACT_BYTES:
                return model, None
            return model, archive.read(info).decode('utf-8')
    except zipfile.BadZipFile:
        # Nothing is appended, or it was cut off.
        return data, None
    # What zipfile raises on damaged archives, among others NotImplementedError for flags that
    # flipped and zlib.error for bytes that did.
    except (ValueError, RuntimeError, OSError, EOFError, zlib.error) as error:
        raise ModelError(f'{model_path}: the contract inside is damaged: {error}') from error
