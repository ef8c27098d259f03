# SPDX-License-Identifier: Apache-2.0
"""What the model alone takes, in each runtime and with more threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
import time

from fire_detector.model.classifier import FireClassifier, RuntimeUnavailableError
import numpy as np

RUNTIMES = ('litert', 'tflite')
ROUNDS, CALLS, WARM_UP = 7, 20, 5


@dataclass(frozen=True)
class Inference:
    """
    What one inference takes.

    :ivar model: file name.
    :ivar runtime: name, as the node's parameter has it.
    :ivar threads: that it may use.
    :ivar wall: milliseconds that pass, the median of the rounds.
    :ivar cpu: milliseconds of processor time, likewise.
    """

    model: str
    runtime: str
    threads: int
    wall: float
    cpu: float


def measure_inference(models: Sequence[Path], threads: Sequence[int],
                      rounds: int = ROUNDS) -> list[Inference]:
    """
    Time the models in turn, in every runtime that can be imported.

    :param models: .tflite files.
    :param threads: numbers of threads.
    :param rounds: how often each has its turn.
    """
    classifiers = {}
    for runtime in RUNTIMES:
        for number in threads:
            for model in models:
                try:
                    classifiers[model, runtime, number] = FireClassifier(model, runtime, number)
                except RuntimeUnavailableError:
                    continue
    times: dict[tuple[Path, str, int], list[tuple[float, float]]] = {
        key: [] for key in classifiers}
    for _ in range(rounds):
        for key, classifier in classifiers.items():
            times[key].append(_time(classifier))
    return [Inference(model.name, runtime, number, *(
        median(each) for each in zip(*times[model, runtime, number], strict=True)))
        for model, runtime, number in times]


def _time(classifier: FireClassifier) -> tuple[float, float]:
    tensor = np.zeros(classifier.contract.input_shape, np.float32)
    for _ in range(WARM_UP):
        classifier.answer(tensor)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        classifier.answer(tensor)
    return (1000 * (time.perf_counter() - wall) / CALLS,
            1000 * (time.process_time() - cpu) / CALLS)
