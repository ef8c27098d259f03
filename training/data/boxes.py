# SPDX-License-Identifier: Apache-2.0
"""Where in an image the fire is: `boxes.csv` of a data folder."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from training.data.manifest import FIRST_LINE, read_columns
from training.data.samples import DatasetError

BOXES = 'boxes.csv'
COLUMNS = ('cx', 'cy', 'w', 'h')


@dataclass(frozen=True)
class Box:
    """
    A rectangle around a fire, in fractions of the image's width and height.

    :ivar left: left edge, 0..1.
    :ivar top: upper edge, 0..1.
    :ivar right: right edge, above left, at most 1.
    :ivar bottom: lower edge, below top, at most 1.
    :raises ValueError: when the edges are not in this order.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        """Check what a type annotation cannot express."""
        if not (0 <= self.left < self.right <= 1 and 0 <= self.top < self.bottom <= 1):
            raise ValueError(f'a box from ({self.left:g}, {self.top:g}) to ({self.right:g}, '
                             f'{self.bottom:g}) is not within an image')


def read_boxes(*folders: Path) -> dict[Path, tuple[Box, ...]]:
    """
    Read the fire boxes of data folders.

    :param folders: the `boxes.csv` of a folder has the columns `file` (relative to the folder),
        and `cx`, `cy`, `w`, `h`: center and size of one box, in fractions of the image. What lies
        outside the image is cut off. A folder may lack it.
    :return: the boxes of each image that has some, by its path.
    :raises DatasetError: when a row is not understood.
    """
    return {image: found for folder in folders for image, found in _read_folder(folder).items()}


def _read_folder(data: Path) -> dict[Path, tuple[Box, ...]]:
    path = data / BOXES
    if not path.is_file():
        return {}
    boxes: dict[Path, list[Box]] = defaultdict(list)
    for index, (file, *values) in enumerate(
            read_columns(path, ('file', *COLUMNS)).itertuples(index=False)):
        try:
            boxes[data / file].append(_box(*map(float, values)))
        except ValueError as error:
            raise DatasetError(f'{path}:{index + FIRST_LINE}: not a box with the columns file, '
                               f'{", ".join(COLUMNS)}: {error}') from error
    return {image: tuple(found) for image, found in boxes.items()}


def _box(cx: float, cy: float, width: float, height: float) -> Box:
    return Box(max(0.0, cx - width / 2), max(0.0, cy - height / 2),
               min(1.0, cx + width / 2), min(1.0, cy + height / 2))


def share_covered(boxes: tuple[Box, ...]) -> float:
    """
    Return the share of an image that boxes cover together, overlaps counted once.

    :param boxes: any number of boxes.
    :return: 0 to 1.
    """
    # Between two neighboring edges, a column or row is covered as a whole or not at all.
    x = np.unique([(box.left, box.right) for box in boxes])
    y = np.unique([(box.top, box.bottom) for box in boxes])
    covered = np.zeros((max(len(y) - 1, 0), max(len(x) - 1, 0)), bool)
    for box in boxes:
        covered[np.ix_((box.top <= y[:-1]) & (y[1:] <= box.bottom),
                       (box.left <= x[:-1]) & (x[1:] <= box.right))] = True
    return float(np.diff(y) @ covered @ np.diff(x))
