# SPDX-License-Identifier: Apache-2.0
"""What somebody has seen on images whose labels are wrong: `corrections.csv`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from training.data.manifest import FIRST_LINE, read_columns
from training.data.samples import DatasetError, KINDS, LEFT_OUT, Sample

CORRECTIONS = 'corrections.csv'
COLUMNS = ('file', 'label', 'reason')


def read_corrections(path: Path) -> dict[str, str]:
    """
    Read the right labels of images and videos.

    :param path: a CSV file with COLUMNS; files are relative to their data folder, the label is
        one of KINDS or LEFT_OUT, and there is a reason for each.
    :return: one of KINDS or LEFT_OUT, by file.
    :raises DatasetError: when it cannot be read, lacks a column, or a row of it is not understood.
    """
    table = read_columns(path, COLUMNS)
    for index, label in table['label'].items():
        if label not in (*KINDS, LEFT_OUT):
            raise DatasetError(f'{path}:{index + FIRST_LINE}: label {label!r} is not one of '
                               f'{(*KINDS, LEFT_OUT)}')
    for index, file in table['file'][table['file'].duplicated()].items():
        raise DatasetError(f'{path}:{index + FIRST_LINE}: {file} is listed a second time')
    return dict(zip(table['file'], table['label'], strict=True))


def corrections_for(folders: Sequence[Path], path: Path | None) -> dict[Path, str]:
    """
    Find the corrections of files in data folders: a list for all, and each folder's own.

    :param folders: the data folders, whose own CORRECTIONS count where `path` names none.
    :param path: a list for all the folders, or None.
    :return: one of KINDS or LEFT_OUT, by path.
    :raises DatasetError: as :func:`read_corrections`, or when a name in the list is a file in two
        of the folders.
    """
    found = {folder / file: label for folder in folders if (folder / CORRECTIONS).is_file()
             for file, label in read_corrections(folder / CORRECTIONS).items()}
    for file, label in ({} if path is None else read_corrections(path)).items():
        places = [folder / file for folder in folders if (folder / file).exists()]
        if len(places) > 1:
            raise DatasetError(f'{path}: {file} is a file in {places[0]} and {places[1]}: keep a '
                               f'{CORRECTIONS} in each of these folders instead')
        found |= dict.fromkeys(places, label)
    return found


def correct(samples: Sequence[Sample], corrections: Mapping[Path, str]) -> list[Sample]:
    """
    Correct what samples show, as :func:`corrections_for` returns it.

    :return: the samples, in order; their labels are as they were.
    """
    return [replace(sample, kind=corrections.get(sample.path, sample.kind)) for sample in samples]
