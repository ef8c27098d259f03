# SPDX-License-Identifier: Apache-2.0
"""The TFLite runtimes that robots have, asked from a workstation."""

from collections.abc import Sequence
import dataclasses
from importlib import metadata
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

from fire_detector.model.classifier import AUTO
from fire_detector.model.tiling import Grid, TILE_MODES
import numpy as np
from numpy.typing import NDArray
from training.data.samples import Sample

ROOT = Path(__file__).resolve().parents[2]
# Each with the distribution that it is installed as. A model that one of them refuses is not
# converted.
REQUIRED_RUNTIMES = {'litert': 'ai-edge-litert', 'tflite': 'tflite-runtime'}
ROUNDS = 10
CALLS_PER_ROUND = 50
TILE_CALLS = 200
# Height and width of a robot's image, for times that depend on it.
CAMERA_SIZE = (480, 640)


class RuntimeRefusedError(RuntimeError):
    """Report that a runtime could not be asked, or refused a model."""


def probabilities(model: Path, samples: Sequence[Sample],
                  runtime: str = AUTO) -> NDArray[np.float64]:
    """
    Classify images by a .tflite as the node does, in a process of its own.

    :param model: the .tflite file, with its contract.
    :param samples: the images.
    :param runtime: the runtime, or 'auto' for the one that the node would take.
    :return: fire probabilities 0..1 of shape (len(samples),).
    :raises RuntimeRefusedError: when the runtime is missing, refuses the model or ends on it, or
        when an image cannot be read.
    """
    found = _ask('answer', runtime, model=str(model.resolve()),
                 images=[str(sample.path.resolve()) for sample in samples])
    return np.array(found['probabilities'])


def latencies(models: Sequence[Path], runtime: str,
              threads: Sequence[int]) -> list[dict[str, float]]:
    """
    Time models against each other, interleaved in one process.

    :param models: .tflite files, with their contracts.
    :param runtime: the runtime.
    :param threads: the numbers of threads to try.
    :return: for each model the median milliseconds of one inference, by number of threads.
    :raises RuntimeRefusedError: as :func:`probabilities` does.
    """
    paths = [str(model.resolve()) for model in models]
    found = _ask('time', runtime, models=paths, threads=list(threads),
                 rounds=ROUNDS, calls=CALLS_PER_ROUND)
    return [found['latency_ms'][path] for path in paths]


def tile_probabilities(
        model: Path, samples: Sequence[Sample], grids: Sequence[Grid],
        runtime: str = AUTO) -> tuple[str, NDArray[np.float64], list[NDArray[np.float64]]]:
    """
    Classify images and their tiles, in a process of its own.

    :param model: the .tflite file, with its contract.
    :param samples: the images.
    :param grids: how they are cut.
    :param runtime: the runtime, or 'auto' for the one that the node would take.
    :return: the runtime that answered; the fire probabilities 0..1 of the images, of shape
        (len(samples),); and for each grid those of their tiles, of shape (len(samples),
        grid.size).
    :raises RuntimeRefusedError: as :func:`probabilities` does.
    """
    found = _ask('answer_tiles', runtime, model=str(model.resolve()),
                 grids=[dataclasses.asdict(grid) for grid in grids],
                 images=[str(sample.path.resolve()) for sample in samples])
    return found['runtime'], np.array(found['whole']), [np.array(one) for one in found['tiles']]


def tile_latencies(model: Path, runtime: str = AUTO) -> dict[str, float]:
    """
    Time the ways of looking at tiles against each other, interleaved in one process.

    :param model: the .tflite file, with its contract.
    :param runtime: the runtime, or 'auto' for the one that the node would take.
    :return: the median milliseconds of preprocessing and inference of one image of CAMERA_SIZE,
        in one thread, for each of TILE_MODES.
    :raises RuntimeRefusedError: as :func:`probabilities` does.
    """
    found = _ask('time_tiles', runtime, model=str(model.resolve()), modes=list(TILE_MODES),
                 height=CAMERA_SIZE[0], width=CAMERA_SIZE[1], calls=TILE_CALLS)
    latency: dict[str, float] = found['latency_ms']
    return latency


def corrupted_probabilities(model: Path, samples: Sequence[Sample], names: Sequence[str],
                            runtime: str = AUTO) -> dict[str, NDArray[np.float64]]:
    """
    Classify images to which something has happened, in a process of its own.

    :param model: the .tflite file, with its contract.
    :param samples: the images.
    :param names: what happens to them; keys of `corruptions.CORRUPTIONS`.
    :param runtime: the runtime, or 'auto' for the one that the node would take.
    :return: for each name, fire probabilities 0..1 of shape (len(samples),).
    :raises RuntimeRefusedError: as :func:`probabilities` does.
    """
    found = _ask('answer_corrupted', runtime, model=str(model.resolve()), corruptions=list(names),
                 images=[str(sample.path.resolve()) for sample in samples])
    return {name: np.array(values) for name, values in found['probabilities'].items()}


def thread_counts() -> list[int]:
    """List the numbers of threads worth timing here: one, and as many as there are cores."""
    return sorted({1, os.cpu_count() or 1})


def version(runtime: str) -> str:
    """Return the installed version of one of REQUIRED_RUNTIMES."""
    return metadata.version(REQUIRED_RUNTIMES[runtime])


def _ask(task: str, runtime: str, **request: Any) -> dict[str, Any]:
    worker = subprocess.run(
        [sys.executable, '-m', 'training.conversion.runtime_worker', task], cwd=ROOT,
        input=json.dumps(request | {'runtime': runtime}), capture_output=True, text=True,
        check=False)
    if worker.returncode < 0:
        raise RuntimeRefusedError(
            f'runtime {runtime} ended with {signal.Signals(-worker.returncode).name}')
    try:
        found: dict[str, Any] = json.loads(worker.stdout)
    except ValueError as error:
        raise RuntimeRefusedError(f'with runtime {runtime}: {worker.stderr.strip()}') from error
    if 'error' in found:
        raise RuntimeRefusedError(f'with runtime {runtime}: {found["error"]}')
    return found
