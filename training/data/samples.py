# SPDX-License-Identifier: Apache-2.0
"""Labeled images: what a sample is, and what a set of them has to fulfill."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# In the order of the network's outputs: alphabetical, as Keras' own folder loader has it.
LABELS = ('fire', 'nofire')
FIRE = LABELS.index('fire')
SPLITS = ('train', 'val', 'test')
# In place of one of them: every image.
ALL = 'all'


class DatasetError(ValueError):
    """Report a data folder that cannot be trained on."""


@dataclass(frozen=True)
class Sample:
    """
    Name one labeled image.

    :ivar path: the image file.
    :ivar label: index into LABELS.
    :ivar source: the collection that it came from.
    :ivar group: the video, scene or photo that it is one of the images of.
    :ivar split: 'train', 'val' or 'test'.
    """

    path: Path
    label: int
    source: str
    group: str
    split: str


def select(samples: Sequence[Sample], split: str) -> list[Sample]:
    """Pick the samples of one split."""
    return [sample for sample in samples if sample.split == split]


def without(samples: Sequence[Sample], sources: Collection[str]) -> list[Sample]:
    """
    Leave out sources, and every image of another source that shares a group with one of theirs.

    A video that two collections have both taken from would otherwise stay in part.
    """
    groups = {sample.group for sample in samples if sample.source in sources}
    return [sample for sample in samples if sample.group not in groups]


def labels_of(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """List the label indices of samples, as an array of shape (len(samples),)."""
    return np.array([sample.label for sample in samples], dtype=np.int64)


def check(samples: Sequence[Sample], origin: Path) -> None:
    """
    Check that samples can be trained on and measured with.

    :param samples: all samples of a data folder.
    :param origin: where they come from, for the message.
    :raises DatasetError: when a split lacks one of the labels, or images of one group are in
        two splits.
    """
    _check_labels(samples, origin)
    _check_groups(samples, origin)


def _check_labels(samples: Sequence[Sample], origin: Path) -> None:
    for split in SPLITS:
        present = {sample.label for sample in select(samples, split)}
        missing = [label for index, label in enumerate(LABELS) if index not in present]
        if missing:
            raise DatasetError(f'{origin}: no image labeled {" or ".join(missing)} '
                               f'in split {split!r}')


def _check_groups(samples: Sequence[Sample], origin: Path) -> None:
    split_of: dict[str, str] = {}
    for sample in samples:
        split = split_of.setdefault(sample.group, sample.split)
        if split != sample.split:
            raise DatasetError(f'{origin}: group {sample.group!r} is in two splits, {split!r} '
                               f'and {sample.split!r}: near-duplicates would leak')
