# SPDX-License-Identifier: Apache-2.0
"""Data folders, joined."""

from collections.abc import Sequence
from dataclasses import replace
import os
from pathlib import Path

from training.data.corrections import correct, corrections_for
from training.data.image_folders import read_folders
from training.data.manifest import MANIFEST, read_manifest
from training.data.samples import check, Dataset, DatasetError, divide, Meaning, Sample

DEFAULT_GROUP_BY = 'prefix'
USUAL = Meaning()


def read_dataset(folders: Sequence[Path], group_by: str | None = None, seed: int | None = None,
                 meaning: Meaning = USUAL, corrections: Path | None = None) -> Dataset:
    """
    Read the lists of labeled images in folders, and join them by group.

    A group that manifests of two folders name is one group, and has to be in one split: what is
    in two is refused. Of plain folders, each is split by itself, as if it were alone, and where
    there are several its groups are its own.

    :param folders: folders with a manifest.csv, which has labels, groups and splits, or plain
        folders, as :func:`training.data.image_folders.read_folders` reads them; at least one.
    :param group_by: which images of plain folders make a group; see
        :func:`training.data.groups.group_rule`; None for DEFAULT_GROUP_BY.
    :param seed: of the split of plain folders; None for 0.
    :param meaning: which kinds of images are fire, and which are not.
    :param corrections: list of right labels, see :mod:`training.data.corrections`; folders may
        have their own.
    :raises DatasetError: when the images cannot be trained on.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise DatasetError(f'{", ".join(map(str, folders))}: one of these is named twice')
    listed = [folder for folder in folders if (folder / MANIFEST).exists()]
    if len(listed) == len(folders) and (group_by, seed) != (None, None):
        raise DatasetError(f'{listed[0] / MANIFEST}: has groups and splits already; leave out the '
                           f'rule and the seed, or move the file away')
    samples: list[Sample] = []
    for folder in folders:
        found = _read_folder(folder, group_by, seed)
        if len(folders) > 1 and folder not in listed:
            name = folder.resolve().name
            found = [replace(sample, group=f'{name}/{sample.group}') for sample in found]
        samples += found
    dataset = divide(correct(samples, corrections_for(folders, corrections)), folders, meaning)
    check(dataset.samples, ', '.join(map(str, folders)), dataset.apart)
    return dataset


def _read_folder(folder: Path, group_by: str | None, seed: int | None) -> list[Sample]:
    if (folder / MANIFEST).exists():
        return read_manifest(folder)
    return read_folders(folder, group_by or DEFAULT_GROUP_BY, seed or 0)


def common_folder(folders: Sequence[Path]) -> Path:
    """Return the innermost folder that has all of these in it, or is the only one."""
    return Path(os.path.commonpath(folders))
