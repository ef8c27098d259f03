# SPDX-License-Identifier: Apache-2.0
"""What is kept of a training while it runs, so that it can be interrupted."""

from collections.abc import Callable, Sequence
import csv
from pathlib import Path
import time
from typing import Any

import keras
from training.run_folder import BEST_EPOCH, CHECKPOINT, HISTORY

# Gives the number of the epoch to keep, of those that a history has.
BestEpoch = Callable[[Sequence[dict[str, float]]], int]


def most_accurate(history: Sequence[dict[str, float]]) -> int:
    """Choose the epoch with the best accuracy on `val`, the first of equals."""
    return max(range(len(history)), key=lambda epoch: history[epoch]['val_accuracy'])


def last(history: Sequence[dict[str, float]]) -> int:
    """Choose the latest epoch, which is the one to keep where the steps become ever smaller."""
    return len(history) - 1


class Recorder(keras.callbacks.Callback):
    """
    Keep the history, the best model and the latest model, and end training in time.

    Keras' own callbacks for these forget, after an interruption, what the best epoch was and how
    long ago. Here all of it follows from the history. The checkpoint is written last and tells
    by its number of steps which epochs it has seen: an epoch that was cut short at any point is
    done again, to the same result.
    """

    def __init__(self, run: Path, steps: int, patience: int,
                 best_epoch: BestEpoch = most_accurate) -> None:
        """
        Record a training, from its beginning or from where the run folder says it was.

        :param run: the run folder.
        :param steps: batches in an epoch.
        :param patience: epochs without a better one after which training ends; 0 for never.
        :param best_epoch: the rule that says which epoch is kept.
        """
        super().__init__()
        self._run, self._patience, self._best_of = run, patience, best_epoch
        self._began = time.monotonic()
        self.checkpoint = _load(run / CHECKPOINT)
        done = 0 if self.checkpoint is None else int(self.checkpoint.optimizer.iterations) // steps
        self.history: list[dict[str, float]] = _read_history(run / HISTORY)[:done]

    @property
    def finished(self) -> bool:
        """Return whether the best epoch is so long ago that training is over."""
        waited = len(self.history) - 1 - self._best_epoch()
        return bool(self._patience) and bool(self.history) and waited >= self._patience

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the time."""
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep what the epoch brought."""
        self.history.append({name: float(value) for name, value in (logs or {}).items()}
                            | {'seconds': time.monotonic() - self._began})
        if self._best_epoch() == epoch:
            _save(self.model, self._run / BEST_EPOCH)
        _write_history(self.history, self._run / HISTORY)
        _save(self.model, self._run / CHECKPOINT)
        self.model.stop_training = self.finished

    def _best_epoch(self) -> int:
        return self._best_of(self.history) if self.history else 0


def _load(checkpoint: Path) -> Any:
    return keras.saving.load_model(checkpoint) if checkpoint.is_file() else None


def _save(model: keras.Model, path: Path) -> None:
    # Written beside and renamed: an interruption leaves the file from before.
    part = path.with_name(f'part-{path.name}')
    model.save(part)
    part.replace(path)


def _read_history(path: Path) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    with path.open(newline='', encoding='utf-8') as file:
        return [{name: float(value) for name, value in row.items()}
                for row in csv.DictReader(file)]


def _write_history(history: list[dict[str, float]], path: Path) -> None:
    part = path.with_name(f'part-{path.name}')
    with part.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, list(history[0]))
        writer.writeheader()
        writer.writerows(history)
    part.replace(path)
