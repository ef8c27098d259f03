# SPDX-License-Identifier: Apache-2.0
"""Labeled images, and what a set of them has to fulfill."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import pandas as pd
from training.command import CommandError

# In the order of the network's outputs: alphabetical, as Keras' own folder loader has it.
LABELS = ('fire', 'nofire')
FIRE = LABELS.index('fire')
SPLITS = ('train', 'val', 'test')
# In place of one of them: every image.
ALL = 'all'


class DatasetError(CommandError):
    """A data folder or list of images that cannot be used."""


@dataclass(frozen=True)
class Sample:
    """
    A labeled image.

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


def to_table(samples: Sequence[Sample]) -> pd.DataFrame:
    """Return samples as a table of texts: `file`, `label`, `source`, `group` and `split`."""
    return pd.DataFrame(
        [(str(sample.path), LABELS[sample.label], sample.source, sample.group, sample.split)
         for sample in samples], columns=['file', 'label', 'source', 'group', 'split'])


def select(samples: Sequence[Sample], split: str) -> list[Sample]:
    """Select the samples of one split."""
    return [sample for sample in samples if sample.split == split]


def without(samples: Sequence[Sample], sources: Collection[str]) -> list[Sample]:
    """
    Leave out sources, and every image of another source that shares a group with one of theirs.

    A video that two collections have both taken from would otherwise stay in part.
    """
    groups = {sample.group for sample in samples if sample.source in sources}
    return [sample for sample in samples if sample.group not in groups]


def labels_of(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """Return the label indices of samples, as an array of shape (len(samples),)."""
    return np.array([sample.label for sample in samples], dtype=np.int64)


def check(samples: Sequence[Sample], origin: Path) -> None:
    """
    Check that samples can be trained on and measured with.

    :param samples: all samples of a data folder.
    :param origin: where they come from, for the message.
    :raises DatasetError: when a split lacks one of the labels, or images of one group are in
        two splits.
    """
    table = to_table(samples)
    for split in SPLITS:
        present = set(table['label'][table['split'] == split])
        if missing := [label for label in LABELS if label not in present]:
            raise DatasetError(f'{origin}: no image labeled {" or ".join(missing)} '
                               f'in split {split!r}')
    splits = table.groupby('group', sort=False)['split'].unique()
    for group, (first, *others) in splits.items():
        if others:
            raise DatasetError(f'{origin}: group {group!r} is in two splits, {first!r} and '
                               f'{others[0]!r}: near-duplicates would leak')
