# SPDX-License-Identifier: Apache-2.0
"""Pictures on their way into a network."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from fire_detector.picture_files import PictureFileError, read_picture
from fire_detector.preprocessing import InputSpec, preprocess
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from training.data.samples import DatasetError, Sample


def load_tensors(samples: Sequence[Sample], spec: InputSpec) -> NDArray[np.float32]:
    """
    Read and preprocess pictures as the node does.

    :param samples: which pictures.
    :param spec: what the model's input holds.
    :return: float32 array of shape (len(samples), spec.height, spec.width, spec.channels).
    :raises PictureFileError: when a picture cannot be read.
    """
    tensors = np.empty((len(samples), spec.height, spec.width, spec.channels), np.float32)
    # disable=None: no bar where the output is not a terminal.
    for index, sample in enumerate(tqdm(samples, desc='reading pictures', disable=None)):
        tensors[index] = preprocess(read_picture(sample.path), spec)[0]
    return tensors


def read_sizes(samples: Sequence[Sample]) -> tuple[dict[Sample, tuple[int, int]], list[str]]:
    """
    Read every picture, and keep its size.

    :param samples: which pictures.
    :return: width and height in pixels of each picture that can be read, in the order of the
        samples, and a message about each that cannot.
    """
    sizes: dict[Sample, tuple[int, int]] = {}
    problems = []
    with ThreadPoolExecutor() as readers:
        for sample, size in zip(samples, tqdm(
                readers.map(_size_or_problem, samples), total=len(samples),
                desc='checking pictures', disable=None), strict=True):
            if isinstance(size, str):
                problems.append(size)
            else:
                sizes[sample] = size
    return sizes, problems


def skip_unreadable(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """
    Read every picture, and leave out those that cannot be read.

    :param samples: which pictures.
    :return: the samples that can be read, in order, and a message about each that cannot.
    """
    sizes, problems = read_sizes(samples)
    return list(sizes), problems


def some_readable(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """
    Leave out pictures that cannot be read, as :func:`skip_unreadable` does, but not all of them.

    :raises DatasetError: when none can be read.
    """
    readable, unreadable = skip_unreadable(samples)
    if not readable:
        raise DatasetError(f'none of the {len(samples)} pictures can be read: {unreadable[0]}')
    return readable, unreadable


def _size_or_problem(sample: Sample) -> tuple[int, int] | str:
    try:
        str(sample.path).encode()
    except UnicodeEncodeError:
        # From old archives and cameras; no list could hold it.
        return f'{str(sample.path)!a}: the name is not UTF-8; rename the file or folder'
    try:
        height, width, _ = read_picture(sample.path).pixels.shape
    except PictureFileError as error:
        return str(error)
    return width, height
