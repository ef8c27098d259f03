# SPDX-License-Identifier: Apache-2.0
"""
Measure what a model loses in dim light, blur, dirt and the like.

`python -m training.studies.robustness runs/mine/tflite/mine.tflite`
"""

import argparse
from collections.abc import Mapping, Sequence
import dataclasses
from dataclasses import dataclass
from pathlib import Path
import sys
import tempfile

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import read_image
import numpy as np
from numpy.typing import NDArray
import pandas as pd
from training.command import run_command
from training.conversion.predict import contract_of, probabilities
from training.data.contact_sheet import Tile, write_contact_sheet
from training.data.loading import some_readable
from training.data.options import add_selection_options, describe_selection, read_selection
from training.data.samples import Sample
from training.evaluate import add_out_option
from training.markdown import render
from training.measurement.evaluation import record_of
from training.measurement.intervals import (
    effective_size,
    Estimate,
    Figures,
    figures,
    resamples,
    TAIL,
    wilson,
)
from training.measurement.predictions import predictions_of
from training.run_folder import evaluation_folder, write_json
from training.studies.corruptions import corrupt, CORRUPTIONS, UNCHANGED

STEM = 'robustness'
# Points of balanced accuracy; more than this is named in the summary.
TOLERATED_LOSS = 0.1


@dataclass(frozen=True)
class Row:
    """
    The figures of images that were changed in one way.

    :ivar title: the change, and how much of it.
    :ivar lost: what :func:`measure_loss` returns; None for the unchanged images.
    """

    title: str
    figures: Figures
    lost: Estimate | None


@dataclass(frozen=True)
class Robustness:
    """
    The figures of a model on changed images.

    :ivar threshold: probability at or above which an image is called fire.
    :ivar rows: the figures, by the names in CORRUPTIONS, UNCHANGED first.
    :ivar fragile: the names that cost more than TOLERATED_LOSS, the worst first.
    :ivar unreadable: a message for each image that was left out.
    """

    threshold: float
    rows: dict[str, Row]
    fragile: list[str]
    unreadable: list[str]


def predict_corrupted(model: Path, samples: Sequence[Sample],
                      name: str) -> NDArray[np.float64]:
    """
    Predict for files of changed images.

    :param name: a key of CORRUPTIONS.
    :return: float64 of shape (len(samples),), 0..1.
    """
    with tempfile.TemporaryDirectory() as folder:
        changed = []
        for index, sample in enumerate(samples):
            pixels = corrupt(name, read_image(sample.path).in_order('RGB'), index)
            path = Path(folder) / f'{index}.png'
            cv2.imwrite(str(path), np.ascontiguousarray(pixels[:, :, ::-1]),
                        [cv2.IMWRITE_PNG_COMPRESSION, 1])
            changed.append(dataclasses.replace(sample, path=path))
        return probabilities(model, changed)


def measure_rows(predicted: Mapping[str, NDArray[np.floating]], samples: Sequence[Sample],
                 threshold: float) -> dict[str, Row]:
    """
    Compute the figures of predictions for images as they are, and after changes.

    :param predicted: by the names in CORRUPTIONS, UNCHANGED first, fire probabilities of shape
        (len(samples),).
    """
    tables = {name: predictions_of(samples, found) for name, found in predicted.items()}
    return {name: Row(
        ': '.join(filter(None, (CORRUPTIONS[name].title, CORRUPTIONS[name].detail))),
        figures(table, threshold),
        None if name == UNCHANGED else measure_loss(tables[UNCHANGED], table, threshold))
        for name, table in tables.items()}


def measure_loss(before: pd.DataFrame, after: pd.DataFrame, threshold: float) -> Estimate | None:
    """
    Compute the balanced accuracy that is lost on the same images.

    The interval is that of the difference, by the bootstrap over groups: it is narrower than
    those of the two figures suggest, since most images are called alike both times.

    :param after: predictions for the same images, after a change.
    :return: the loss; None with images of one label.
    """
    fire, groups = before['fire'].to_numpy(), before['group'].to_numpy()
    if fire.all() or not fire.any():
        return None
    was_right, is_right = (((table['probability'] >= threshold) == table['fire']).to_numpy(float)
                           for table in (before, after))
    change = was_right - is_right
    value = _balanced(change, fire)
    found = [_balanced(change[drawn], fire[drawn]) for drawn in resamples(groups)
             if 0 < fire[drawn].sum() < len(drawn)]
    low, high = np.quantile(found or [value], (TAIL, 1 - TAIL)).tolist()
    if low == high:
        # All agree, which does not prove that others would: as a share of 0 has an interval.
        reach = sum(wilson(0.0, effective_size(groups[mask])).high for mask in (fire, ~fire)) / 2
        low, high = max(-1.0, value - reach), min(1.0, value + reach)
    return Estimate(value, low, high)


def _balanced(change: NDArray[np.float64], fire: NDArray[np.bool_]) -> float:
    return float(change[fire].mean() + change[~fire].mean()) / 2


def fragile(rows: Mapping[str, Row]) -> list[str]:
    """Return the names of changes that cost more than TOLERATED_LOSS, the worst first."""
    lost = {name: row.lost.value for name, row in rows.items() if row.lost is not None}
    return sorted((name for name, value in lost.items() if value > TOLERATED_LOSS),
                  key=lambda name: -lost[name])


def _write_sheet(samples: Sequence[Sample], predicted: Mapping[str, NDArray[np.floating]],
                 path: Path) -> None:
    """Write a sheet of the image with the highest probability, as it is and after each change."""
    index = int(predicted[UNCHANGED].argmax())
    pixels = read_image(samples[index].path).in_order('RGB')
    write_contact_sheet(
        [Tile(ColorImage(corrupt(name, pixels, index), 'RGB'),
              f'{predicted[name][index]:.2f} {CORRUPTIONS[name].title}') for name in CORRUPTIONS],
        path, 'One image and its fire probability, as it is and after each change')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m training.studies.robustness', description=__doc__)
    parser.add_argument('model', metavar='MODEL', type=Path,
                        help='.keras, .h5 or .tflite file, or SavedModel folder')
    add_selection_options(parser)
    add_out_option(parser)
    return parser


def _study(options: argparse.Namespace) -> None:
    dataset = read_selection(options, options.model)
    threshold = contract_of(options.model).threshold
    samples, unreadable = some_readable(dataset.samples)
    predicted = {name: predict_corrupted(options.model, samples, name) for name in CORRUPTIONS}
    rows = measure_rows(predicted, samples, threshold)
    record = record_of(
        options.model, describe_selection(options, dataset),
        Robustness(threshold, rows, fragile(rows), unreadable))
    out = options.out or evaluation_folder(options.model)
    out.mkdir(parents=True, exist_ok=True)
    page = render(f'{STEM}.md.j2', robustness=record, tolerated=TOLERATED_LOSS)
    (out / f'{STEM}.md').write_text(page, encoding='utf-8')
    write_json(out / f'{STEM}.json', record)
    _write_sheet(samples, predicted, out / f'{STEM}.png')
    for message in unreadable:
        print(f'training.studies.robustness: left out: {message}', file=sys.stderr)
    print(f'{page}\nResults are in {out}')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; return the exit status."""
    return run_command(_parser(), _study, arguments)


if __name__ == '__main__':
    sys.exit(main())
