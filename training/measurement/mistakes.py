# SPDX-License-Identifier: Apache-2.0
"""The most confident mistakes of a model, by name: the images may not be shown everywhere."""

from collections.abc import Mapping, Sequence
import csv
from dataclasses import dataclass
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from training.data.boxes import read_boxes, share_covered
from training.data.samples import DatasetError, FIRE, Sample
from training.markdown import markdown_table

# Of each kind, missed fires and false alarms.
SHOWN = 12
PAGE = 'mistakes.md'
REMARKS = 'remarks.csv'
REMARK_COLUMNS = ('file', 'remark')


@dataclass(frozen=True)
class Naming:
    """
    How images are named for people.

    :ivar data: the data folder, as the images' paths have it; it tells the boxes around fires,
        if it has some.
    :ivar remarks: what people have seen on images, by file.
    """

    data: Path
    remarks: Mapping[str, str]


@dataclass(frozen=True)
class Mistakes:
    """
    The indices of the images that were called wrong.

    :ivar missed: fires called no fire, the lowest probability first.
    :ivar alarms: images without fire called fire, the highest probability first.
    """

    missed: tuple[int, ...]
    alarms: tuple[int, ...]


def find_mistakes(probability: NDArray[np.floating], samples: Sequence[Sample],
                  threshold: float) -> Mistakes:
    """
    Find all mistakes, the most confident first.

    :param probability: shape (len(samples),), 0..1.
    :param samples: the images they belong to.
    :param threshold: probability at or above which an image is called fire.
    """
    order = np.argsort(probability, kind='stable').tolist()
    return Mistakes(
        tuple(index for index in order
              if samples[index].label == FIRE and probability[index] < threshold),
        tuple(index for index in order[::-1]
              if samples[index].label != FIRE and probability[index] >= threshold))


def read_remarks(data: Path, path: Path | None = None) -> dict[str, str]:
    """
    Read what people have seen on images.

    :param data: the folder of the images.
    :param path: a CSV file with REMARK_COLUMNS; files are named as in the data folder. None: the
        data folder's own, if it has one.
    :return: the remarks, by file.
    :raises DatasetError: when it cannot be read or lacks a column.
    """
    if path is None:
        path = data / REMARKS
        if not path.is_file():
            return {}
    try:
        with path.open(newline='', encoding='utf-8-sig') as file:
            reader = csv.DictReader(file)
            if missing := set(REMARK_COLUMNS) - set(reader.fieldnames or ()):
                raise DatasetError(f'{path}: no column {" or ".join(sorted(missing))}, expected '
                                   f'are {", ".join(REMARK_COLUMNS)}')
            return {row['file']: (row['remark'] or '').strip() for row in reader}
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path}: cannot be read: {error}') from error


def mistakes_table(mistakes: Mistakes, probability: NDArray[np.floating],
                   samples: Sequence[Sample], naming: Naming) -> str:
    """
    Name the most confident mistakes for people, as a Markdown text without a heading.

    :param mistakes: all of them.
    :param probability: shape (len(samples),), 0..1.
    :param samples: the images.
    :param naming: how they are named.
    :raises DatasetError: when the boxes cannot be read.
    """
    if not mistakes.missed and not mistakes.alarms:
        return 'There are none.'
    covered = {_name(path, naming.data): share_covered(boxes)
               for path, boxes in read_boxes(naming.data).items()}
    rows = []
    for kind, found in (('missed fire', mistakes.missed), ('false alarm', mistakes.alarms)):
        for index in found[:SHOWN]:
            name = _name(samples[index].path, naming.data)
            share = f'{100 * covered[name]:.1f} %' if name in covered else '-'
            rows.append([kind, f'`{name}`', samples[index].source, f'{probability[index]:.3f}',
                         share, naming.remarks.get(name, '')])
    return (f'The most confident of {len(mistakes.missed)} missed fires and '
            f'{len(mistakes.alarms)} false alarms. Fire covers the share of the image that the '
            'boxes around it cover, where boxes are known.\n\n') + markdown_table(
        ['mistake', 'file', 'source', 'fire probability', 'fire covers', 'what is to be seen'],
        [[_in_a_cell(cell) for cell in row] for row in rows])


def _name(path: Path, data: Path) -> str:
    """Name an image as the data folder does; one outside of it by its file name alone."""
    # Not resolve(): the folders of images may be links to elsewhere.
    relative = os.path.relpath(path, data)
    return path.name if relative.startswith(os.pardir) else Path(relative).as_posix()


def _in_a_cell(text: str) -> str:
    return ' '.join(text.replace('|', r'\|').split())
