# SPDX-License-Identifier: Apache-2.0
"""The predictions, contract and size of a model of any format."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fire_detector.model.classifier import AUTO
from fire_detector.model.contract import ModelContract, ModelError
from fire_detector.model.file import read_contract, read_sidecar
import numpy as np
from numpy.typing import NDArray
from training.conversion.runtimes import Outputs, RuntimeModel
from training.data.loading import load_tensors
from training.data.samples import Sample

if TYPE_CHECKING:
    from training.conversion.source_models import SourceModel

TFLITE_SUFFIX = '.tflite'


def contract_of(model: Path) -> ModelContract:
    """
    Read what a model expects and means.

    :raises ModelError: when there is no usable contract.
    """
    return read_contract(model) if model.suffix == TFLITE_SUFFIX else read_sidecar(model)


def size_of(model: Path) -> int:
    """Return the size of a model, a file or a folder of files, in bytes."""
    if model.is_file():
        return model.stat().st_size
    return sum(file.stat().st_size for file in model.rglob('*') if file.is_file())


def probabilities(model: Path, samples: Sequence[Sample],
                  runtime: str = AUTO) -> NDArray[np.float64]:
    """
    Return for each image how likely fire is.

    :param model: a .tflite file, a .keras or .h5 file, or a SavedModel folder.
    :param samples: the images.
    :param runtime: for a .tflite, the runtime, or 'auto' for the one that the node would take.
    :return: float64 of shape (len(samples),), 0..1.
    :raises ModelError: when the model cannot be used.
    :raises RuntimeRefusedError: when the runtime is missing, or refuses the model.
    :raises ImageFileError: when an image cannot be read.
    """
    return outputs(model, samples, runtime).probability


def outputs(model: Path, samples: Sequence[Sample], runtime: str = AUTO) -> Outputs:
    """Return for each image how likely fire is, and where; see :func:`probabilities`."""
    loaded = _load(model, runtime)
    return loaded.outputs(load_tensors(samples, loaded.contract.input_spec))


def _load(model: Path, runtime: str) -> 'RuntimeModel | SourceModel':
    if model.suffix == TFLITE_SUFFIX:
        return RuntimeModel(model, runtime)
    if model.suffix == '.pb':
        raise ModelError(f'{model}: a frozen graph is measured once it is converted')
    # TensorFlow takes seconds to import, and a .tflite does not need it.
    from training.conversion.source_models import load_source
    return load_source(model)
