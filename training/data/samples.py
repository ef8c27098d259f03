# SPDX-License-Identifier: Apache-2.0
"""Labeled images, and what a set of them has to fulfill."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
import itertools
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import pandas as pd
from training.command import CommandError

# In the order of the network's outputs: alphabetical, as Keras' own folder loader has it.
LABELS = ('fire', 'nofire')
FIRE = LABELS.index('fire')
# In place of a kind: somebody has seen that an image is of no use.
LEFT_OUT = 'left_out'
# What images show: a fire that nobody wants; a candle, lighter, stove or hearth; smoke without a
# flame; none of these.
KINDS = ('fire', 'benign_flame', 'smoke_only', 'nofire')
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
    :ivar kind: what it shows, one of KINDS, or LEFT_OUT; empty for that of the label's name.
    """

    path: Path
    label: int
    source: str
    group: str
    split: str
    kind: str = ''

    def __post_init__(self) -> None:
        """Fill in what the label says already."""
        object.__setattr__(self, 'kind', self.kind or LABELS[self.label])


@dataclass(frozen=True)
class Meaning:
    """
    The kinds of images that are fire to a network, and those that are not.

    A flame detector cannot tell a wanted flame from a fire by its color and shape: as either
    label, wanted flames would teach it something wrong. Smoke alone is for another detector. By
    default both are therefore set apart: neither trained on nor in the figures, but measured by
    themselves.

    :ivar fire: kinds that count as fire.
    :ivar nofire: kinds that count as images without fire; all others are set apart.
    :raises ValueError: when a kind is unknown, or is to be both.
    """

    fire: frozenset[str] = frozenset(('fire',))
    nofire: frozenset[str] = frozenset(('nofire',))

    def __post_init__(self) -> None:
        """Check what a type annotation cannot express."""
        if unknown := sorted((self.fire | self.nofire) - set(KINDS)):
            raise ValueError(f'{unknown[0]!r} is not one of {KINDS}')
        if both := sorted(self.fire & self.nofire):
            raise ValueError(f'{both[0]!r} cannot be fire and no fire')


@dataclass(frozen=True)
class Dataset:
    """
    Labeled images.

    :ivar samples: the images, in a fixed order.
    :ivar folders: the data folders that they, their boxes and remarks on them are in.
    :ivar apart: images whose kind is neither fire nor no fire by the :class:`Meaning` in use;
        their label is no fire, since nobody wants an alarm for them.
    :ivar left_out: images that somebody has left out.
    """

    samples: list[Sample]
    folders: tuple[Path, ...]
    apart: list[Sample] = field(default_factory=list)
    left_out: list[Sample] = field(default_factory=list)

    def __iter__(self) -> Iterator[Sample]:
        """Return all images that are of use, those set apart last."""
        return itertools.chain(self.samples, self.apart)

    def without(self, sources: Collection[str]) -> 'Dataset':
        """Leave out sources and what shares a group with theirs, see :func:`without`."""
        kept = set(without(list(self), sources))
        return replace(self, samples=[sample for sample in self.samples if sample in kept],
                       apart=[sample for sample in self.apart if sample in kept])


def divide(samples: Sequence[Sample], folders: Sequence[Path], meaning: Meaning) -> Dataset:
    """Give samples their labels by what they show, and set apart those without one."""
    labeled = [replace(sample, label=LABELS.index(
        'fire' if sample.kind in meaning.fire else 'nofire')) for sample in samples]
    known = meaning.fire | meaning.nofire
    return Dataset([sample for sample in labeled if sample.kind in known], tuple(folders),
                   [sample for sample in labeled if sample.kind not in (*known, LEFT_OUT)],
                   [sample for sample in labeled if sample.kind == LEFT_OUT])


def to_table(samples: Sequence[Sample]) -> pd.DataFrame:
    """Return samples as texts: `file`, `label`, `source`, `group`, `split` and `kind`."""
    return pd.DataFrame(
        [(str(sample.path), LABELS[sample.label], sample.source, sample.group, sample.split,
          sample.kind) for sample in samples],
        columns=['file', 'label', 'source', 'group', 'split', 'kind'])


def relative_name(file: Path, folders: Sequence[Path]) -> str:
    """Return an image's path within its data folder; outside of them, its file name alone."""
    # Not resolve(): the folders of images may be links to elsewhere.
    names = [os.path.relpath(file, folder) for folder in folders]
    inside = [name for name in names if not name.startswith(os.pardir)]
    return Path(min(inside, key=len)).as_posix() if inside else file.name


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


def check(samples: Sequence[Sample], origin: object, apart: Sequence[Sample] = ()) -> None:
    """
    Check that samples can be trained on and measured with.

    :param samples: all samples of the data.
    :param origin: where they come from, for the message.
    :param apart: images that are set apart: they may lack, but not leak.
    :raises DatasetError: when a split lacks one of the labels, or images of one group are in
        two splits.
    """
    table = to_table(samples)
    for split in SPLITS:
        present = set(table['label'][table['split'] == split])
        if missing := [label for label in LABELS if label not in present]:
            raise DatasetError(f'{origin}: no image labeled {" or ".join(missing)} '
                               f'in split {split!r}')
    pairs = to_table([*samples, *apart])[['group', 'split']].drop_duplicates()
    leaking = pairs[pairs['group'].duplicated(keep=False)]
    for group, splits in leaking.groupby('group', sort=False)['split']:
        first, second, *_ = splits
        raise DatasetError(f'{origin}: group {group!r} is in two splits, {first!r} and '
                           f'{second!r}: near-duplicates would leak')
