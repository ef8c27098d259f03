# SPDX-License-Identifier: Apache-2.0
"""Pictures on their way into a network."""

from collections.abc import Sequence

from fire_detector.picture_files import read_picture
from fire_detector.preprocessing import InputSpec, preprocess
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from training.samples import Sample


def load_tensors(samples: Sequence[Sample], spec: InputSpec) -> NDArray[np.float32]:
    """
    Read and preprocess pictures as the node does.

    :param samples: which pictures.
    :param spec: what the model's input holds.
    :return: float32 array of shape (len(samples), spec.height, spec.width, 3).
    :raises PictureFileError: when a picture cannot be read.
    """
    tensors = np.empty((len(samples), spec.height, spec.width, 3), np.float32)
    # disable=None: no bar where the output is not a terminal.
    for index, sample in enumerate(tqdm(samples, desc='reading pictures', disable=None)):
        tensors[index] = preprocess(read_picture(sample.path), spec)[0]
    return tensors
