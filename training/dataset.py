# SPDX-License-Identifier: Apache-2.0
"""Labeled pictures, as a manifest lists them."""

from collections.abc import Sequence
import csv
from dataclasses import dataclass
from pathlib import Path

from fire_detector.picture_files import read_picture
from fire_detector.preprocessing import InputSpec, preprocess
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

# In the order of the network's outputs: alphabetical, as Keras' own folder loader has it.
LABELS = ('fire', 'nofire')
FIRE = LABELS.index('fire')
SPLITS = ('train', 'val', 'test')


class DatasetError(ValueError):
    """Report a data folder that cannot be trained on."""


@dataclass(frozen=True)
class Sample:
    """
    Name one labeled picture.

    :ivar path: the picture file.
    :ivar label: index into LABELS.
    :ivar source: the collection that it came from.
    :ivar group: the video, scene or photo that it is one of the pictures of.
    :ivar split: 'train', 'val' or 'test'.
    """

    path: Path
    label: int
    source: str
    group: str
    split: str


def read_manifest(data: Path) -> list[Sample]:
    """
    Read the list of labeled pictures in a data folder.

    :param data: a folder with `manifest.csv`, whose columns `file`, `label`, `source`, `group`
        and `split` are read.
    :return: the samples, in the manifest's order.
    :raises DatasetError: when there is no manifest, a row of it is not understood, a split lacks
        one of the labels, or pictures of one group are in two splits.
    """
    manifest = data / 'manifest.csv'
    try:
        with manifest.open(newline='', encoding='utf-8') as file:
            samples = [_sample(data, row, f'{manifest}:{number}')
                       for number, row in enumerate(csv.DictReader(file), start=2)]
    except OSError as error:
        raise DatasetError(f'{manifest}: {error.strerror}; --data must name a folder '
                           f'with a manifest.csv') from error
    _check_labels(samples, manifest)
    _check_groups(samples, manifest)
    return samples


def select(samples: Sequence[Sample], split: str) -> list[Sample]:
    """Pick the samples of one split."""
    return [sample for sample in samples if sample.split == split]


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


def labels_of(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """List the label indices of samples, as an array of shape (len(samples),)."""
    return np.array([sample.label for sample in samples], dtype=np.int64)


def _sample(data: Path, row: dict[str, str], origin: str) -> Sample:
    try:
        label, split = row['label'], row['split']
        if label not in LABELS:
            raise DatasetError(f'{origin}: label {label!r} is not one of {LABELS}')
        if split not in SPLITS:
            raise DatasetError(f'{origin}: split {split!r} is not one of {SPLITS}')
        return Sample(data / row['file'], LABELS.index(label), row['source'], row['group'], split)
    except KeyError as error:
        raise DatasetError(f'{origin}: no column {error}') from error


def _check_labels(samples: Sequence[Sample], manifest: Path) -> None:
    for split in SPLITS:
        present = {sample.label for sample in select(samples, split)}
        missing = [label for index, label in enumerate(LABELS) if index not in present]
        if missing:
            raise DatasetError(f'{manifest}: no picture labeled {" or ".join(missing)} '
                               f'in split {split!r}')


def _check_groups(samples: Sequence[Sample], manifest: Path) -> None:
    split_of: dict[str, str] = {}
    for sample in samples:
        split = split_of.setdefault(sample.group, sample.split)
        if split != sample.split:
            raise DatasetError(f'{manifest}: group {sample.group!r} is in two splits, {split!r} '
                               f'and {sample.split!r}: near-duplicates would leak')
