# SPDX-License-Identifier: Apache-2.0
"""What a model answers, and how large it is, in whatever format."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import read_image
from fire_detector.model.contract import ModelContract, ModelError
from fire_detector.model.file import read_contract, read_sidecar
from fire_detector.model.preprocessing import preprocess
import numpy as np
from numpy.typing import NDArray
from training.conversion import runtimes
from training.data.loading import load_tensors
from training.data.samples import Sample
from training.measurement.corruptions import corrupt

if TYPE_CHECKING:
    from training.conversion.source_models import SourceModel

TFLITE_SUFFIX = '.tflite'
PART = 64


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


def probabilities(model: Path, samples: Sequence[Sample]) -> NDArray[np.float64]:
    """
    Return for each image how likely fire is.

    :param model: a .tflite file, which is asked through the node's own classifier, a .keras or
        .h5 file, or a SavedModel folder.
    :param samples: the images.
    :return: float64 of shape (len(samples),), 0..1.
    :raises ModelError: when the model cannot be used.
    :raises RuntimeRefusedError: when no TFLite runtime can answer.
    :raises ImageFileError: when an image cannot be read.
    """
    if model.suffix == TFLITE_SUFFIX:
        return runtimes.probabilities(model, samples)
    source = _load_source(model)
    return source.fire_probability(load_tensors(samples, source.contract.input_spec))


def corrupted_probabilities(model: Path, samples: Sequence[Sample],
                            names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """
    Return for each image how likely fire is, after something has happened to it.

    :param model: as :func:`probabilities` takes it.
    :param samples: the images; each is read once.
    :param names: what happens to them; keys of `corruptions.CORRUPTIONS`.
    :return: for each name, float64 of shape (len(samples),), 0..1.
    :raises ModelError: when the model cannot be used.
    :raises RuntimeRefusedError: when no TFLite runtime can answer.
    :raises ImageFileError: when an image cannot be read.
    """
    if model.suffix == TFLITE_SUFFIX:
        return runtimes.corrupted_probabilities(model, samples, names)
    source = _load_source(model)
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
    # In parts, since all images under all names would fill the memory.
    for start in range(0, len(samples), PART):
        images = [read_image(sample.path).in_order('RGB')
                    for sample in samples[start:start + PART]]
        for name, parts in found.items():
            parts.append(source.fire_probability(np.concatenate([
                preprocess(ColorImage(corrupt(name, pixels, index), 'RGB'),
                           source.contract.input_spec)
                for index, pixels in enumerate(images, start)])))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _load_source(model: Path) -> 'SourceModel':
    if model.suffix == '.pb':
        raise ModelError(f'{model}: a frozen graph is measured once it is converted')
    # TensorFlow takes seconds to import, and a .tflite does not need it.
    from training.conversion.source_models import load_source
    return load_source(model)
