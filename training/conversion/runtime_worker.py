# SPDX-License-Identifier: Apache-2.0
"""
Ask a TFLite runtime about images, or time it: the process behind `training.conversion.runtimes`.

It reads one JSON object from standard input and writes one to standard output. TensorFlow and
tflite-runtime 2.14 share symbols: loaded after TensorFlow in one process, tflite-runtime refuses
every model with 'vector::reserve'. Hence a process of its own, which imports neither.
"""

import json
from pathlib import Path
import statistics
import sys
import time
from typing import Any

from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import ImageFileError, read_image
from fire_detector.model.classifier import FireClassifier, InferenceError, RuntimeUnavailableError
from fire_detector.model.contract import ModelError
from fire_detector.model.tiling import Grid, tile, TiledClassifier
import numpy as np
from training.measurement.corruptions import corrupt


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """
    Classify images as the node does.

    :param request: `model`, `runtime` and `images`, a list of files.
    :return: `runtime`, the one that answered, and `probabilities`.
    """
    classifier = FireClassifier(Path(request['model']), request['runtime'])
    return {
        'runtime': classifier.runtime,
        'probabilities': [classifier.probability(read_image(Path(image)))
                          for image in request['images']]}


def time_models(request: dict[str, Any]) -> dict[str, Any]:
    """
    Time models against each other: in each round, each with each number of threads.

    :param request: `models`, `runtime`, `threads`, `rounds`, and `calls` in each round.
    :return: `latency_ms`: medians of single inferences, by model and number of threads.
    """
    classifiers = {(model, threads): FireClassifier(Path(model), request['runtime'], threads)
                   for model in request['models'] for threads in request['threads']}
    random = np.random.default_rng(0)
    tensors = {key: random.random(classifier.contract.input_shape, dtype=np.float32)
               for key, classifier in classifiers.items()}
    times: dict[tuple[str, int], list[float]] = {key: [] for key in classifiers}
    for _ in range(request['rounds']):
        for key, classifier in classifiers.items():
            classifier.answer(tensors[key])  # the caches are another model's
            for _ in range(request['calls']):
                start = time.perf_counter()
                classifier.answer(tensors[key])
                times[key].append(time.perf_counter() - start)
    return {'latency_ms': {
        model: {str(threads): 1e3 * statistics.median(times[model, threads])
                for threads in request['threads']}
        for model in request['models']}}


def answer_tiles(request: dict[str, Any]) -> dict[str, Any]:
    """
    Classify images, and their tiles one by one.

    :param request: `model`, `runtime`, `grids`, a list of the fields of `Grid`, and `images`, a
        list of files.
    :return: `runtime`, the one that answered, `whole`, the probabilities of the images, and
        `tiles`, for each grid a list of those of each image's tiles.
    """
    classifier = FireClassifier(Path(request['model']), request['runtime'])
    grids = [Grid(**fields) for fields in request['grids']]
    whole: list[float] = []
    tiles: list[list[list[float]]] = [[] for _ in grids]
    for path in request['images']:
        image = read_image(Path(path))
        whole.append(classifier.probability(image))
        for grid, found in zip(grids, tiles, strict=True):
            found.append([classifier.probability(tile(image, number, grid))
                          for number in range(grid.size)])
    return {'runtime': classifier.runtime, 'whole': whole, 'tiles': tiles}


def time_tiles(request: dict[str, Any]) -> dict[str, Any]:
    """
    Time the ways of looking at tiles against each other, one image of each in turn.

    :param request: `model`, `runtime`, `modes`, `height` and `width` of the image, and `calls`
        of each mode.
    :return: `latency_ms`: medians of preprocessing and inference of one image, by mode.
    """
    classifier = FireClassifier(Path(request['model']), request['runtime'])
    tiled = {mode: TiledClassifier(classifier, mode) for mode in request['modes']}
    size = (request['height'], request['width'], 3)
    image = ColorImage(np.random.default_rng(0).integers(0, 256, size, np.uint8), 'BGR')
    times: dict[str, list[float]] = {mode: [] for mode in tiled}
    classifier.probability(image)  # the first inference allocates what the later ones reuse
    for _ in range(request['calls']):
        for mode, one in tiled.items():
            start = time.perf_counter()
            one.probability(image)
            times[mode].append(time.perf_counter() - start)
    return {'latency_ms': {mode: 1e3 * statistics.median(found)
                           for mode, found in times.items()}}


def answer_corrupted(request: dict[str, Any]) -> dict[str, Any]:
    """
    Classify images to which something has happened; each image is decoded once.

    :param request: `model`, `runtime`, `corruptions`, a list of names, and `images`, a list of
        files.
    :return: `runtime`, the one that answered, and `probabilities`, a list for each corruption.
    """
    classifier = FireClassifier(Path(request['model']), request['runtime'])
    found: dict[str, list[float]] = {name: [] for name in request['corruptions']}
    for index, path in enumerate(request['images']):
        pixels = read_image(Path(path)).in_order('RGB')
        for name, probabilities in found.items():
            probabilities.append(classifier.probability(
                ColorImage(corrupt(name, pixels, index), 'RGB')))
    return {'runtime': classifier.runtime, 'probabilities': found}


TASKS = {'answer': answer, 'time': time_models, 'answer_tiles': answer_tiles,
         'time_tiles': time_tiles, 'answer_corrupted': answer_corrupted}


def main() -> int:
    """Do the task that the command line names; return the exit status."""
    try:
        print(json.dumps(TASKS[sys.argv[1]](json.load(sys.stdin))))
    except (InferenceError, ModelError, ImageFileError, RuntimeUnavailableError) as error:
        # Not to stderr, where the runtimes have a say too.
        print(json.dumps({'error': str(error)}))
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
