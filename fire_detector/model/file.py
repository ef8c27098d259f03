# SPDX-License-Identifier: Apache-2.0
"""
Read and write .tflite files together with their contract.

The contract is a JSON member of a zip archive appended to the file. TFLite's own metadata packs
its associated files in the same way (https://ai.google.dev/edge/litert/models/metadata), and
interpreters ignore what follows the model. A model without one is used with a
`<model>.contract.json` beside it.
"""

import dataclasses
from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import BinaryIO
import zipfile
import zlib

from fire_detector.model.contract import (
    contract_from_json,
    contract_to_json,
    ModelContract,
    ModelError,
)

MEMBER_NAME = 'model_contract.json'
SIDECAR_SUFFIX = '.contract.json'
MAX_CONTRACT_BYTES = 1_000_000
# Bytes 4 to 8 of every TFLite flatbuffer: file_identifier in tensorflow/lite/schema/schema.fbs.
TFLITE_IDENTIFIER = b'TFL3'


@dataclass(frozen=True)
class StoredModel:
    """
    The content of a model file, read once, so that the checked bytes are those that run.

    :ivar path: the file, for messages.
    :ivar content: the bytes of the model, without the archive.
    :ivar contract: the contract; its `model_sha256` is that of `content`.
    :ivar contract_path: the file that the contract was in.
    :ivar named_sha256: the SHA-256 that the contract gave; '' where it gave none.
    """

    path: Path
    content: bytes = dataclasses.field(repr=False)
    contract: ModelContract
    contract_path: Path
    named_sha256: str

    @property
    def changed(self) -> bool:
        """Return whether the bytes are not those that the contract names."""
        return self.contract.model_sha256 != self.named_sha256


def read_model(model_path: Path) -> StoredModel:
    """
    Read a .tflite file and its contract, the one inside or else the one beside it.

    :param model_path: the model file.
    :return: the model, whose bytes are those that its contract names.
    :raises ModelError: when the file is missing or no TFLite model, when there is no contract,
        or when the bytes are not those that the contract names. The last matters: tflite
        runtimes may end the process on a damaged model.
    """
    model = read_changed_model(model_path)
    digest = model.contract.model_sha256
    if not model.named_sha256:
        raise ModelError(f'{model.contract_path}: the contract does not name its model by '
                         f'"model_sha256"; if it is for {model_path} as it is, add '
                         f'"model_sha256": "{digest}"')
    if model.changed:
        raise ModelError(f'{model.contract_path}: the contract is for a model with SHA-256 '
                         f'{model.named_sha256}, but the model bytes of {model_path} have '
                         f'{digest}: the file was damaged or replaced')
    return model


def read_changed_model(model_path: Path) -> StoredModel:
    """
    Read a .tflite file and its contract, also where the contract names other bytes, or none.

    :param model_path: the model file. A damaged one may end the process that runs it.
    :return: the model; `changed` where the contract does not name its bytes.
    :raises ModelError: when the file is missing or no TFLite model, or there is no contract.
    """
    content, embedded = _read_file(model_path)
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
    signed = _signed(contract, content)
    return StoredModel(model_path, content, signed, origin, contract.model_sha256.lower())


def read_contract(model_path: Path) -> ModelContract:
    """
    Read the contract inside a .tflite file, or else the one beside it.

    :param model_path: the model file.
    :return: the contract, whose SHA-256 is that of the model's bytes.
    :raises ModelError: as :func:`read_model` does.
    """
    return read_model(model_path).contract


def sidecar_path(model_path: Path) -> Path:
    """Return where the contract of a model without one inside is looked for."""
    return model_path.with_suffix(SIDECAR_SUFFIX)


def read_sidecar(model_path: Path) -> ModelContract:
    """
    Read the contract beside a model, in whatever format the model is.

    :param model_path: the model file; its checksum is not verified.
    :return: the contract as it was written.
    :raises ModelError: when the contract cannot be read or used.
    """
    sidecar = sidecar_path(model_path)
    try:
        with sidecar.open('rb') as file:
            data = file.read(MAX_CONTRACT_BYTES + 1)
        if len(data) > MAX_CONTRACT_BYTES:
            raise ModelError(f'{sidecar}: has more than {MAX_CONTRACT_BYTES} bytes, '
                             f'which no contract needs')
        text = data.decode('utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f'{sidecar}: cannot read the contract: {error}') from error
    return contract_from_json(text, str(sidecar))


def append_contract(model_path: Path, contract: ModelContract) -> ModelContract:
    """
    Append a contract to a .tflite file that has none yet.

    :param model_path: the file, changed in place.
    :param contract: the contract; its `model_sha256` is replaced by the file's.
    :return: the contract as it was written.
    :raises ModelError: when the file is not a TFLite model or has a contract already.
    """
    content, embedded = _read_file(model_path)
    if embedded is not None:
        raise ModelError(f'{model_path}: has a contract already')
    signed = _signed(contract, content)
    with zipfile.ZipFile(model_path, 'a') as archive:
        # A fixed date: the same model and contract make the same bytes.
        archive.writestr(zipfile.ZipInfo(MEMBER_NAME), contract_to_json(signed))
    return signed


def _signed(contract: ModelContract, content: bytes) -> ModelContract:
    """Return a contract with the SHA-256 of a model's bytes."""
    return dataclasses.replace(contract, model_sha256=hashlib.sha256(content).hexdigest())


def _read_file(model_path: Path) -> tuple[bytes, str | None]:
    """Return the bytes of a file's model and, where there is one, the text of its contract."""
    try:
        with model_path.open('rb') as file:
            if file.read(8)[4:] != TFLITE_IDENTIFIER:
                raise ModelError(f'{model_path}: not a TFLite model ({file.seek(0, 2)} bytes, '
                                 f'without the identifier {TFLITE_IDENTIFIER!r})')
            size, embedded = _read_archive(file, model_path)
            file.seek(0)
            return file.read(size), embedded
    except OSError as error:
        raise ModelError(f'{model_path}: cannot read the model: {error.strerror}') from error


def _read_archive(file: BinaryIO, model_path: Path) -> tuple[int, str | None]:
    """Return the bytes before the archive, and the contract in it where there is one."""
    end = file.seek(0, 2)
    try:
        with zipfile.ZipFile(file) as archive:
            members = {info.filename: info for info in archive.infolist()}
            size = min(info.header_offset for info in members.values())
            if not 0 < size < end:
                raise ValueError(f'it begins at byte {size} of {end}')
            info = members.get(MEMBER_NAME)
            if info is None or info.file_size > MAX_CONTRACT_BYTES:
                return size, None
            return size, archive.read(info).decode('utf-8')
    except zipfile.BadZipFile:
        # Nothing is appended, or it was cut off.
        return end, None
    # What zipfile raises on damaged archives, among others NotImplementedError for flags that
    # flipped and zlib.error for bytes that did.
    except (ValueError, RuntimeError, OSError, EOFError, zlib.error) as error:
        raise ModelError(f'{model_path}: the contract inside is damaged: {error}') from error
