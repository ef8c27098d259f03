# SPDX-License-Identifier: Apache-2.0
"""The mistakes of a model, and remarks on what their images show."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from training.data.samples import DatasetError, relative_name
from training.measurement.predictions import shares_burning

MISTAKES = MISSED, ALARM = 'missed fire', 'false alarm'
REMARKS = 'remarks.csv'
REMARK_COLUMNS = ('file', 'remark')


def find_mistakes(predictions: pd.DataFrame, threshold: float, folders: Sequence[Path],
                  remarks: Mapping[str, str]) -> pd.DataFrame:
    """
    Find all mistakes, the most confident first.

    :return: the rows of missed fires, the lowest probability first, then of false alarms, the
        highest first, with more columns: `kind` (of MISTAKES), `name` (path within its
        data folder), `burning` (share of the image that the fire covers, NaN where no boxes are
        known) and `remark`.
    :raises DatasetError: when the boxes cannot be read.
    """
    ordered = predictions.sort_values('probability', kind='stable')
    called = ordered['probability'] >= threshold
    found = pd.concat([ordered[ordered['fire'] & ~called].assign(kind=MISSED),
                       ordered[~ordered['fire'] & called][::-1].assign(kind=ALARM)])
    names = found['file'].map(lambda file: relative_name(Path(file), folders))
    return found.assign(name=names, burning=shares_burning(found, folders),
                        remark=names.map(lambda name: remarks.get(name, '')))


def read_remarks(folders: Sequence[Path], path: Path | None = None) -> dict[str, str]:
    """
    Read remarks on what is to be seen on images.

    :param path: a CSV file with REMARK_COLUMNS; files are relative to their data folder. None:
        the data folders' own, where they have one.
    :return: the remarks, by file.
    :raises DatasetError: when one cannot be read or lacks a column.
    """
    paths = [folder / REMARKS for folder in folders if (folder / REMARKS).is_file()]
    return {file: remark for one in (paths if path is None else [path])
            for file, remark in _read(one).items()}


def _read(path: Path) -> dict[str, str]:
    try:
        found = pd.read_csv(path, usecols=list(REMARK_COLUMNS), dtype=str,
                            keep_default_na=False, encoding='utf-8-sig')
    except (OSError, ValueError) as error:
        raise DatasetError(f'{path}: cannot be read, expected are the columns '
                           f'{", ".join(REMARK_COLUMNS)}: {error}') from error
    return dict(zip(found['file'], found['remark'].str.strip(), strict=True))
