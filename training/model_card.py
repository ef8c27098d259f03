# SPDX-License-Identifier: Apache-2.0
"""
Write a model's card, from the records of the other commands.

`python -m training.model_card runs/mine runs/mine/tflite/mine.tflite`
"""

import argparse
from collections.abc import Sequence
import dataclasses
from datetime import datetime, timezone
import json
from pathlib import Path
import shlex
import sys
from typing import Any

from fire_detector.model.file import read_contract
import jinja2
import pandas as pd
from training.command import CommandError, run_command
from training.data.samples import LABELS, SPLITS
from training.markdown import render
from training.measurement.alarm_figures import IN_TIME
from training.measurement.evaluation import file_sha256, read_record, RecordError
from training.run_folder import (
    CONVERSION_FIGURES,
    CONVERSIONS,
    data_folders,
    EVALUATION,
    evaluation_folder,
    METRICS,
    PRUNED,
    QUANTIZATION_AWARE,
    read_config,
    read_samples,
    write_json,
)
from training.studies.recipes import WITHOUT

TEMPLATE = 'model_card.md.j2'
SOURCES = 'sources.csv'
SOURCE_COLUMNS = ('source', 'license', 'origin', 'shows')
# Further measurements beside the evaluation, by the tool that makes STEM.json.
SUPPLEMENTS = {'alarms': 'training.alarms', 'robustness': 'training.studies.robustness'}
UNSEEN_FIGURES = ('ROC AUC', 'recall', 'false alarms', 'recall at 2 % false alarms')


def read_training(run: Path) -> dict[str, Any]:
    """
    Read what only the training of a model knows.

    :param run: the run folder, or a JSON file that `--record` wrote of it.
    :return: `config`; `date`; `command`, and `optimizations`, the further commands with which the
        run was trained on; `metrics` of training; `conversion`, the figures of every variant;
        `counts`, for each source its groups and, by split, its images of each label.
    :raises RecordError: when something has to be made first, or cannot be read.
    :raises DatasetError: when the run's configuration or list of images cannot be read.
    """
    if run.is_file():
        return _read_json(run, 'training.model_card --record')
    config = read_config(run)
    metrics = _read_json(run / METRICS, 'training.train')
    samples = pd.DataFrame([vars(sample) for sample in read_samples(run)])
    counts = {
        str(source): {'groups': int(part['group'].nunique())} | {
            split: [int(((part['split'] == split) & (part['label'] == label)).sum())
                    for label in range(len(LABELS))] for split in SPLITS}
        for source, part in samples.groupby('source')}
    return {
        'config': dataclasses.asdict(config), 'command': metrics['command'],
        'date': _date_of(run / METRICS),
        'optimizations': [_read_json(run / name / METRICS, 'training.optimize')['command']
                          for name in (QUANTIZATION_AWARE, PRUNED) if (run / name).is_dir()],
        'metrics': {name: metrics.get(name) for name in (
            'parameters', 'h5_bytes', 'training', 'left_out')},
        'conversion': _read_json(run / CONVERSIONS / CONVERSION_FIGURES,
                                 'training.convert --all'),
        'counts': counts, 'unseen': None}


def read_unseen(path: Path, arch: str) -> dict[str, Any]:
    """
    Read how good a recipe is on sources that were left out of its training.

    :param path: the study.csv of `training.studies.recipes unseen`.
    :param arch: the network whose rows are taken.
    :return: `command`, `date`, and `rows`: by the sources that were left out, the number of seeds
        and mean and standard deviation of each of UNSEEN_FIGURES.
    :raises RecordError: when it cannot be read, or has no such row.
    """
    try:
        table = pd.read_csv(path).set_index('row')
        table = table[table.index.str.startswith(arch + WITHOUT)][list(UNSEEN_FIGURES)]
    except (AttributeError, KeyError, OSError, ValueError) as error:
        raise RecordError(f'{path}: cannot be read ({error}); '
                          f'python -m training.studies.recipes unseen writes it') from error
    if table.empty:
        raise RecordError(f'{path}: no row {arch}{WITHOUT}...')
    return {'command': 'python -m training.studies.recipes unseen --data DATA',
            'date': _date_of(path), 'rows': {
                name.split(WITHOUT)[1]: {'seeds': len(part)} | {
                    figure: [float(part[figure].mean()), float(part[figure].std(ddof=len(
                        part) > 1))] for figure in UNSEEN_FIGURES}
                for name, part in table.groupby(level=0, sort=False)}}


def read_sources(path: Path) -> dict[str, dict[str, str]]:
    """
    Read license, origin and content of the sources of images.

    :param path: a CSV file with SOURCE_COLUMNS.
    :return: the other columns, by source.
    :raises RecordError: when it cannot be read or lacks a column.
    """
    try:
        table = pd.read_csv(path, usecols=list(SOURCE_COLUMNS), dtype=str, keep_default_na=False,
                            encoding='utf-8-sig').set_index('source')
    except (OSError, ValueError) as error:
        raise RecordError(f'{path}: cannot be read, expected are the columns '
                          f'{", ".join(SOURCE_COLUMNS)}: {error}') from error
    found: dict[str, dict[str, str]] = table.to_dict('index')
    return found


