# SPDX-License-Identifier: Apache-2.0
"""
Train a run on, for integers or zeros: `python -m training.optimize RUN --method qat`.

`--method qat` trains with values rounded as the integer model will round them (B. Jacob et al.,
2018, https://arxiv.org/abs/1712.05877). `--method prune` sets the smallest weights to zero little
by little (M. Zhu, S. Gupta, 2017, https://arxiv.org/abs/1710.01878). Both by TensorFlow's
optimization toolkit. The results are put into the run folder, where `training.convert --all` finds
them.
"""

import argparse
from collections.abc import Iterator, Sequence
import contextlib
import io
import itertools
from pathlib import Path
import sys
from typing import Any

from fire_detector.model.file import read_sidecar
import keras
import numpy as np
from numpy.typing import NDArray
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from training.command import CommandError, run_command, whole_number
from training.data.samples import DatasetError, select
from training.learning.batches import Batches, compile_model
from training.learning.results import save_formats, write_results
from training.measurement.metrics import format_table
from training.networks import ARCHITECTURES
from training.run_folder import (
    KERAS_MODEL,
    METRICS,
    PRUNED,
    QUANTIZATION_AWARE,
    read_config,
    samples_of,
    SAVED_MODEL,
)

# Small, since the network has been trained already.
LEARNING_RATE = 1e-4
SPARSITY = 0.75
SETTLING_BATCHES = 8
# Of the toolkit's moving averages of ranges: quant_ops.MovingAvgQuantize.
RANGE_DECAY = 0.999


def _train_quantization_aware(run: Path, epochs: int) -> Path:
    """Return the path of a SavedModel, since only that keeps the ranges of the values."""
    batches = _batches(run)
    model = tfmot.quantization.keras.quantize_model(_as_keras_2(run))
    _settle_ranges(model, np.concatenate([
        batches[index][0] for index in range(min(SETTLING_BATCHES, batches.num_batches))]))
    _train_on(model, batches, run, epochs, [])
    result = run / QUANTIZATION_AWARE / SAVED_MODEL
    result.parent.mkdir(exist_ok=True)
    # Its own report of what it saves would go to standard output.
    with contextlib.redirect_stdout(io.StringIO()):
        model.export(str(result))
    return result


def _prune(run: Path, epochs: int, sparsity: float) -> Path:
    """Return the path of the .keras file; the other formats are beside it."""
    batches = _batches(run)
    model = tfmot.sparsity.keras.prune_low_magnitude(
        _as_keras_2(run), tfmot.sparsity.keras.PolynomialDecay(
            initial_sparsity=0.0, final_sparsity=sparsity, begin_step=0,
            # The last quarter heals what the zeros have broken.
            end_step=3 * batches.num_batches * epochs // 4, frequency=1))
    _train_on(model, batches, run, epochs, [tfmot.sparsity.keras.UpdatePruningStep()])
    pruned = keras.saving.load_model(run / KERAS_MODEL)
    pruned.set_weights(tfmot.sparsity.keras.strip_pruning(model).get_weights())
    result = run / PRUNED / KERAS_MODEL
    result.parent.mkdir(exist_ok=True)
    pruned.save(result)
    save_formats(pruned, result.parent)
    return result


def _as_keras_2(run: Path) -> Any:
    """Build a run's network with tf-keras, with the weights that Keras 3 has trained."""
    trained = keras.saving.load_model(run / KERAS_MODEL)
    model = ARCHITECTURES[read_config(run).arch](tf_keras)
    model.set_weights(trained.get_weights())
    return model


def _settle_ranges(model: Any, images: NDArray[np.float32]) -> None:
    """
    Set the ranges of the activations to those of real images.

    The toolkit starts all of them at -6 to 6 and lets a moving average forget that: after ten
    epochs of a hundred steps a third of it would be left, and with it steps twice as coarse.
    """
    # Those of weights and of the input are no averages, and right from the first step.
    ranges = [weight for weight in model.non_trainable_weights
              if weight.name.endswith(('activation_min:0', 'activation_max:0',
                                       'output_min:0', 'output_max:0'))]
    before = [weight.numpy() for weight in ranges]
    model(images, training=True)
    for weight, old in zip(ranges, before, strict=True):
        # From new = decay * old + (1 - decay) * seen.
        weight.assign((weight - RANGE_DECAY * old) / (1 - RANGE_DECAY))


def _batches(run: Path) -> Batches:
    contract = read_sidecar(run / KERAS_MODEL)
    # One number: no run of training.train ends in logits.
    (outputs,) = contract.output_sizes
    return Batches(select(samples_of(run / KERAS_MODEL), 'train'), outputs,
                   contract.input_spec, read_config(run))


def _train_on(model: Any, batches: Batches, run: Path, epochs: int,
              callbacks: list[Any]) -> None:
    compile_model(model, tf_keras.optimizers.Adam(LEARNING_RATE))
    # After the epochs of the run, so that their choice of images is not repeated.
    first = read_config(run).epochs
    model.fit(_endless(batches, first), steps_per_epoch=batches.num_batches,
              epochs=epochs, callbacks=callbacks, verbose=1 if sys.stdout.isatty() else 2)


def _endless(batches: Batches, first_epoch: int) -> Iterator[tuple[Any, Any]]:
    """Return the batches one by one, since tf-keras does not know Keras 3's data sets."""
    for epoch in itertools.count(first_epoch):
        batches.epoch = epoch
        for index in range(batches.num_batches):
            yield batches[index]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m training.optimize', description=__doc__)
    parser.add_argument('run', type=Path, help='run folder of training.train')
    parser.add_argument('--method', choices=('qat', 'prune'), required=True)
    parser.add_argument('--epochs', type=whole_number(1), default=10,
                        help='passes over the training images (default: %(default)s)')
    parser.add_argument('--sparsity', type=float,
                        help='share of the weights that pruning sets to zero '
                             f'(default: {SPARSITY})')
    return parser


def _check(options: argparse.Namespace) -> None:
    if options.sparsity is not None and not (
            options.method == 'prune' and 0 < options.sparsity < 1):
        raise argparse.ArgumentError(
            None, '--sparsity is for --method prune, and between 0 and 1')
    if not (options.run / METRICS).is_file():
        raise DatasetError(f'{options.run}: not a finished run of training.train')
    if read_sidecar(options.run / KERAS_MODEL).heat_map is not None:
        raise CommandError(f'{options.run}: its network has a heat map, which is not trained on '
                           f'here; training.convert makes integers of it as it is')


def _optimize(options: argparse.Namespace) -> None:
    _check(options)
    run: Path = options.run
    contract = read_sidecar(run / KERAS_MODEL)
    samples = samples_of(run / KERAS_MODEL)
    keras.utils.set_random_seed(read_config(run).seed)
    tf.config.experimental.enable_op_determinism()
    if options.method == 'prune':
        result = _prune(run, options.epochs, options.sparsity or SPARSITY)
    else:
        result = _train_quantization_aware(run, options.epochs)
    measured = write_results(
        result, contract, {split: select(samples, split) for split in ('val', 'test')},
        {'command': options.command})
    print(f'\nOn test:\n\n{format_table(measured["test"])}\n\nThe result is {result}')


def main(arguments: Sequence[str] | None = None) -> int:
    """Optimize what the command line names; return the exit status."""
    return run_command(_parser(), _optimize, arguments)


if __name__ == '__main__':
    sys.exit(main())
