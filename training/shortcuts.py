# SPDX-License-Identifier: Apache-2.0
"""
Measure what the shortcuts of preparing an image change: `python -m training.shortcuts --data D`.

Large images are halved before they are averaged, and JPEG files are decoded no larger than is
needed. The reference decodes in full and averages once. Cameras' sizes are made of the images of
`test`, which are smaller, by cubic interpolation.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
import math
from pathlib import Path
import sys

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.compressed import decode
from fire_detector.images.files import ImageFileError, read_image
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.contract import ModelError
from fire_detector.model.locate import DEFAULT_MODEL, find_model
from fire_detector.model.preprocessing import OVERSIZE
import numpy as np
from numpy.typing import NDArray
from training.data.manifest import read_manifest
from training.data.samples import DatasetError, FIRE, labels_of, Sample, select
from training.markdown import markdown_table

SIZES = ((640, 480), (1280, 720))
JPEG_QUALITY = 90


@dataclass(frozen=True)
class Change:
    """
    What a shortcut changes.

    :ivar name: of the images.
    :ivar reference: probabilities without the shortcut.
    :ivar shortcut: probabilities with it.
    """

    name: str
    reference: NDArray[np.float64]
    shortcut: NDArray[np.float64]

    @property
    def difference(self) -> NDArray[np.float64]:
        """Return the differences, not below 0."""
        return np.asarray(np.abs(self.shortcut - self.reference), np.float64)

    def decisions(self, threshold: float) -> int:
        """Count the images that are called something else."""
        return int(((self.shortcut >= threshold) != (self.reference >= threshold)).sum())


def measure(classifier: FireClassifier, samples: Sequence[Sample]) -> list[Change]:
    """
    Ask a classifier about images prepared with shortcuts and without.

    :raises ImageFileError: when an image cannot be read.
    """
    spec = classifier.contract.input_spec
    rows, columns = math.ceil(OVERSIZE * spec.height), math.ceil(OVERSIZE * spec.width)

    def averaged_once(pixels: NDArray[np.uint8]) -> float:
        # At the input's size already, preprocess resizes no more.
        return classifier.probability(ColorImage(np.asarray(cv2.resize(
            pixels, (spec.width, spec.height), interpolation=cv2.INTER_AREA), np.uint8), 'BGR'))

    answers: dict[str, list[tuple[float, float]]] = {}
    for sample in samples:
        for width, height in SIZES:
            pixels = np.asarray(cv2.resize(read_image(sample.path).pixels, (width, height),
                                           interpolation=cv2.INTER_CUBIC), np.uint8)
            answers.setdefault(f'raw {width}x{height}', []).append((
                averaged_once(pixels), classifier.probability(ColorImage(pixels, 'BGR'))))
            file = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
            full = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
            answers.setdefault(f'JPEG {width}x{height}', []).append((
                averaged_once(full), classifier.probability(decode('jpeg', file, rows, columns))))
    return [Change(name, *np.asarray(pairs, np.float64).T) for name, pairs in answers.items()]


def table(changes: Sequence[Change], is_fire: NDArray[np.bool_], threshold: float) -> str:
    """Lay the changes out, with what becomes of recall and false alarms."""
    def shares(which: Callable[[Change], NDArray[np.float64]], change: Change) -> str:
        called = which(change) >= threshold
        return f'{called[is_fire].mean():.3f} / {called[~is_fire].mean():.3f}'

    return markdown_table(
        ['images', 'mean difference', '99 %', 'largest', 'other decisions',
         'recall / false alarms without', 'with'],
        [[change.name, f'{change.difference.mean():.4f}',
          f'{np.quantile(change.difference, 0.99):.3f}', f'{change.difference.max():.3f}',
          f'{change.decisions(threshold)} of {len(is_fire)}',
          shares(lambda each: each.reference, change), shares(lambda each: each.shortcut, change)]
         for change in changes])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m training.shortcuts', description=__doc__.split('\n\n')[0])
    parser.add_argument('--data', type=Path, required=True, help='folder with manifest.csv')
    parser.add_argument('--model', default=DEFAULT_MODEL, help='.tflite (default: %(default)s)')
    options = parser.parse_args(arguments)
    try:
        classifier = FireClassifier(find_model(options.model))
        samples = select(read_manifest(options.data), 'test')
        changes = measure(classifier, samples)
    except (ModelError, DatasetError, ImageFileError, OSError) as error:
        print(f'training.shortcuts: {error}', file=sys.stderr)
        return 1
    print(table(changes, labels_of(samples) == FIRE, classifier.contract.threshold))
    return 0


if __name__ == '__main__':
    sys.exit(main())
