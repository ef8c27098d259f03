# SPDX-License-Identifier: Apache-2.0
"""Reading of images as the input of a network."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from fire_detector.images.files import ImageFileError, read_image
from fire_detector.model.preprocessing import InputSpec, preprocess
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from training.data.samples import DatasetError, Sample


def load_tensors(samples: Sequence[Sample], spec: InputSpec) -> NDArray[np.float32]:
    """
    Read and preprocess images as the node does.

    :param samples: which images.
    :param spec: what the model's input holds.
    :return: float32 array of shape (len(samples), spec.height, spec.width, spec.channels).
    :raises ImageFileError: when an image cannot be read.
    """
    tensors = np.empty((len(samples), spec.height, spec.width, spec.channels), np.float32)
    # disable=None: no bar where the output is not a terminal.
    for index, sample in enumerate(tqdm(samples, desc='reading images', disable=None)):
        tensors[index] = preprocess(read_image(sample.path), spec)[0]
    return tensors


def read_sizes(samples: Sequence[Sample]) -> tuple[dict[Sample, tuple[int, int]], list[str]]:
    """
    Read every image, and return its size.

    :param samples: which images.
    :return: width and height in pixels of each image that can be read, in the order of the
        samples, and a message about each that cannot.
    """
    sizes: dict[Sample, tuple[int, int]] = {}
    problems = []
    with ThreadPoolExecutor() as readers:
        for sample, size in zip(samples, tqdm(
                readers.map(_size_or_problem, samples), total=len(samples),
                desc='checking images', disable=None), strict=True):
            if isinstance(size, str):
                problems.append(size)
            else:
                sizes[sample] = size
    return sizes, problems


def skip_unreadable(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """
    Read every image, and leave out those that cannot be read.

    :param samples: which images.
    :return: the samples that can be read, in order, and a message about each that cannot.
    """
    sizes, problems = read_sizes(samples)
    return list(sizes), problems


def some_readable(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """
    Leave out images that cannot be read, as :func:`skip_unreadable` does, but not all of them.

    :raises DatasetError: when none can be read.
    """
    readable, unreadable = skip_unreadable(samples)
    if not readable:
        raise DatasetError(f'none of the {len(samples)} images can be read: {unreadable[0]}')
    return readable, unreadable


def _size_or_problem(sample: Sample) -> tuple[int, int] | str:
    try:
        str(sample.path).encode()
    except UnicodeEncodeError:
        # From old archives and cameras; no list could hold it.
        return f'{str(sample.path)!a}: the name is not UTF-8; rename the file or folder'
    try:
        height, width, _ = read_image(sample.path).pixels.shape
    except ImageFileError as error:
        return str(error)
    return width, height
