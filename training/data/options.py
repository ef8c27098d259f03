# SPDX-License-Identifier: Apache-2.0
"""The options by which every command names its images."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
import fnmatch
from pathlib import Path

from training.command import whole_number
from training.data.corrections import COLUMNS, CORRECTIONS
from training.data.joining import DEFAULT_GROUP_BY, read_dataset
from training.data.manifest import MANIFEST
from training.data.samples import (
    ALL,
    Dataset,
    DatasetError,
    KINDS,
    LABELS,
    Meaning,
    Sample,
    select,
    SPLITS,
)
from training.run_folder import read_config, read_run, run_of

# The kinds of images that are no label by themselves.
AMBIGUOUS = tuple(kind for kind in KINDS if kind not in LABELS)


@dataclass(frozen=True)
class Selection:
    """
    The images that were measured, for the record.

    :ivar command: the command line.
    :ivar data: the folders of the images, absolute.
    :ivar sources: the sources that were chosen; empty for all.
    :ivar split: a member of SPLITS, or ALL.
    :ivar without: the sources that were left out, or patterns of their names.
    """

    command: str
    data: tuple[str, ...]
    sources: tuple[str, ...]
    split: str
    without: tuple[str, ...] = ()


def add_data_options(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """
    Add --data, --corrections, --as-fire, --as-nofire, --group-by and --split-seed.

    :param parser: the parser to add them to.
    :param required: whether --data must be given; where not, the images are those that the
        model was trained on, see :func:`read_data`.
    """
    parser.add_argument(
        '--data', metavar='DIR', type=Path, required=required, action='append',
        help=f'folder with images in folders called fire and nofire, or with a {MANIFEST}; '
             'repeatable, for folders that are joined by group; training.dataset shows what is '
             'in them' + ('' if required else " (default: the images of the model's training "
                                              'run)'))
    parser.add_argument(
        '--corrections', metavar='FILE', type=Path,
        help=f'CSV file with the columns {", ".join(COLUMNS)}: the right labels of images whose '
             f"labels are wrong (besides, each data folder's own {CORRECTIONS}, if it has one)")
    for label in LABELS:
        parser.add_argument(
            f'--as-{label}', metavar='LABEL', choices=AMBIGUOUS, action='append', default=[],
            help=f'count images labeled {" or ".join(AMBIGUOUS)} as {label}; repeatable '
                 '(default: set them apart: neither trained on nor in the figures, but measured '
                 'by themselves)')
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
    """Add those of :func:`add_data_options`, --split, --source and --not-source."""
    add_data_options(parser, required=False)
    parser.add_argument('--split', choices=(*SPLITS, ALL), default='test',
                        help='which images (default: %(default)s)')
    parser.add_argument('--source', metavar='NAME', action='append', default=[],
                        help='only images of this source; repeatable')
    parser.add_argument('--not-source', metavar='NAME', action='append', default=[],
                        help="no image of this source, or of those by a pattern as '*_hard*'; "
                             'repeatable')


def read_data(options: argparse.Namespace, model: Path | None = None) -> Dataset:
    """
    Read the list of all images that a command line names.

    :param options: with the options of :func:`add_data_options`.
    :param model: a model, whose run folder lists the images where there is no --data; None where
        --data is required.
    :raises DatasetError: when the images cannot be used, or the model is in no run folder.
    :raises argparse.ArgumentError: for an option that says how --data is read, without --data.
    """
    meaning = meaning_of(options.as_fire, options.as_nofire)
    if options.data is None and (options.group_by, options.split_seed, options.corrections,
                                 meaning) != (None, None, None, Meaning()):
        raise argparse.ArgumentError(
            None, '--corrections, --as-fire, --as-nofire, --group-by and --split-seed are for '
                  '--data; without it, labels and split are those of the training run')
    if options.data is None and model is not None:
        run = run_of(model)
        return read_run(run).without(read_config(run).leave_out)
    return read_dataset(options.data, options.group_by, options.split_seed, meaning,
                        options.corrections)


def corrections_of(options: argparse.Namespace, model: Path) -> Path | None:
    """Return the list of right labels by which :func:`read_data` has read its images, if any."""
    if options.data is None:
        recorded = read_config(run_of(model)).corrections
        return None if recorded is None else Path(recorded)
    named: Path | None = options.corrections
    return named


def meaning_of(as_fire: Sequence[str], as_nofire: Sequence[str]) -> Meaning:
    """
    Return the meaning of kinds of images that count as fire, or not, besides those by that name.

    :raises argparse.ArgumentError: when one is to be both.
    """
    try:
        return Meaning(frozenset(('fire', *as_fire)), frozenset(('nofire', *as_nofire)))
    except ValueError as error:
        raise argparse.ArgumentError(None, str(error)) from error


def read_selection(options: argparse.Namespace, model: Path) -> Dataset:
    """
    Read the list of the images that a command line chooses.

    :param options: with the options of :func:`add_selection_options`.
    :param model: as :func:`read_data` takes it.
    :raises DatasetError: as :func:`read_data`, or when nothing is left.
    """
    return choose(read_data(options, model), options.split, options.source, options.not_source)


def describe_selection(options: argparse.Namespace, dataset: Dataset) -> Selection:
    """Return for the record which images :func:`read_selection` has chosen."""
    return Selection(options.command, tuple(str(folder.resolve()) for folder in dataset.folders),
                     tuple(sorted(set(options.source))), options.split,
                     tuple(sorted(set(options.not_source))))


def choose(dataset: Dataset, split: str, sources: Sequence[str],
           without: Sequence[str] = ()) -> Dataset:
    """
    Choose the samples to measure on.

    :param dataset: all samples there are.
    :param split: a member of SPLITS, or ALL.
    :param sources: names of sources; empty for every source.
    :param without: names of sources not to measure on, or patterns with asterisks.
    :raises DatasetError: when there is no such source, or nothing is left.
    """
    known = sorted({sample.source for sample in dataset})
    refused = {pattern: fnmatch.filter(known, pattern) for pattern in without}
    if unknown := sorted({*sources} - {*known} | {
            pattern for pattern, names in refused.items() if not names}):
        raise DatasetError(f'no source {" or ".join(unknown)} among the images, '
                           f'only {", ".join(known)}; one that was left out of training is '
                           f'measured with --data and --split {ALL}')

    def chosen(samples: Sequence[Sample]) -> list[Sample]:
        return [sample for sample in (samples if split == ALL else select(samples, split))
                if sample.source in kept]

    kept = {*(sources or known)} - {name for names in refused.values() for name in names}
    found = Dataset(chosen(dataset.samples), dataset.folders, chosen(dataset.apart))
    if not found.samples:
        raise DatasetError(f'no image in split {split!r} of {", ".join(sources) or "the data"}; '
                           f'choose others with --split and --source')
    return found
