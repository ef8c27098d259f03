# SPDX-License-Identifier: Apache-2.0
"""The list of labeled pictures in a data folder, `manifest.csv`."""

import csv
from pathlib import Path

from training.samples import check, DatasetError, LABELS, Sample, SPLITS

MANIFEST = 'manifest.csv'


def read_manifest(data: Path) -> list[Sample]:
    """
    Read the list of labeled pictures in a data folder.

    :param data: a folder with `manifest.csv`, whose columns `file`, `label`, `source`, `group`
        and `split` are read.
    :return: the samples, in the manifest's order.
    :raises DatasetError: when there is no manifest, a row of it is not understood, a split lacks
        one of the labels, or pictures of one group are in two splits.
    """
    manifest = data / MANIFEST
    try:
        with manifest.open(newline='', encoding='utf-8') as file:
            samples = [_sample(data, row, f'{manifest}:{number}')
                       for number, row in enumerate(csv.DictReader(file), start=2)]
    except OSError as error:
        raise DatasetError(f'{manifest}: {error.strerror}; --data must name a folder '
                           f'with a manifest.csv') from error
    check(samples, manifest)
    return samples


def _sample(data: Path, row: dict[str, str], origin: str) -> Sample:
    try:
        label, split = row['label'], row['split']
        if label not in LABELS:
            raise DatasetError(f'{origin}: label {label!r} is not one of {LABELS}')
        if split not in SPLITS:
            raise DatasetError(f'{origin}: split {split!r} is not one of {SPLITS}')
        return Sample(data / row['file'], LABELS.index(label), row['source'], row['group'], split)
    except KeyError as error:
        raise DatasetError(f'{origin}: no column {error}') from error
