# SPDX-License-Identifier: Apache-2.0
"""Time the input pipeline and the network: `python -m training.studies.throughput --data DIR`."""

import argparse
from collections.abc import Callable, Sequence
import itertools
import sys
import time
from typing import Any

from fire_detector.images.files import ImageFileError
from fire_detector.model.preprocessing import InputSpec
import keras
import numpy as np
from training.data.loading import skip_unreadable
from training.data.options import add_data_options, read_data
from training.data.samples import DatasetError, Sample, select
from training.learning.batches import Batches, compile_model
from training.networks import ARCHITECTURES
from training.run_folder import TrainingConfig

SECONDS = 8.0


def measure(samples: Sequence[Sample], config: TrainingConfig) -> dict[str, float]:
    """
    Return how many images a second are made, learned from, and both at a time.

    :param samples: the training samples.
    :param config: what to train, and how.
    :return: images a second of the pipeline alone, of the network alone, which gets one
        batch again and again, and of training as it is.
    """
    model = ARCHITECTURES[config.arch](keras)
    outputs = model.output_shape[1]
    compile_model(model, keras.optimizers.Adam(config.learning_rate))
    batches = Batches(samples, outputs, InputSpec(*model.input_shape[1:3]), config)
    one = batches[0]
    order = itertools.cycle(range(batches.num_batches))
    # The first step compiles the network.
    model.train_on_batch(*one)
    return {
        'pipeline alone': _rate(lambda: len(batches[next(order)][0])),
        'network alone': _rate(lambda: _learn(model, *one)),
        'training': _rate(lambda: _epoch(model, batches)),
    }


def _learn(model: Any, inputs: np.ndarray, targets: np.ndarray) -> int:
    model.train_on_batch(inputs, targets)
    return len(inputs)


def _epoch(model: Any, batches: Batches) -> int:
    model.fit(batches, shuffle=False, verbose=0)
    return batches.images


def _rate(step: Callable[[], int]) -> float:
    """Repeat a step that gives its number of images; return images a second."""
    start, images = time.perf_counter(), 0
    while time.perf_counter() < start + SECONDS:
        images += step()
    return images / (time.perf_counter() - start)


def main(arguments: Sequence[str] | None = None) -> int:
    """Time what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.studies.throughput',
                                     description=__doc__)
    add_data_options(parser)
    parser.add_argument('--arch', choices=sorted(ARCHITECTURES), default=TrainingConfig.arch)
    parser.add_argument('--augment', action=argparse.BooleanOptionalAction,
                        default=TrainingConfig.augment)
    options = parser.parse_args(arguments)
    try:
        samples, unreadable = skip_unreadable(select(read_data(options).samples, 'train'))
        rates = measure(samples, TrainingConfig(
            str(options.data), options.group_by, options.split_seed, options.arch,
            augment=options.augment))
    except (DatasetError, OSError, ImageFileError) as error:
        print(f'training.studies.throughput: {error}', file=sys.stderr)
        return 1
    for problem in unreadable:
        print(f'training.studies.throughput: skipped {problem}', file=sys.stderr)
    for name, rate in rates.items():
        print(f'{name}: {rate:,.0f} images a second')
    return 0


if __name__ == '__main__':
    sys.exit(main())
