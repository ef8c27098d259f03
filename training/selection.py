# SPDX-License-Identifier: Apache-2.0
"""Which images a model is measured on, as the measuring tools' command lines say."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.samples import DatasetError, Sample, select, SPLITS
from training.dataset import add_data_arguments, read_dataset
from training.measurement.evaluation import ALL
from training.run_folder import EVALUATION, read_config, run_of, samples_of

EPILOG = "Without --data, the images are those of the model's training run."


@dataclass(frozen=True)
class Request:
    """
    What is to be measured, for the record.

    :ivar command: the command line that asked for it.
    :ivar data: the folder of the images, absolute.
    :ivar sources: the sources that were chosen; empty for all.
    :ivar split: a member of SPLITS, or ALL.
    """

    command: str
    data: str
    sources: tuple[str, ...]
    split: str


def choose(samples: Sequence[Sample], split: str, sources: Sequence[str]) -> list[Sample]:
    """
    Pick the samples to measure on.

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


def add_place_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the images are, and where the results go."""
    add_data_arguments(parser, required=False)
    parser.add_argument('--out', metavar='DIR', type=Path,
                        help=f'folder for the results (default: {EVALUATION}/MODEL in the run '
                             f'folder, or in runs for a model that is in none)')


def add_selection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which images are measured, and where the results go."""
    add_place_arguments(parser)
    parser.add_argument('--split', choices=(*SPLITS, ALL), default='test',
                        help='which images (default: %(default)s)')
    parser.add_argument('--source', metavar='NAME', action='append', default=[],
                        help='only images of this source; repeatable')


def read_place(options: argparse.Namespace, model: Path) -> tuple[list[Sample], Path]:
    """
    List all images where a command line says they are.

    :param options: what :func:`add_place_arguments` made of it.
    :param model: the model, in whose run folder they are found without --data.
    :return: the images, and the data folder as their paths have it.
    :raises DatasetError: when there are none, or the model is in no run folder.
    """
    if options.data is None:
        return samples_of(model), Path(read_config(run_of(model)).data)
    return read_dataset(options.data, options.group_by, options.split_seed), options.data


def read_selection(options: argparse.Namespace, model: Path) -> tuple[list[Sample], Path]:
    """
    List the images that a command line asks for.

    :param options: what :func:`add_selection_arguments` made of it.
    :param model: as :func:`read_place` takes it.
    :return: the images, and the data folder as their paths have it.
    :raises DatasetError: when there are none, or the model is in no run folder.
    """
    samples, data = read_place(options, model)
    return choose(samples, options.split, options.source), data


def as_request(options: argparse.Namespace, data: Path, command: str) -> Request:
    """Return for the record what a command line asked for."""
    return Request(command, str(data.resolve()), tuple(sorted(set(options.source))),
                   options.split)
