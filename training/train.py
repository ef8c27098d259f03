# SPDX-License-Identifier: Apache-2.0
"""Train a network, the default model's: `python -m training.train --data DIR --out runs/mine`."""

import argparse
from collections import Counter
from collections.abc import Sequence
import dataclasses
import os
from pathlib import Path
import resource
import shlex
import sys
from typing import Any

from fire_detector.model.contract import HeatMap, ModelContract
from fire_detector.model.file import read_sidecar
from fire_detector.model.preprocessing import InputSpec
import keras
import tensorflow as tf
from training.command import CommandError, run_command
from training.data.boxes import read_boxes
from training.data.joining import common_folder, read_dataset
from training.data.loading import load_tensors, skip_unreadable
from training.data.manifest import write_manifest
from training.data.options import add_data_options, meaning_of
from training.data.samples import check, DatasetError, FIRE, LABELS, Sample, select, without
from training.learning.batches import outputs_of
from training.learning.calibration import calibrate
from training.learning.fitting import fit, start_from
from training.learning.results import save_formats, write_results
from training.learning.sampling import BALANCES
from training.measurement.localization import choose_cell_threshold
from training.measurement.metrics import format_table, Metrics
from training.networks import ARCHITECTURES
from training.run_folder import (
    BEST_EPOCH,
    CONFIG,
    H5_MODEL,
    KERAS_MODEL,
    METRICS,
    read_config,
    read_run,
    SAMPLES,
    SCHEDULES,
    TrainingConfig,
    write_config,
)

MODEL_VERSION = '1.0.0'
EXIT_INTERRUPTED = 130
CHOICES: dict[str, Sequence[str]] = {
    'arch': sorted(ARCHITECTURES), 'schedule': SCHEDULES, 'balance': sorted(BALANCES)}


def prepare_run(config: TrainingConfig, run: Path) -> list[str]:
    """
    Make a run folder, or check that the one there is an interrupted run of the same kind.

    :param config: what to train, and how.
    :param run: the run folder.
    :return: one message for each image file that cannot be read and is left out of the run.
    :raises CommandError: when the folder holds a finished run, or one that was trained otherwise.
    :raises DatasetError: when the data cannot be trained on.
    """
    if (run / METRICS).exists():
        raise CommandError(f'{run}: holds a finished run; name another folder with --out')
    if (run / CONFIG).exists() and (run / SAMPLES).exists():
        _check_same_config(config, run)
        return []
    folders, names = [Path(folder) for folder in config.data], ', '.join(config.data)
    listed = read_dataset(folders, config.group_by, config.split_seed, config.meaning,
                          Path(config.corrections) if config.corrections else None)
    samples, unreadable = skip_unreadable(list(listed))
    sources = {sample.source for sample in samples}
    if unknown := set(config.leave_out) - sources:
        raise DatasetError(f'{names}: has no source {" or ".join(sorted(unknown))} to leave out, '
                           f'only {", ".join(sorted(sources))}')
    apart = set(listed.apart)
    try:
        check([sample for sample in without(samples, config.leave_out) if sample not in apart],
              names)
    except DatasetError as error:
        if not config.leave_out:
            raise
        raise DatasetError(f'without {", ".join(config.leave_out)}: {error}') from error
    run.mkdir(parents=True, exist_ok=True)
    write_manifest(samples, common_folder(folders), run / SAMPLES)
    write_config(run, config)  # last: with it, the run is begun
    return unreadable


def _check_same_config(config: TrainingConfig, run: Path) -> None:
    begun, now = dataclasses.asdict(read_config(run)), dataclasses.asdict(config)
    if changed := [f'{name} {begun[name]!r}, now {value!r}' for name, value in now.items()
                   if begun[name] != value]:
        raise CommandError(f'{run}: holds an interrupted run that was begun with '
                           f'{"; ".join(changed)}; go on with what it was begun with, or name '
                           f'another folder with --out')


def train(run: Path) -> dict[str, dict[str, Metrics]]:
    """
    Train on `train`, keep the epoch best on `val`, and measure; go on where it was interrupted.

    :param run: a folder that :func:`prepare_run` has made.
    :return: metrics overall and by source, of `val`, `test` and, where sources were left out,
        `left_out`.
    :raises ImageFileError: when an image cannot be read.
    """
    config = read_config(run)
    dataset = read_run(run)
    known = dataset.without(config.leave_out).samples
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    build = ARCHITECTURES[config.arch]
    model = build(keras, config.input_size) if config.input_size else build(keras)
    if config.start_from:
        start_from(model, config.start_from)
    spec = InputSpec(height=model.input_shape[1], width=model.input_shape[2])
    speed = fit(model, select(known, 'train'), select(known, 'val'), spec, config, run)
    # Whoever loads the result does not have the loss of cells.
    model = keras.saving.load_model(run / BEST_EPOCH, compile=len(model.outputs) == 1)
    contract = _contract(config, spec, model, select(known, 'train'))
    contract, settled = calibrate(model, contract, select(known, 'val'), config)
    contract = _with_cell_threshold(model, contract, select(known, 'val'), config)
    model.save(run / KERAS_MODEL)
    save_formats(model, run)
    return write_results(
        run / KERAS_MODEL, contract, {
            'val': select(known, 'val'), 'test': select(known, 'test'),
            'left_out': [sample for sample in dataset.samples
                         if sample.source in config.leave_out],
        }, {
            'command': _command(config, run),
            'parameters': model.count_params(),
            'h5_bytes': (run / H5_MODEL).stat().st_size,
            'settled': settled,
            # Linux counts in KiB.
            'training': speed | {
                'peak_memory_bytes': 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss},
        })


