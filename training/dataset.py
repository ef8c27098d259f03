# SPDX-License-Identifier: Apache-2.0
"""Read labeled images; look at them before training: `python -m training.dataset DIR`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
import sys

from fire_detector.images.files import ImageFileError
from training.data.image_folders import find_images, other_files, read_folders
from training.data.loading import read_sizes
from training.data.manifest import MANIFEST, read_manifest, write_manifest
from training.data.report import format_counts, format_sizes, warnings, write_sheets
from training.data.samples import check, DatasetError, Sample

DEFAULT_GROUP_BY = 'prefix'
GROUP_BY_HELP = (
    "which images belong to one scene, and so to one split: 'prefix': those in one folder whose "
    "names are equal but for the last number, as the frames of a video are; 'folder': those in "
    "one folder; 'file': each image by itself, for unrelated photos only; or a regular "
    "expression that is searched in each path, with one capturing group, such as '(cam\\d+)_' "
    f'(default: {DEFAULT_GROUP_BY})')
SHOWN_PROBLEMS = 20


def read_dataset(data: Path, group_by: str | None = None,
                 seed: int | None = None) -> list[Sample]:
    """
    Read a folder of labeled images.

    :param data: a folder with a manifest.csv, which tells labels, groups and splits; or plain
        folders, as :func:`training.data.image_folders.read_folders` reads them.
    :param group_by: which images of plain folders make a group; see
        :func:`training.data.groups.group_rule`; None for DEFAULT_GROUP_BY.
    :param seed: of the split of plain folders; None for 0.
    :raises DatasetError: when the images cannot be trained on.
    """
    if not (data / MANIFEST).exists():
        return read_folders(data, group_by or DEFAULT_GROUP_BY, seed or 0)
    if group_by is not None or seed is not None:
        raise DatasetError(f'{data / MANIFEST}: tells groups and splits already; leave out the '
                           f'rule and the seed, or move the file away')
    return read_manifest(data)


def add_data_arguments(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """
    Add the options --data, --group-by and --split-seed, for :func:`read_dataset`.

    :param parser: the parser to add them to.
    :param required: whether --data must be given; where not, the run of the model tells.
    """
    parser.add_argument('--data', metavar='DIR', type=Path, required=required,
                        help='folder with images in folders called fire and nofire, '
                             f'or with a {MANIFEST}; training.dataset shows what is in it')
    parser.add_argument('--group-by', metavar='RULE', help=GROUP_BY_HELP)
    parser.add_argument('--split-seed', metavar='N', type=_seed,
                        help=f'seed of the split, where there is no {MANIFEST} (default: 0)')


def check_data_arguments(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End the program where options are given that only --data makes sense of."""
    if options.data is None and (options.group_by, options.split_seed) != (None, None):
        parser.error('--group-by and --split-seed are for --data; without it, the split is that '
                     'of the training run')


def look(data: Path, samples: Sequence[Sample], images: int, out: Path) -> list[Sample]:
    """
    Print what there is to know about labeled images, and write contact sheets of them.

    :param data: the folder they are in.
    :param samples: the samples.
    :param images: how many images a sheet has at most.
    :param out: folder for the sheets.
    :return: the samples that can be read.
    :raises DatasetError: when those cannot be trained on.
    """
    sizes, unreadable = read_sizes(samples)
    listed = {sample.path for sample in samples}
    unused = [str(path) for path in find_images(data) if path not in listed]
    _print_list('skipped, unreadable', unreadable)
    _print_list(f'skipped, in no label folder or not in {MANIFEST}', unused)
    _print_list('passed over, no format of images', other_files(data))
    readable = list(sizes)
    check(readable, data)
    print(f'{format_counts(readable)}\n\nsizes: {format_sizes(sizes.values())}\n')
    _print_list('warnings', warnings(readable))
    written = write_sheets(readable, images, out)
    print(f'{len(written)} contact sheets, one for each source and label, are in {out}')
    return readable


def _print_list(heading: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    print(f'{heading}: {len(lines)}')
    for line in lines[:SHOWN_PROBLEMS]:
        print(f'  {line}')
    if len(lines) > SHOWN_PROBLEMS:
        print(f'  and {len(lines) - SHOWN_PROBLEMS} more')
    print()


def _seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f'{number} is not 0 or more')
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{number} is not 1 or more')
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Show what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.dataset', description=__doc__)
    parser.add_argument('data', metavar='DIR', type=Path,
                        help='folder with images in folders called fire and nofire, '
                             f'or with a {MANIFEST}')
    parser.add_argument('--group-by', metavar='RULE', help=GROUP_BY_HELP)
    parser.add_argument('--split-seed', metavar='N', type=_seed,
                        help=f'seed of the split, where there is no {MANIFEST} (default: 0)')
    parser.add_argument('--out', metavar='FOLDER', type=Path,
                        help='folder for the contact sheets (default: runs/look/DIR)')
    parser.add_argument('--images', metavar='N', type=_positive, default=96,
                        help='images on a contact sheet, at most (default: %(default)s)')
    parser.add_argument('--write-manifest', action='store_true',
                        help=f'freeze labels, groups and splits as DIR/{MANIFEST}')
    options = parser.parse_args(arguments)
    manifest = options.data / MANIFEST
    try:
        if options.write_manifest and manifest.exists():
            raise DatasetError(f'{manifest}: exists already; move it away to write another')
        samples = read_dataset(options.data, options.group_by, options.split_seed)
        readable = look(options.data, samples, options.images,
                        options.out or Path('runs/look') / options.data.resolve().name)
        if options.write_manifest:
            write_manifest(readable, options.data, manifest)
            print(f'labels, groups and splits are in {manifest}')
    except (DatasetError, ImageFileError, OSError) as error:
        print(f'training.dataset: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