def read_measurements(run: Path, model: Path, data: Sequence[str]) -> dict[str, Any]:
    """
    Read the records of the very bytes of a model.

    :param run: as in :func:`read_training`.
    :param model: the .tflite file.
    :param data: the folders of the images it was trained on.
    :return: `evaluation`, and the SUPPLEMENTS; None for those that were not measured.
    :raises RecordError: when there is no evaluation on `test`, or a record is of another file.
    """
    digest = file_sha256(model)
    for folder in (*sorted((run / EVALUATION).glob('*')), evaluation_folder(model)):
        try:
            found = read_record(folder / METRICS, digest)
        except RecordError:
            continue
        if (found['split'], found['sources'], found.get('without', [])) == ('test', [], []) and (
                run.is_file() or data_folders(found['data']) == tuple(data)):
            break
    else:
        inside = run.is_file() or run.resolve() in model.resolve().parents
        words = ['python', '-m', 'training.evaluate', str(model), *(() if inside else (
            *(word for folder in data for word in ('--data', folder)),
            '--out', str(run / EVALUATION / model.name)))]
        raise RecordError(f'{run / EVALUATION}: no evaluation of the bytes of {model} on test; '
                          f'run {shlex.join(words)}')
    supplements = {}
    for stem, tool in SUPPLEMENTS.items():
        path = folder / f'{stem}.json'
        try:
            supplements[stem] = read_record(path, digest) if path.exists() else None
        except RecordError as error:
            raise RecordError(f'{error}; run python -m {tool} {model}') from error
    return {'evaluation': found} | supplements


def render_card(model: Path, training: dict[str, Any], measured: dict[str, Any],
                sources: dict[str, dict[str, str]], card_license: str, command: str) -> str:
    """
    Render the card from what the functions above return.

    :param card_license: the license of the model, an SPDX identifier in lower case.
    :param command: the command line of the card.
    :raises jinja2.UndefinedError: when a record lacks a field, since it is of another version.
    """
    commands = [training['command'], *training['optimizations'], training['conversion']['command'],
                *(record['command'] for record in measured.values() if record), command]
    folders = {folder for record in (training['config'], measured['evaluation'])
               for folder in data_folders(record['data'])}
    return render(
        TEMPLATE, model=model, contract=read_contract(model), training=training, sources=sources,
        siblings={path.name for path in model.parent.glob('*_int8.tflite')},
        license=card_license, in_time=IN_TIME, unseen_figures=UNSEEN_FIGURES, splits=SPLITS,
        commands=[_without_folders(line, folders) for line in commands], **measured)


def _without_folders(command: str, folders: set[str]) -> str:
    """Replace the data folder's path by DATA."""
    return shlex.join('DATA' if word in folders or str(Path(word).resolve()) in folders else word
                      for word in shlex.split(command))


def _read_json(path: Path, tool: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise RecordError(f'{path}: cannot be read ({error}); python -m {tool} writes it'
                          ) from error
    return found


def _date_of(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, timezone.utc).date().isoformat()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m training.model_card', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', metavar='RUN', type=Path,
                        help='folder of the training run, or a file that --record wrote')
    parser.add_argument('model', metavar='MODEL', type=Path, help='.tflite file made from it')
    parser.add_argument('--sources', metavar='FILE', type=Path,
                        help=f'CSV file with the columns {", ".join(SOURCE_COLUMNS)} '
                             f"(default: the data folders' {SOURCES}, where they have one)")
    parser.add_argument('--unseen', metavar='FILE', type=Path,
                        help='study.csv of training.studies.recipes unseen')
    parser.add_argument('--license', metavar='NAME', default='other',
                        help='license of the model, as in apache-2.0 (default: %(default)s)')
    parser.add_argument('--record', metavar='FILE', type=Path,
                        help='JSON file to keep what only the run folder knows')
    return parser


def _write_card(options: argparse.Namespace) -> None:
    try:
        training = read_training(options.run)
        data = data_folders(training['config']['data'])
        if options.unseen is not None:
            training['unseen'] = read_unseen(options.unseen, training['config']['arch'])
        paths = [options.sources] if options.sources else [
            path for path in (Path(folder) / SOURCES for folder in data) if path.is_file()]
        text = render_card(
            options.model, training, read_measurements(options.run, options.model, data),
            {source: found for path in paths for source, found in read_sources(path).items()},
            options.license, options.command)
    except (KeyError, jinja2.UndefinedError) as error:
        raise CommandError(
            f'{options.run}: its JSON files are of another version ({error}); run '
            f'training.train and training.convert --all again') from error
    if options.record is not None:
        write_json(options.record, training)
    card = options.model.with_suffix('.md')
    card.write_text(text, encoding='utf-8')
    print(f'The card is in {card}')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_command(_parser(), _write_card, arguments)


if __name__ == '__main__':
    sys.exit(main())
