# SPDX-License-Identifier: Apache-2.0
"""
Measure what shortcuts of preprocessing change: `python -m training.studies.shortcuts --data D`.

Large images are halved before they are averaged, and JPEG files are decoded no larger than is
needed. The reference decodes in full and averages once. Cameras' sizes are made of the images of
`test`, which are smaller, by cubic interpolation.
"""

import argparse
from collections.abc import Sequence
import math
import sys

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.compressed import decode
from fire_detector.images.files import read_image
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.locate import DEFAULT_MODEL, find_model
from fire_detector.model.preprocessing import OVERSIZE
import numpy as np
from numpy.typing import NDArray
import pandas as pd
from training.command import run_command
from training.data.options import add_data_options, read_data
from training.data.samples import FIRE, Sample, select
from training.markdown import format_number, markdown_table

SIZES = ((640, 480), (1280, 720))
JPEG_QUALITY = 90


def predict_both(classifier: FireClassifier, samples: Sequence[Sample]) -> pd.DataFrame:
    """
    Predict with the shortcuts and without.

    :return: a row for each image, size and encoding: `images` (encoding and size), `fire`
        (whether it shows one), `reference` and `shortcut` (the probabilities).
    :raises ImageFileError: when an image cannot be read.
    """
    spec = classifier.contract.input_spec
    rows, columns = math.ceil(OVERSIZE * spec.height), math.ceil(OVERSIZE * spec.width)

    def averaged_once(pixels: NDArray[np.uint8]) -> float:
        # At the input's size already, preprocess resizes no more.
        return classifier.probability(ColorImage(np.asarray(cv2.resize(
            pixels, (spec.width, spec.height), interpolation=cv2.INTER_AREA), np.uint8), 'BGR'))

    found = []
    for sample in samples:
        for width, height in SIZES:
            fire, size = sample.label == FIRE, f'{width}x{height}'
            pixels = np.asarray(cv2.resize(read_image(sample.path).pixels, (width, height),
                                           interpolation=cv2.INTER_CUBIC), np.uint8)
            file = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
            full = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
            found += [
                (f'raw {size}', fire, averaged_once(pixels),
                 classifier.probability(ColorImage(pixels, 'BGR'))),
                (f'JPEG {size}', fire, averaged_once(full),
                 classifier.probability(decode('jpeg', file, rows, columns)))]
    return pd.DataFrame(found, columns=['images', 'fire', 'reference', 'shortcut'])


def shortcuts_table(predictions: pd.DataFrame, threshold: float) -> str:
    """Return a Markdown table of the changes of probabilities, decisions, recall and alarms."""
    called = predictions[['reference', 'shortcut']] >= threshold
    rows = []
    for name, part in predictions.groupby('images', sort=False):
        difference = (part['shortcut'] - part['reference']).abs()
        shares = called.loc[part.index].groupby(part['fire']).mean()
        rows.append([
            name, *(format_number(value, 4) for value in (
                difference.mean(), difference.quantile(0.99), difference.max())),
            f'{(called["reference"] != called["shortcut"])[part.index].sum()} of {len(part)}',
            *(f'{shares.loc[True, way]:.3f} / {shares.loc[False, way]:.3f}'
              for way in ('reference', 'shortcut'))])
    return markdown_table(['images', 'mean difference', '99 %', 'largest', 'other decisions',
                           'recall / false alarms without', 'with'], rows)


def _compare(options: argparse.Namespace) -> None:
    classifier = FireClassifier(find_model(options.model))
    predictions = predict_both(classifier, select(read_data(options).samples, 'test'))
    print(shortcuts_table(predictions, classifier.contract.threshold))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.studies.shortcuts',
                                     description=__doc__.split('\n\n')[0])
    add_data_options(parser)
    parser.add_argument('--model', default=DEFAULT_MODEL, help='.tflite (default: %(default)s)')
    return run_command(parser, _compare, arguments)


if __name__ == '__main__':
    sys.exit(main())
