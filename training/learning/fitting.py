# SPDX-License-Identifier: Apache-2.0
"""The training of a network, which resumes after an interruption, to the same result."""

from collections.abc import Sequence
from pathlib import Path
import sys
import time
from typing import Any

from fire_detector.model.contract import ModelError
from fire_detector.model.locate import models_folder
from fire_detector.model.preprocessing import InputSpec
import keras
from matplotlib.figure import Figure
import numpy as np
from numpy.typing import NDArray
import pandas as pd
from training.data.boxes import read_boxes
from training.data.loading import load_tensors
from training.data.samples import FIRE, labels_of, Sample
from training.learning.batches import Batches, compile_model, outputs_of, targets
from training.learning.views import Fires
from training.networks.firemap import PROBABILITY
from training.run_folder import BACKUP, BEST_EPOCH, CURVES, HISTORY, TrainingConfig


def fit(model: Any, training: Sequence[Sample], validation: Sequence[Sample], spec: InputSpec,
        config: TrainingConfig, run: Path) -> dict[str, float]:
    """
    Train a network, and keep the epoch most accurate on `val`, or with a cosine the last.

    :param model: the network, changed in place; the epoch to keep is in the run folder.
    :param training: images to train on.
    :param validation: images to measure each epoch on.
    :param spec: what the network's input holds.
    :param config: how to train.
    :param run: the run folder, with what an interrupted training has left.
    :return: `seconds`, validation included, and `images_per_second`.
    """
    outputs, grid = outputs_of(model)
    fires = Fires(read_boxes(*map(Path, config.data)) if grid else {}, grid)
    batches = Batches(training, outputs, spec, config, fires)
    steps = batches.num_batches
    compile_model(model, keras.optimizers.Adam(
        learning_rate(config, steps), use_ema=bool(config.average),
        ema_momentum=config.average))
    keeps_last = config.schedule == 'cosine'
    expected: Any = targets(labels_of(validation) == FIRE, outputs)
    if grid:
        expected = (expected, np.stack([fires.cells(sample) for sample in validation]))
    best = None if read_history(run).empty else read_history(run)['val_accuracy'].max()
    model.fit(
        # Keras would shuffle the batches that are shuffled already.
        batches, shuffle=False, epochs=config.epochs,
        validation_data=(load_tensors(validation, spec), expected),
        callbacks=[
            Epochs(config.seed, batches,
                   HardNegatives(training, spec, config.hard_negatives)
                   if config.hard_negatives else None),
            *([Average()] if config.average else []),
            keras.callbacks.ModelCheckpoint(
                run / BEST_EPOCH, monitor='val_accuracy', mode='max',
                save_best_only=not keeps_last, initial_value_threshold=best),
            keras.callbacks.CSVLogger(run / HISTORY, append=True),
            # Last, so that an epoch that was cut short at any point is done again.
            Backup(run / BACKUP, double_checkpoint=True, delete_checkpoint=False)],
        verbose=1 if sys.stdout.isatty() else 2)
    history = read_history(run)
    _draw_curves(history, len(history) if keeps_last else 1 + history['val_accuracy'].argmax(),
                 run / CURVES)
    seconds = float(history['seconds'].sum())
    return {'seconds': round(seconds, 1),
            'images_per_second': round(len(history) * batches.images / seconds, 1)}


def start_from(model: Any, name: str) -> None:
    """
    Set the weights of a network to those of another that was trained.

    :param model: the network.
    :param name: a .keras file of the same network, or the name of a model of the package.
    :raises ModelError: when there is none, or it is another network.
    """
    path = Path(name)
    if path.suffix != '.keras':
        path = models_folder() / f'{name}.keras'
    try:
        model.set_weights(keras.saving.load_model(path, compile=False).get_weights())
    except (OSError, ValueError) as error:
        raise ModelError(f'{path}: no weights to start {model.name} from: {error}') from error


def learning_rate(config: TrainingConfig, steps: int) -> Any:
    """
    Return the learning rate that a Keras optimizer takes.

    A cosine rises for an epoch and then falls to nothing: I. Loshchilov, F. Hutter, "SGDR", 2017,
    https://arxiv.org/abs/1608.03983, without restarts.

    :param config: the schedule, the largest step size and the number of epochs.
    :param steps: batches in an epoch.
    """
    if config.schedule == 'constant':
        return config.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 10, decay_steps=max(1, (config.epochs - 1) * steps),
        warmup_target=config.learning_rate, warmup_steps=steps)


