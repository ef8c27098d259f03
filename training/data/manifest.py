# SPDX-License-Identifier: Apache-2.0
"""The list of labeled images in a data folder, `manifest.csv`."""

from collections.abc import Sequence
import csv
from pathlib import Path

from training.data.samples import check, DatasetError, LABELS, Sample, SPLITS

MANIFEST = 'manifest.csv'
COLUMNS = ('file', 'label', 'source', 'group', 'split')


def read_manifest(data: Path, path: Path | None = None) -> list[Sample]:
    """
    Read the list of labeled images in a data folder.

    :param data: the folder that the paths in the manifest are relative to.
    :param path: the manifest, of whose columns COLUMNS are read; None: the folder's own.
    :return: the samples, in the manifest's order.
    :raises DatasetError: when there is no manifest, a row of it is not understood, a split lacks
        one of the labels, or images of one group are in two splits.
    """
    manifest = data / MANIFEST if path is None else path
    try:
        # The signature is what spreadsheets put before UTF-8.
        with manifest.open(newline='', encoding='utf-8-sig') as file:
            samples = [_sample(data, row, f'{manifest}:{number}')
                       for number, row in enumerate(csv.DictReader(file), start=2)]
    except OSError as error:
        raise DatasetError(f'{manifest}: {error.strerror}; a file with the columns '
                           f'{", ".join(COLUMNS)} is expected') from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f'{manifest}: not a CSV file in UTF-8 ({error})') from error
    check(samples, manifest)
    return samples


def write_manifest(samples: Sequence[Sample], data: Path, path: Path) -> None:
    """
    Write a list of labeled images that :func:`read_manifest` reads.

    :param samples: the images.
    :param data: the folder that paths are written relative to; those outside of it stay absolute.
    :param path: the file to write.
    """
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(COLUMNS)
        for sample in samples:
            inside = sample.path.is_relative_to(data)
            name = sample.path.relative_to(data) if inside else sample.path.absolute()
            writer.writerow((name.as_posix(), LABELS[sample.label], sample.source,
                             sample.group, sample.split))


def _sample(data: Path, row: dict[str, str], origin: str) -> Sample:
    for column in COLUMNS:
        if not row.get(column):
            raise DatasetError(f'{origin}: no column {column!r}, or nothing in it')
    label, split = row['label'], row['split']
    if label not in LABELS:
        raise DatasetError(f'{origin}: label {label!r} is not one of {LABELS}')
    if split not in SPLITS:
        raise DatasetError(f'{origin}: split {split!r} is not one of {SPLITS}')
    return Sample(data / row['file'], LABELS.index(label), row['source'], row['group'], split)
