# SPDX-License-Identifier: Apache-2.0
"""The options by which every command names its images."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.command import whole_number
from training.data.image_folders import read_folders
from training.data.manifest import MANIFEST, read_manifest
from training.data.samples import ALL, DatasetError, Sample, select, SPLITS
from training.run_folder import read_config, run_of, samples_of

DEFAULT_GROUP_BY = 'prefix'


@dataclass(frozen=True)
class Dataset:
    """
    Labeled images.

    :ivar samples: the images, in a fixed order.
    :ivar folder: the data folder that they, their boxes and remarks on them are in.
    """

    samples: list[Sample]
    folder: Path


@dataclass(frozen=True)
class Selection:
    """
    The images that were measured, for the record.

    :ivar command: the command line.
    :ivar data: the folder of the images, absolute.
    :ivar sources: the sources that were chosen; empty for all.
    :ivar split: a member of SPLITS, or ALL.
    """

    command: str
    data: str
    sources: tuple[str, ...]
    split: str


def add_data_options(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """
    Add the options --data, --group-by and --split-seed.

    :param parser: the parser to add them to.
    :param required: whether --data must be given; where not, the images are those that the
        model was trained on, see :func:`read_data`.
    """
    parser.add_argument(
        '--data', metavar='DIR', type=Path, required=required,
        help=f'folder with images in folders called fire and nofire, or with a {MANIFEST}; '
             'training.dataset shows what is in it'
             + ('' if required else " (default: the images of the model's training run)"))
    parser.add_argument(
        '--group-by', metavar='RULE',
        help="which images belong to one scene, and so to one split: 'prefix': those in one "
             'folder whose names are equal but for the last number, as the frames of a video '
             "are; 'folder': those in one folder; 'file': each image by itself, for unrelated "
             'photos only; or a regular expression that is searched in each path, with one '
             f"capturing group, such as '(cam\\d+)_' (default: {DEFAULT_GROUP_BY})")
    parser.add_argument('--split-seed', metavar='N', type=whole_number(0),
                        help=f'seed of the split, where there is no {MANIFEST} (default: 0)')


def add_selection_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of :func:`add_data_options`, --data not required, --split and --source."""
    add_data_options(parser, required=False)
    parser.add_argument('--split', choices=(*SPLITS, ALL), default='test',
                        help='which images (default: %(default)s)')
    parser.add_argument('--source', metavar='NAME', action='append', default=[],
                        help='only images of this source; repeatable')


def read_data(options: argparse.Namespace, model: Path | None = None) -> Dataset:
    """
    Read the list of all images that a command line names.

    :param options: with the options of :func:`add_data_options`.
    :param model: a model, whose run folder lists the images where there is no --data; None where
        --data is required.
    :raises DatasetError: when the images cannot be used, or the model is in no run folder.
    :raises argparse.ArgumentError: for --group-by or --split-seed without --data.
    """
    if options.data is None and (options.group_by, options.split_seed) != (None, None):
        raise argparse.ArgumentError(
            None, '--group-by and --split-seed are for --data; without it, the split is that of '
                  'the training run')
    if options.data is None and model is not None:
        return Dataset(samples_of(model), Path(read_config(run_of(model)).data))
    return Dataset(read_folder(options.data, options.group_by, options.split_seed), options.data)


def read_selection(options: argparse.Namespace, model: Path) -> Dataset:
    """
    Read the list of the images that a command line chooses.

    :param options: with the options of :func:`add_selection_options`.
    :param model: as :func:`read_data` takes it.
    :raises DatasetError: as :func:`read_data`, or when nothing is left.
    """
    dataset = read_data(options, model)
    return Dataset(choose(dataset.samples, options.split, options.source), dataset.folder)


def describe_selection(options: argparse.Namespace, dataset: Dataset) -> Selection:
    """Return for the record which images :func:`read_selection` has chosen."""
    return Selection(options.command, str(dataset.folder.resolve()),
                     tuple(sorted(set(options.source))), options.split)


def read_folder(data: Path, group_by: str | None = None, seed: int | None = None) -> list[Sample]:
    """
    Read the list of labeled images in a folder.

    :param data: a folder with a manifest.csv, which has labels, groups and splits; or plain
        folders, as :func:`training.data.image_folders.read_folders` reads them.
    :param group_by: which images of plain folders make a group; see
        :func:`training.data.groups.group_rule`; None for DEFAULT_GROUP_BY.
    :param seed: of the split of plain folders; None for 0.
    :raises DatasetError: when the images cannot be trained on.
    """
    if not (data / MANIFEST).exists():
        return read_folders(data, group_by or DEFAULT_GROUP_BY, seed or 0)
    if group_by is not None or seed is not None:
        raise DatasetError(f'{data / MANIFEST}: has groups and splits already; leave out the '
                           f'rule and the seed, or move the file away')
    return read_manifest(data)


def choose(samples: Sequence[Sample], split: str, sources: Sequence[str]) -> list[Sample]:
    """
    Choose the samples to measure on.

    :param samples: all samples there are.
    :param split: a member of SPLITS, or ALL.
    :param sources: names of sources; empty for every source.
    :raises DatasetError: when there is no such source, or nothing is left.
    """
    known = sorted({sample.source for sample in samples})
    if unknown := sorted(set(sources) - set(known)):
        raise DatasetError(f'no source {" or ".join(unknown)} among the images, '
                           f'only {", ".join(known)}; one that was left out of training is '
                           f'measured with --data and --split {ALL}')
    chosen = [sample for sample in (samples if split == ALL else select(samples, split))
              if not sources or sample.source in sources]
    if not chosen:
        raise DatasetError(f'no image in split {split!r} of {", ".join(sources) or "the data"}; '
                           f'choose others with --split and --source')
    return chosen
