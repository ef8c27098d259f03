# SPDX-License-Identifier: Apache-2.0
"""
Models in the TFLite runtimes that robots have.

They run in this process, beside TensorFlow: see `training/__init__.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
import os
from pathlib import Path
import statistics
import time

from fire_detector.model.classifier import (
    AUTO,
    FireClassifier,
    InferenceError,
    RuntimeUnavailableError,
)
from fire_detector.model.contract import ModelError
import numpy as np
from numpy.typing import NDArray
from training.command import CommandError

# Each with the distribution that it is installed as. A model that one of them refuses is not
# converted.
REQUIRED_RUNTIMES = {'litert': 'ai-edge-litert', 'tflite': 'tflite-runtime'}
ROUNDS = 10
CALLS_PER_ROUND = 50


class RuntimeRefusedError(CommandError):
    """A runtime that is missing, or that refuses a model."""


@dataclass(frozen=True)
class Outputs:
    """
    The outputs of a model for images.

    :ivar probability: float64 of shape (images,), 0..1: how likely fire is.
    :ivar heat_maps: float32 of shape (images, rows, columns), 0..1: how likely it is in each part
        of the image; None of a model that cannot say where.
    """

    probability: NDArray[np.float64]
    heat_maps: NDArray[np.float32] | None


class RuntimeModel:
    """
    A .tflite model in a runtime, run by the node's own classifier.

    :ivar contract: what it expects and means.
    """

    def __init__(self, model: Path, runtime: str = AUTO, threads: int = 1) -> None:
        """
        Load a model.

        :param model: the .tflite file, with its contract.
        :param runtime: the runtime, or 'auto' for the one that the node would take.
        :param threads: threads that one inference may use.
        :raises RuntimeRefusedError: when the runtime is missing, or refuses the model.
        """
        self._runtime = runtime
        try:
            self._classifier = FireClassifier(model, runtime, threads)
        except (ModelError, RuntimeUnavailableError) as error:
            raise RuntimeRefusedError(f'with runtime {runtime}: {error}') from error
        self.contract = self._classifier.contract

    def outputs(self, tensors: NDArray[np.float32]) -> Outputs:
        """
        Return how likely fire is, and where.

        :param tensors: float32 of shape (images, height, width, channels), preprocessed.
        :raises RuntimeRefusedError: when the inference fails.
        """
        try:
            found = [self._classifier.predict(tensor[np.newaxis]) for tensor in tensors]
            maps = [one.heat_map for one in found if one.heat_map is not None]
            return Outputs(np.array([one.probability for one in found]),
                           np.stack(maps) if maps else None)
        except InferenceError as error:
            raise RuntimeRefusedError(f'with runtime {self._runtime}: {error}') from error


def latencies(models: Sequence[Path], runtime: str,
              threads: Sequence[int]) -> list[dict[str, float]]:
    """
    Time models against each other: in each round, each with each number of threads.

    :param models: .tflite files, with their contracts.
    :param runtime: the runtime.
    :param threads: the numbers of threads to try.
    :return: for each model the median milliseconds of one inference, by number of threads.
    :raises RuntimeRefusedError: as :class:`RuntimeModel` does.
    """
    loaded = {(index, count): RuntimeModel(model, runtime, count)
              for index, model in enumerate(models) for count in threads}
    random = np.random.default_rng(0)
    tensors = {key: random.random(model.contract.input_shape, dtype=np.float32)
               for key, model in loaded.items()}
    seconds: dict[tuple[int, int], list[float]] = {key: [] for key in loaded}
    for _ in range(ROUNDS):
        for key, model in loaded.items():
            model.outputs(tensors[key])  # the caches are another model's
            for _ in range(CALLS_PER_ROUND):
                start = time.perf_counter()
                model.outputs(tensors[key])
                seconds[key].append(time.perf_counter() - start)
    return [{str(count): 1e3 * statistics.median(seconds[index, count]) for count in threads}
            for index in range(len(models))]


def thread_counts() -> list[int]:
    """Return the numbers of threads worth timing here: one, and as many as there are cores."""
    return sorted({1, os.cpu_count() or 1})


def version(runtime: str) -> str:
    """Return the installed version of one of REQUIRED_RUNTIMES."""
    return metadata.version(REQUIRED_RUNTIMES[runtime])
