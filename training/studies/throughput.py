# SPDX-License-Identifier: Apache-2.0
"""Time the input pipeline and the network: `python -m training.studies.throughput --data DIR`."""

import argparse
from collections.abc import Callable, Sequence
import itertools
from pathlib import Path
import sys
import time

from fire_detector.model.preprocessing import InputSpec
import keras
from training.command import run_command
from training.data.boxes import read_boxes
from training.data.loading import skip_unreadable
from training.data.options import add_data_options, read_data
from training.data.samples import Sample, select
from training.learning.batches import Batches, compile_model, outputs_of
from training.learning.views import Fires
from training.networks import ARCHITECTURES
from training.run_folder import TrainingConfig

SECONDS = 8.0


def measure(samples: Sequence[Sample], config: TrainingConfig) -> dict[str, float]:
    """
    Return the images a second of the pipeline alone, of the network alone, and of training.

    The network alone gets one batch again and again.
    """
    model = ARCHITECTURES[config.arch](keras)
    outputs, grid = outputs_of(model)
    compile_model(model, keras.optimizers.Adam(config.learning_rate))
    batches = Batches(samples, outputs, InputSpec(*model.input_shape[1:3]), config,
                      Fires(read_boxes(*map(Path, config.data)) if grid else {}, grid))
    inputs, targets = batches[0]
    order = itertools.cycle(range(batches.num_batches))
    # The first step compiles the network.
    model.train_on_batch(inputs, targets)
    return {
        'pipeline alone': _rate(lambda: batches[next(order)], len(inputs)),
        'network alone': _rate(lambda: model.train_on_batch(inputs, targets), len(inputs)),
        'training': _rate(lambda: model.fit(batches, shuffle=False, verbose=0), batches.images),
    }


def _rate(step: Callable[[], object], images: int) -> float:
    """Repeat a step for SECONDS; return images a second."""
    start, steps = time.perf_counter(), 0
    while time.perf_counter() < start + SECONDS:
        step()
        steps += 1
    return steps * images / (time.perf_counter() - start)


def _time(options: argparse.Namespace) -> None:
    samples, unreadable = skip_unreadable(select(read_data(options).samples, 'train'))
    for problem in unreadable:
        print(f'training.studies.throughput: left out: {problem}', file=sys.stderr)
    rates = measure(samples, TrainingConfig(
        tuple(map(str, options.data)), arch=options.arch, augment=options.augment))
    for name, rate in rates.items():
        print(f'{name}: {rate:,.0f} images a second')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.studies.throughput',
                                     description=__doc__)
    add_data_options(parser)
    parser.add_argument('--arch', choices=sorted(ARCHITECTURES), default=TrainingConfig.arch)
    parser.add_argument('--augment', action=argparse.BooleanOptionalAction,
                        default=TrainingConfig.augment)
    return run_command(parser, _time, arguments)


if __name__ == '__main__':
    sys.exit(main())