def _contract(config: TrainingConfig, spec: InputSpec, model: Any,
              training: Sequence[Sample]) -> ModelContract:
    sources = Counter(sample.source for sample in training)
    outputs, grid = outputs_of(model)
    return ModelContract(
        name=config.name or config.arch, version=MODEL_VERSION, labels=LABELS, input_spec=spec,
        output='sigmoid' if outputs == 1 else 'softmax', heat_map=HeatMap(*grid) if grid else None,
        trained_on=f'{len(training)} images: ' + ', '.join(
            f'{source} {count}' for source, count in sorted(sources.items())))


def _with_cell_threshold(model: Any, contract: ModelContract, validation: Sequence[Sample],
                         config: TrainingConfig) -> ModelContract:
    """Return a contract with the best threshold of a cell, where there are boxes to choose it."""
    boxes = read_boxes(*map(Path, config.data)) if contract.heat_map else {}
    fires = [sample for sample in validation
             if sample.label == FIRE and sample.path in boxes]
    if contract.heat_map is None or not fires:
        return contract
    _, heat_maps = model.predict(load_tensors(fires, contract.input_spec), verbose=0)
    threshold = choose_cell_threshold(
        heat_maps[..., 0], [boxes[sample.path] for sample in fires])
    return dataclasses.replace(contract, heat_map=dataclasses.replace(
        contract.heat_map, threshold=threshold))


def _command(config: TrainingConfig, run: Path) -> str:
    """Return the command line with all of a configuration, defaults included."""
    words = ['python', '-m', 'training.train', '--out', os.path.relpath(run)]
    words += [word for folder in config.data for word in ('--data', folder)]
    for name, value in dataclasses.asdict(config).items():
        option = f'--{name.replace("_", "-")}'
        if isinstance(value, bool):
            words.append(option if value else option.replace('--', '--no-', 1))
        elif name == 'false_alarms':
            words += [option, str(value or 0)]
        elif name in ('leave_out', 'as_fire', 'as_nofire'):
            words += [word for text in value for word in (option, text)]
        elif name != 'data' and value is not None:
            words += [option, str(value)]
    return shlex.join(words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m training.train', description=__doc__, epilog=(
            "The defaults are the default model's recipe. The same command again goes on with a "
            'training that was interrupted.'))
    add_data_options(parser)
    parser.add_argument('--out', type=Path, required=True, help='run folder for the results')
    parser.add_argument('--name', help="the model's name (default: that of the architecture)")
    parser.add_argument('--start-from', metavar='MODEL',
                        help='train on from the weights of a .keras file of the same network, or '
                             "of a model of the package, by its name (default: ImageNet's)")
    parser.add_argument('--leave-out', metavar='SOURCE', action='append', default=[],
                        help='keep a source from training, and measure on all of it; repeatable')
    for field in dataclasses.fields(TrainingConfig):
        if 'help' not in field.metadata:
            continue
        kind: dict[str, Any] = {'type': type(field.default)}
        if field.name in CHOICES:
            kind = {'choices': CHOICES[field.name]}
        elif isinstance(field.default, bool):
            kind = {'action': argparse.BooleanOptionalAction}
        parser.add_argument(f'--{field.name.replace("_", "-")}', default=field.default,
                            help=f'{field.metadata["help"]} (default: %(default)s)', **kind)
    return parser


def _config(options: argparse.Namespace) -> TrainingConfig:
    fields = {field.name: getattr(options, field.name)
              for field in dataclasses.fields(TrainingConfig)}
    meaning_of(options.as_fire, options.as_nofire)
    corrections = options.corrections
    try:
        return TrainingConfig(**fields | {
            'data': tuple(str(folder.resolve()) for folder in options.data),
            'corrections': None if corrections is None else str(corrections.resolve()),
            'as_fire': tuple(options.as_fire), 'as_nofire': tuple(options.as_nofire),
            'false_alarms': options.false_alarms or None,
            'leave_out': tuple(sorted(set(options.leave_out)))})
    except ValueError as error:
        raise argparse.ArgumentError(None, str(error)) from error


def _train(options: argparse.Namespace) -> None:
    run: Path = options.out
    for problem in prepare_run(_config(options), run):
        print(f'training.train: skipped {problem}', file=sys.stderr)
    measured = train(run)
    threshold = read_sidecar(run / KERAS_MODEL).threshold
    for split in ('test', 'left_out'):
        if split in measured:
            print(f'\nOn {split}, at a probability of {threshold:.3g}:\n\n'
                  f'{format_table(measured[split])}')
    print(f'\nResults are in {run}')


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what the command line names; return the exit status."""
    try:
        return run_command(_parser(), _train, arguments)
    except KeyboardInterrupt:
        print('training.train: interrupted; the same command goes on', file=sys.stderr)
        return EXIT_INTERRUPTED


if __name__ == '__main__':
    sys.exit(main())
