# SPDX-License-Identifier: Apache-2.0
"""
Measure what a model loses in darkness, blur, dirt and the like.

`python -m training.robustness runs/firenet/tflite/firenet.tflite`
"""

import argparse
from collections.abc import Mapping, Sequence
import dataclasses
from pathlib import Path
import shlex
import sys

from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import ImageFileError, read_image
from fire_detector.model.contract import ModelError
import numpy as np
from numpy.typing import NDArray
from training.conversion.predict import contract_of, corrupted_probabilities
from training.conversion.runtimes import RuntimeRefusedError
from training.data.contact_sheet import Tile, write_contact_sheet
from training.data.loading import some_readable
from training.data.samples import DatasetError, FIRE, Sample
from training.dataset import check_data_arguments
from training.markdown import ORIGIN
from training.measurement.corruptions import corrupt, CORRUPTIONS, UNCHANGED
from training.measurement.evaluation import model_sha256
from training.measurement.robustness import measure_rows, Robustness, summary
from training.run_folder import evaluation_folder, write_json
from training.selection import add_selection_arguments, as_request, EPILOG, read_selection

SUMMARY = 'robustness.md'
FIGURES = 'robustness.json'
SHEET = 'robustness.png'


def _measure_as_asked(options: argparse.Namespace, command: str) -> None:
    """Measure a model, write and print what was found."""
    model: Path = options.model
    chosen, data = read_selection(options, model)
    threshold = contract_of(model).threshold
    readable, unreadable = some_readable(chosen)
    answers = corrupted_probabilities(model, readable, list(CORRUPTIONS))
    found = Robustness(
        **dataclasses.asdict(as_request(options, data, command)), model=str(model),
        model_sha256=model_sha256(model), threshold=threshold,
        rows=measure_rows(answers, readable, threshold), unreadable=tuple(unreadable))
    out = options.out or evaluation_folder(model)
    out.mkdir(parents=True, exist_ok=True)
    text = summary(found)
    (out / SUMMARY).write_text(
        f'# {model.name}: what it cannot take\n\n{text}\n\n'
        f'![One image in every row of the table]({SHEET})\n\n'
        f'## {ORIGIN}\n\n    {command}\n\n'
        f'`{model}`: SHA-256 `{found.model_sha256}`\n', encoding='utf-8')
    write_json(out / FIGURES, dataclasses.asdict(found))
    _write_sheet(readable, answers, out / SHEET)
    for message in unreadable:
        print(f'training.robustness: left out: {message}', file=sys.stderr)
    print(f'{text}\n\nResults are in {out}; look at {out / SHEET}')


def _write_sheet(samples: Sequence[Sample], answers: Mapping[str, NDArray[np.floating]],
                 path: Path) -> None:
    """Show the fire that is surest as it is, or else the first image, in every row."""
    index = max(range(len(samples)), key=lambda number: (
        samples[number].label == FIRE, answers[UNCHANGED][number]))
    pixels = read_image(samples[index].path).in_order('RGB')
    write_contact_sheet(
        [Tile(ColorImage(corrupt(name, pixels, index), 'RGB'),
              f'{answers[name][index]:.2f} {CORRUPTIONS[name].title}') for name in CORRUPTIONS],
        path, 'One image and its fire probability, as it is and after what may happen')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m training.robustness', description=__doc__, epilog=EPILOG)
    parser.add_argument('model', metavar='MODEL', type=Path,
                        help='.keras, .h5 or .tflite file, or SavedModel folder')
    add_selection_arguments(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line asks; return the exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    options = parser.parse_args(words)
    check_data_arguments(parser, options)
    try:
        _measure_as_asked(options, shlex.join(['python', '-m', 'training.robustness', *words]))
    except (DatasetError, ModelError, OSError, ImageFileError, RuntimeRefusedError) as error:
        print(f'training.robustness: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
