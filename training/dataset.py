# SPDX-License-Identifier: Apache-2.0
"""Report on labeled images before training: `python -m training.dataset --data DIR`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
import sys

from training.command import run_command, whole_number
from training.data.corrections import COLUMNS, corrections_for
from training.data.findings import write_pairs, write_suspects
from training.data.image_folders import find_images, other_files
from training.data.loading import read_sizes
from training.data.manifest import MANIFEST, write_manifest
from training.data.near_duplicates import find_pairs
from training.data.options import add_data_options, read_data
from training.data.report import count_images, find_doubts, format_sizes, write_sheets
from training.data.samples import check, Dataset, DatasetError, Sample
from training.markdown import render

REPORT = 'dataset.md'


def report(dataset: Dataset, options: argparse.Namespace, out: Path) -> list[Sample]:
    """
    Print a report on labeled images, and write it, with contact sheets.

    :param dataset: the images.
    :param options: the command line's.
    :param out: folder for the report and the sheets.
    :return: the samples that can be read.
    :raises DatasetError: when those cannot be trained on.
    """
    sizes, unreadable = read_sizes(list(dataset))
    readable, names = list(sizes), ', '.join(map(str, dataset.folders))
    apart = set(dataset.apart)
    try:
        check([sample for sample in readable if sample not in apart], names)
    except DatasetError as error:
        if not unreadable:
            raise
        raise DatasetError(f'{error}, and {len(unreadable)} images cannot be read, such as '
                           f'{unreadable[0]}') from error
    listed = {sample.path for sample in (*dataset, *dataset.left_out)}
    sheets = write_sheets(readable, options.images, out)
    lists = {
        'Skipped, unreadable': unreadable,
        f'Skipped, in no label folder or not in {MANIFEST}': [
            str(path) for folder in dataset.folders for path in find_images(folder)
            if path not in listed],
        'Passed over, no format of images': [
            line for folder in dataset.folders for line in other_files(folder)],
        'Left out by a correction': [str(sample.path) for sample in dataset.left_out],
        'Near-duplicates in different splits': write_pairs(
            find_pairs(readable), dataset.folders, options.images, out)}
    if options.suspects:
        # Imports TensorFlow, which takes seconds.
        from training.data.suspects import features, find_suspects
        looked_at = corrections_for(dataset.folders, options.corrections)
        lists['Labels that may be wrong'] = write_suspects(
            [suspect for suspect in find_suspects(readable, features(readable))
             if suspect.sample.path not in looked_at], dataset.folders, options.images, out)
    text = render(
        'dataset.md.j2', data=names, out=out, counts=count_images(readable),
        sizes=format_sizes(sizes.values()), contact_sheets=len(sheets), apart=sorted(
            {sample.kind for sample in apart}), columns=COLUMNS,
        lists=lists | {'Doubts': find_doubts(readable)})
    (out / REPORT).write_text(text, encoding='utf-8')
    print(text)
    return readable


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m training.dataset', description=__doc__)
    add_data_options(parser)
    parser.add_argument('--out', metavar='FOLDER', type=Path,
                        help='folder for the report and the contact sheets '
                             '(default: runs/look/DIR)')
    parser.add_argument('--images', metavar='N', type=whole_number(1), default=96,
                        help='images on a contact sheet, at most (default: %(default)s)')
    parser.add_argument('--suspects', action='store_true',
                        help='look for labels that may be wrong, too: takes the ImageNet weights, '
                             'and some two minutes for 20,000 images')
    parser.add_argument('--write-manifest', action='store_true',
                        help=f'freeze labels, groups and splits as DIR/{MANIFEST}')
    return parser


def _report(options: argparse.Namespace) -> None:
    first: Path = options.data[0]
    if options.write_manifest and len(options.data) > 1:
        raise argparse.ArgumentError(None, '--write-manifest is for one --data at a time')
    if options.write_manifest and (first / MANIFEST).exists():
        raise DatasetError(f'{first / MANIFEST}: exists already; move it away to write another')
    name = '+'.join(folder.resolve().name for folder in options.data)
    readable = report(read_data(options), options, options.out or Path('runs/look') / name)
    if options.write_manifest:
        write_manifest(readable, first, first / MANIFEST)
        print(f'labels, groups and splits are in {first / MANIFEST}')


def main(arguments: Sequence[str] | None = None) -> int:
    """Report on the images that the command line names; return the exit status."""
    return run_command(_parser(), _report, arguments)


if __name__ == '__main__':
    sys.exit(main())
