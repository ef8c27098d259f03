# SPDX-License-Identifier: Apache-2.0
"""The list of labeled images in a data folder, `manifest.csv`."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from training.data.samples import DatasetError, FIRE, KINDS, LABELS, Sample, SPLITS, to_table

MANIFEST = 'manifest.csv'
COLUMNS = ('file', 'label', 'source', 'group', 'split')
# Line of a file in which the first row of its table is.
FIRST_LINE = 2


def read_manifest(data: Path, path: Path | None = None) -> list[Sample]:
    """
    Read the list of labeled images in a data folder.

    :param data: the folder that the paths in the manifest are relative to.
    :param path: the manifest, of whose columns COLUMNS are read; None: the folder's own.
    :return: the samples, in the manifest's order; each kind but fire is labeled as no fire.
    :raises DatasetError: when there is no manifest, or a row of it is not understood.
    """
    manifest = data / MANIFEST if path is None else path
    table = read_columns(manifest, COLUMNS)
    for column, allowed in (('label', KINDS), ('split', SPLITS)):
        for index, value in table[column][~table[column].isin(allowed)].items():
            raise DatasetError(f'{manifest}:{index + FIRST_LINE}: {column} {value!r} is not one '
                               f'of {allowed}')
    return [Sample(data / file, FIRE if label == LABELS[FIRE] else 1 - FIRE, source, group, split,
                   label) for file, label, source, group, split in table.itertuples(index=False)]


def write_manifest(samples: Sequence[Sample], data: Path, path: Path) -> None:
    """
    Write a list of images and what they show, which :func:`read_manifest` reads.

    :param samples: the images.
    :param data: the folder that paths are written relative to; those outside of it stay absolute.
    :param path: the file to write.
    """
    files = [sample.path.relative_to(data) if sample.path.is_relative_to(data)
             else sample.path.absolute() for sample in samples]
    table = to_table(samples)
    table.assign(file=[file.as_posix() for file in files], label=table['kind']).to_csv(
        path, columns=list(COLUMNS), index=False, lineterminator='\n')


def read_columns(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """
    Read columns of a CSV file, in each row of which each of them has a text.

    :param path: the file.
    :param columns: the columns to read.
    :return: a table of texts, with these columns in this order.
    :raises DatasetError: when the file is none, lacks a column, or a row has nothing in one.
    """
    try:
        # The signature is what spreadsheets put before UTF-8.
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding='utf-8-sig',
                            skip_blank_lines=False)
    except OSError as error:
        raise DatasetError(f'{path}: {error.strerror}; a file with the columns '
                           f'{", ".join(columns)} is expected') from error
    except pd.errors.EmptyDataError:
        table = pd.DataFrame()
    except (UnicodeDecodeError, pd.errors.ParserError) as error:
        raise DatasetError(f'{path}: not a CSV file in UTF-8 ({error})') from error
    if missing := [column for column in columns if column not in table]:
        raise DatasetError(f'{path}: no column {missing[0]!r}; the columns '
                           f'{", ".join(columns)} are expected')
    table = table[list(columns)].fillna('')
    for index, row in table[(table == '').any(axis=1)].iterrows():
        raise DatasetError(f'{path}:{index + FIRST_LINE}: nothing in column '
                           f'{row.index[row == ""][0]!r}')
    return table
