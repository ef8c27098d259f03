# SPDX-License-Identifier: Apache-2.0
"""The mistakes of a model, and remarks on what their images show."""

from collections.abc import Mapping
import os
from pathlib import Path

import pandas as pd
from training.data.samples import DatasetError
from training.measurement.predictions import shares_burning

KINDS = MISSED, ALARM = 'missed fire', 'false alarm'
REMARKS = 'remarks.csv'
REMARK_COLUMNS = ('file', 'remark')


def find_mistakes(predictions: pd.DataFrame, threshold: float, data: Path,
                  remarks: Mapping[str, str]) -> pd.DataFrame:
    """
    Find all mistakes, the most confident first.

    :return: the rows of missed fires, the lowest probability first, then of false alarms, the
        highest first, with more columns: `kind` (of KINDS), `name` (path within the data
        folder), `burning` (share of the image that the fire covers, NaN where no boxes are
        known) and `remark`.
    :raises DatasetError: when the boxes cannot be read.
    """
    ordered = predictions.sort_values('probability', kind='stable')
    called = ordered['probability'] >= threshold
    found = pd.concat([ordered[ordered['fire'] & ~called].assign(kind=MISSED),
                       ordered[~ordered['fire'] & called][::-1].assign(kind=ALARM)])
    names = found['file'].map(lambda file: _relative_name(file, data))
    return found.assign(name=names, burning=shares_burning(found, data),
                        remark=names.map(lambda name: remarks.get(name, '')))


def read_remarks(data: Path, path: Path | None = None) -> dict[str, str]:
    """
    Read remarks on what is to be seen on images.

    :param path: a CSV file with REMARK_COLUMNS; files are relative to the data folder. None: the
        data folder's own, if it has one.
    :return: the remarks, by file.
    :raises DatasetError: when it cannot be read or lacks a column.
    """
    if path is None:
        path = data / REMARKS
        if not path.is_file():
            return {}
    try:
        found = pd.read_csv(path, usecols=list(REMARK_COLUMNS), dtype=str,
                            keep_default_na=False, encoding='utf-8-sig')
    except (OSError, ValueError) as error:
        raise DatasetError(f'{path}: cannot be read, expected are the columns '
                           f'{", ".join(REMARK_COLUMNS)}: {error}') from error
    return dict(zip(found['file'], found['remark'].str.strip(), strict=True))


def _relative_name(file: str, data: Path) -> str:
    """Return an image's path within the data folder; outside of it, its file name alone."""
    # Not resolve(): the folders of images may be links to elsewhere.
    relative = os.path.relpath(file, data)
    return Path(file).name if relative.startswith(os.pardir) else Path(relative).as_posix()
