# SPDX-License-Identifier: Apache-2.0
"""Measure a model: `python -m training.evaluate runs/firenet/tflite/firenet.tflite`."""

import argparse
from collections.abc import Sequence
import csv
import dataclasses
from pathlib import Path
import shlex
import sys

from fire_detector.images.files import ImageFileError
from fire_detector.model.contract import ModelError
import numpy as np
from numpy.typing import NDArray
from training.conversion.predict import contract_of, probabilities, size_of
from training.conversion.runtimes import RuntimeRefusedError
from training.data.contact_sheet import Tile, write_contact_sheet
from training.data.loading import some_readable
from training.data.samples import DatasetError, FIRE, LABELS, labels_of, Sample
from training.dataset import check_data_arguments
from training.markdown import ORIGIN
from training.measurement.calibration import calibration_bins
from training.measurement.evaluation import (
    calibration_table,
    Evaluation,
    figures_table,
    images_text,
    intervals_text,
    mistakes_text,
    model_sha256,
    source_table,
    threshold_table,
    write_evaluation,
)
from training.measurement.intervals import figures_by_source
from training.measurement.metrics import operating_points
from training.measurement.mistakes import (
    find_mistakes,
    Mistakes,
    mistakes_table,
    Naming,
    PAGE,
    read_remarks,
    REMARK_COLUMNS,
    REMARKS,
    SHOWN,
)
from training.measurement.plots import (
    Answers,
    BY_SOURCE,
    CONFUSION,
    PRECISION_RECALL,
    RELIABILITY,
    ROC,
    write_plots,
)
from training.run_folder import evaluation_folder, METRICS, PREDICTIONS
from training.selection import (
    add_selection_arguments,
    as_request,
    EPILOG,
    read_selection,
    Request,
)

SUMMARY = 'summary.md'
MISTAKES = 'mistakes.png'


def evaluate(model: Path, samples: Sequence[Sample], request: Request, out: Path,
             naming: Naming) -> Evaluation:
    """
    Measure a model, and write what was found.

    :param model: a .keras, .h5 or .tflite file or a SavedModel folder, with its contract.
    :param samples: the images; those that cannot be read are left out.
    :param request: what asked for it.
    :param out: folder for the results, made where it is missing.
    :param naming: how images are named where mistakes are told.
    :return: what was measured.
    :raises ModelError: when the model cannot be used.
    :raises RuntimeRefusedError: when no TFLite runtime can answer.
    :raises DatasetError: when none of the images can be read, or the boxes cannot.
    """
    threshold = contract_of(model).threshold
    readable, unreadable = some_readable(samples)
    answers = Answers(probabilities(model, readable), labels_of(readable) == FIRE)
    evaluation = Evaluation(
        **dataclasses.asdict(request), model=str(model), model_sha256=model_sha256(model),
        model_bytes=size_of(model), threshold=threshold,
        figures=figures_by_source(answers.probability, readable, threshold),
        operating_points=tuple(operating_points(answers.probability, answers.fire, threshold)),
        calibration=tuple(calibration_bins(answers.probability, answers.fire)),
        unreadable=tuple(unreadable))
    mistakes = find_mistakes(answers.probability, readable, threshold)
    page = mistakes_table(mistakes, answers.probability, readable, naming)
    out.mkdir(parents=True, exist_ok=True)
    _write_predictions(answers.probability, readable, out / PREDICTIONS)
    images = [*write_plots(answers, evaluation, out),
                *_write_mistakes(mistakes, answers, readable, out)]
    (out / PAGE).write_text(f'# {model.name}: the worst mistakes\n\n{page}\n', encoding='utf-8')
    (out / SUMMARY).write_text(_summary(evaluation, images), encoding='utf-8')
    write_evaluation(evaluation, out / METRICS)
    return evaluation


def _write_predictions(probability: NDArray[np.floating], samples: Sequence[Sample],
                       path: Path) -> None:
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(('file', 'label', 'source', 'group', 'probability'))
        for value, sample in zip(probability, samples, strict=True):
            writer.writerow((sample.path, LABELS[sample.label], sample.source, sample.group,
                             f'{value:.6f}'))


def _write_mistakes(mistakes: Mistakes, answers: Answers, samples: Sequence[Sample],
                    out: Path) -> list[str]:
    """Show the most confident mistakes; return the names of the files written."""
    tiles = [Tile(samples[index].path,
                  f'{kind} {answers.probability[index]:.3f} {samples[index].source}')
             for kind, found in (('missed', mistakes.missed), ('alarm', mistakes.alarms))
             for index in found[:SHOWN]]
    (out / MISTAKES).unlink(missing_ok=True)
    if not tiles:
        return []
    write_contact_sheet(tiles, out / MISTAKES,
                        f'The most confident of {len(mistakes.missed)} missed fires and '
                        f'{len(mistakes.alarms)} false alarms')
    return [MISTAKES]


def _summary(evaluation: Evaluation, images: Sequence[str]) -> str:
    """Write the results for people; `images` are the PNG files beside it."""
    def show(name: str, caption: str) -> str:
        return f'![{caption}]({name})' if name in images else ''

    parts = [
        f'# {Path(evaluation.model).name}, measured',
        f'{images_text(evaluation)} {mistakes_text(evaluation)}',
        '## Overall',
        figures_table(evaluation),
        intervals_text(evaluation),
        show(CONFUSION, 'How many images of each label were called what'),
        show(ROC, 'Recall over false alarms'),
        show(PRECISION_RECALL, 'Precision over recall'),
        '## By source',
        source_table(evaluation),
        show(BY_SOURCE, 'Recall and false alarms of each source, with intervals'),
        '## Thresholds',
        threshold_table(evaluation),
        '## Calibration',
        calibration_table(evaluation),
        show(RELIABILITY, 'Share of fire over fire probability'),
        '## Mistakes',
        show(MISTAKES, 'The most confident mistakes') or 'There are none.',
        f'[Their names]({PAGE})' if MISTAKES in images else '',
        f'## {ORIGIN}',
        f'    {evaluation.command}',
        f'`{evaluation.model}`: {evaluation.model_bytes:,} bytes, '
        f'SHA-256 `{evaluation.model_sha256}`',
    ]
    return '\n\n'.join(part for part in parts if part) + '\n'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m training.evaluate', description=__doc__, epilog=EPILOG)
    parser.add_argument('model', metavar='MODEL', type=Path,
                        help='.keras, .h5 or .tflite file, or SavedModel folder')
    add_selection_arguments(parser)
    parser.add_argument('--remarks', metavar='FILE', type=Path,
                        help=f'CSV file with the columns {", ".join(REMARK_COLUMNS)}: what is to '
                             'be seen on images that are called wrong (default: the data '
                             f"folder's {REMARKS}, if it has one)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line asks; return the exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    options = parser.parse_args(words)
    check_data_arguments(parser, options)
    try:
        samples, data = read_selection(options, options.model)
        out = options.out or evaluation_folder(options.model)
        evaluation = evaluate(
            options.model, samples,
            as_request(options, data, shlex.join(['python', '-m', 'training.evaluate', *words])),
            out, Naming(data, read_remarks(data, options.remarks)))
    except (DatasetError, ModelError, OSError, ImageFileError, RuntimeRefusedError) as error:
        print(f'training.evaluate: {error}', file=sys.stderr)
        return 1
    for message in evaluation.unreadable:
        print(f'training.evaluate: left out: {message}', file=sys.stderr)
    print(f'{figures_table(evaluation)}\n\n{source_table(evaluation)}\n\n'
          f'Results are in {out}; begin with {out / SUMMARY}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
