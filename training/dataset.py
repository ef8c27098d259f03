# SPDX-License-Identifier: Apache-2.0
"""Report on labeled images before training: `python -m training.dataset --data DIR`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
import sys

from training.command import run_command, whole_number
from training.data.image_folders import find_images, other_files
from training.data.loading import read_sizes
from training.data.manifest import MANIFEST, write_manifest
from training.data.options import add_data_options, Dataset, read_data
from training.data.report import count_images, find_doubts, format_sizes, write_sheets
from training.data.samples import check, DatasetError, Sample
from training.markdown import render

REPORT = 'dataset.md'


def report(dataset: Dataset, images: int, out: Path) -> list[Sample]:
    """
    Print a report on labeled images, and write it, with contact sheets.

    :param dataset: the images.
    :param images: how many images a sheet has at most.
    :param out: folder for the report and the sheets.
    :return: the samples that can be read.
    :raises DatasetError: when those cannot be trained on.
    """
    sizes, unreadable = read_sizes(dataset.samples)
    readable = list(sizes)
    try:
        check(readable, dataset.folder)
    except DatasetError as error:
        if not unreadable:
            raise
        raise DatasetError(f'{error}, and {len(unreadable)} images cannot be read, such as '
                           f'{unreadable[0]}') from error
    listed = {sample.path for sample in dataset.samples}
    text = render(
        'dataset.md.j2', data=dataset.folder, out=out, counts=count_images(readable),
        sizes=format_sizes(sizes.values()),
        contact_sheets=len(write_sheets(readable, images, out)),
        lists={
            'Skipped, unreadable': unreadable,
            f'Skipped, in no label folder or not in {MANIFEST}': [
                path for path in find_images(dataset.folder) if path not in listed],
            'Passed over, no format of images': other_files(dataset.folder),
            'Doubts': find_doubts(readable)})
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
    parser.add_argument('--write-manifest', action='store_true',
                        help=f'freeze labels, groups and splits as DIR/{MANIFEST}')
    return parser


def _report(options: argparse.Namespace) -> None:
    manifest = options.data / MANIFEST
    if options.write_manifest and manifest.exists():
        raise DatasetError(f'{manifest}: exists already; move it away to write another')
    readable = report(read_data(options), options.images,
                      options.out or Path('runs/look') / options.data.resolve().name)
    if options.write_manifest:
        write_manifest(readable, options.data, manifest)
        print(f'labels, groups and splits are in {manifest}')


def main(arguments: Sequence[str] | None = None) -> int:
    """Report on the images that the command line names; return the exit status."""
    return run_command(_parser(), _report, arguments)


if __name__ == '__main__':
    sys.exit(main())
