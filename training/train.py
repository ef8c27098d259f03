# SPDX-License-Identifier: Apache-2.0
"""Train a network: `python -m training.train --data DIR --arch firenet --out runs/firenet`."""

import argparse
from collections import Counter
from collections.abc import Sequence
import dataclasses
from pathlib import Path
import sys

from fire_detector.model_contract import contract_to_json, ModelContract, sidecar_path
from fire_detector.picture_files import PictureFileError
from fire_detector.preprocessing import InputSpec
import keras
import tensorflow as tf
from training.architectures import ARCHITECTURES
from training.loading import load_tensors
from training.manifest import read_manifest
from training.metrics import format_table, measure_by_source, Metrics
from training.predict import fire_probability
from training.run_folder import (
    H5_MODEL,
    KERAS_MODEL,
    METRICS,
    TrainingConfig,
    write_config,
    write_json,
)
from training.samples import DatasetError, LABELS, labels_of, Sample, select, SPLITS

MODEL_VERSION = '1.0.0'


def train(config: TrainingConfig, run: Path) -> dict[str, Metrics]:
    """
    Train on the `train` split, keep the epoch best on `val`, and report on `test`.

    :param config: what to train, and how.
    :param run: folder for the results, made where it is missing.
    :return: metrics on `test`, overall and by source.
    :raises DatasetError: when the data cannot be trained on.
    :raises PictureFileError: when a picture cannot be read.
    """
    samples = read_manifest(Path(config.data))
    run.mkdir(parents=True, exist_ok=True)
    write_config(run, config)
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()

    model = ARCHITECTURES[config.arch]()
    spec = InputSpec(height=model.input_shape[1], width=model.input_shape[2])
    splits = {split: select(samples, split) for split in SPLITS}
    tensors = {split: load_tensors(chosen, spec) for split, chosen in splits.items()}
    model.fit(
        tensors['train'], labels_of(splits['train']),
        validation_data=(tensors['val'], labels_of(splits['val'])),
        epochs=config.epochs, batch_size=config.batch_size,
        callbacks=[keras.callbacks.ModelCheckpoint(
            run / KERAS_MODEL, monitor='val_accuracy', mode='max', save_best_only=True)],
        verbose=1 if sys.stdout.isatty() else 2)

    best = keras.saving.load_model(run / KERAS_MODEL)
    best.save(run / H5_MODEL)
    measured = {
        split: measure_by_source(fire_probability(best, tensors[split]), splits[split])
        for split in ('val', 'test')}
    write_json(run / METRICS, {
        'config': dataclasses.asdict(config),
        'parameters': best.count_params(),
        'h5_bytes': (run / H5_MODEL).stat().st_size,
    } | {split: {source: dataclasses.asdict(found) for source, found in by_source.items()}
         for split, by_source in measured.items()})
    contract = _contract(config, spec, splits['train'], measured['test']['overall'])
    sidecar_path(run / H5_MODEL).write_text(contract_to_json(contract), encoding='utf-8')
    return measured['test']


def _contract(config: TrainingConfig, spec: InputSpec, training: Sequence[Sample],
              test: Metrics) -> ModelContract:
    sources = Counter(sample.source for sample in training)
    return ModelContract(
        name=config.arch, version=MODEL_VERSION, labels=LABELS, input_spec=spec, output='softmax',
        trained_on=f'{len(training)} pictures: ' + ', '.join(
            f'{source} {count}' for source, count in sorted(sources.items())),
        metrics={f'test_{name}': value for name, value in dataclasses.asdict(test).items()})


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line asks; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.train', description=__doc__)
    parser.add_argument('--data', type=Path, required=True, help='folder with a manifest.csv')
    parser.add_argument('--arch', choices=sorted(ARCHITECTURES), default='firenet')
    parser.add_argument('--out', type=Path, required=True, help='run folder for the results')
    # 100 passes in batches of 32, as the authors of FireNet trained it: Codes/Train.ipynb in
    # https://github.com/arpit-jadon/FireNet-LightWeight-Network-for-Fire-Detection
    parser.add_argument('--epochs', type=int, default=100)
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args(arguments)
    config = TrainingConfig(data=str(options.data.resolve()), arch=options.arch,
                            epochs=options.epochs, batch_size=options.batch_size,
                            seed=options.seed)
    try:
        measured = train(config, options.out)
    except (DatasetError, PictureFileError) as error:
        print(f'training.train: {error}', file=sys.stderr)
        return 1
    print(f'\nOn the test split, at probability 0.5:\n\n{format_table(measured)}\n\n'
          f'Results are in {options.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