class HardNegatives:
    """The images without fire, and how likely a network takes each for a fire."""

    def __init__(self, samples: Sequence[Sample], spec: InputSpec, most: float) -> None:
        """
        Read the images.

        :param samples: the training samples.
        :param spec: what the network's input holds.
        :param most: how much more often an image is drawn that is surely taken for a fire.
        """
        fire = labels_of(samples) == FIRE
        self._factors, self._places, self._most = np.ones(len(samples)), (~fire).nonzero()[0], most
        self._tensors = load_tensors([samples[place] for place in self._places], spec)

    def factors(self, model: Any) -> NDArray[np.float64]:
        """Return for each sample how much more often it is to be drawn, 1 for fires."""
        outputs = model.predict(self._tensors, batch_size=256, verbose=0)
        probability = (outputs[0] if isinstance(outputs, list) else outputs)[:, FIRE]
        factors = self._factors.copy()
        factors[self._places] += (self._most - 1) * probability
        return factors


class Epochs(keras.callbacks.Callback):
    """
    The random choices of each epoch, which follow from the seed and the epoch, and its time.

    Keras does not save the state of its seed generators with a model: without this, a training
    that goes on would draw other images and dropouts than one that was never interrupted.
    """

    def __init__(self, seed: int, batches: Batches, negatives: HardNegatives | None) -> None:
        """Store the seed of the training, the batches that need the epoch, and what is mined."""
        super().__init__()
        self._seed, self._batches, self._negatives = seed, batches, negatives
        self._began = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Seed the batches, and every layer that draws at random."""
        self._began = time.monotonic()
        # By the weights that the epoch begins with, which an interrupted training restores.
        if self._negatives is not None and epoch:
            self._batches.factors = self._negatives.factors(self.model)
        self._batches.epoch = epoch
        for number, layer in enumerate(self.model.layers):
            if hasattr(layer, 'seed_generator'):
                layer.seed_generator.state.assign(np.random.SeedSequence(
                    (self._seed, epoch, number)).generate_state(2))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add the time, and the accuracy under one name, to what the next callbacks log."""
        if logs is not None:
            # Of a network with a heat map, Keras names it after the output.
            for name in [name for name in logs if name.endswith(f'{PROBABILITY}_accuracy')]:
                logs[name.replace(f'{PROBABILITY}_', '')] = logs[name]
            logs['seconds'] = time.monotonic() - self._began


class Average(keras.callbacks.SwapEMAWeights):
    """
    The moving average of the weights, in their place from the end of an epoch to the next.

    What is kept is the average, and so is what a backup has, with the weights among the
    optimizer's: a training that goes on has to put them back, of which Keras knows nothing.
    """

    def __init__(self) -> None:
        """Exchange the two at every epoch."""
        super().__init__(swap_on_epoch=True)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Put the weights back."""
        self._ema_weights_in_model = epoch > 0
        super().on_epoch_begin(epoch, logs)


class Backup(keras.callbacks.BackupAndRestore):
    """
    A backup that may be interrupted itself.

    Keras writes the number of the epoch after the weights; here the optimizer's steps, which are
    among the weights, count.
    """

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the weights, and go on after the last epoch that they have seen."""
        super().on_train_begin(logs)
        self.model._initial_epoch = int(self.model.optimizer.iterations) // self.params['steps']


def read_history(run: Path) -> pd.DataFrame:
    """
    Read what was measured in each epoch.

    :param run: the run folder.
    :return: columns `epoch` (from 0), `accuracy`, `loss`, `seconds`, `val_accuracy` and
        `val_loss`, a row for each epoch; empty before the first has ended.
    """
    path = run / HISTORY
    if not path.is_file() or not path.stat().st_size:
        return pd.DataFrame()
    # An epoch that was logged, but not backed up any more, was done again.
    return pd.read_csv(path).drop_duplicates('epoch', keep='last', ignore_index=True)


def _draw_curves(history: pd.DataFrame, kept: int, path: Path) -> None:
    """Draw loss and accuracy over the epochs, numbered from 1."""
    figure = Figure(figsize=(9, 3.4), layout='constrained')
    epochs = history['epoch'] + 1
    for axes, name in zip(figure.subplots(1, 2), ('loss', 'accuracy'), strict=True):
        axes.plot(epochs, history[name], label='train')
        axes.plot(epochs, history[f'val_{name}'], label='val')
        axes.axvline(kept, color='gray', linestyle=':', label=f'kept: epoch {kept}')
        axes.set(xlabel='epoch', ylabel=name)
        axes.grid(alpha=0.3)
    axes.legend(loc='lower right')
    figure.savefig(path, dpi=110)
