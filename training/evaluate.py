# SPDX-License-Identifier: Apache-2.0
"""Measure a model: `python -m training.evaluate runs/mine/tflite/mine.tflite`."""

import argparse
from collections.abc import Mapping, Sequence
import dataclasses
from pathlib import Path
import sys

from fire_detector.images.files import read_image
import numpy as np
from numpy.typing import NDArray
from training.command import run_command
from training.conversion.predict import contract_of, outputs, size_of
from training.data.boxes import read_boxes
from training.data.contact_sheet import Tile, write_contact_sheet
from training.data.loading import some_readable
from training.data.options import (
    add_selection_options,
    describe_selection,
    read_selection,
    Selection,
)
from training.data.samples import Dataset
from training.markdown import render
from training.measurement.evaluation import evaluate_predictions, Evaluation, NAMED, record_of
from training.measurement.localization import draw_heat_map, measure_localization
from training.measurement.mistakes import find_mistakes, read_remarks, REMARK_COLUMNS, REMARKS
from training.measurement.plots import write_plots
from training.measurement.predictions import labeled, predictions_of, write_predictions
from training.run_folder import (
    EVALUATION,
    evaluation_folder,
    METRICS,
    PREDICTIONS,
    write_json,
)

SUMMARY = 'summary.md'
MISTAKES_PAGE = 'mistakes.md'
MISTAKES_SHEET = 'mistakes.png'


def evaluate(model: Path, dataset: Dataset, selection: Selection, remarks: Mapping[str, str],
             out: Path) -> Evaluation:
    """
    Measure a model, and write the results.

    :param model: a .keras, .h5 or .tflite file or a SavedModel folder, with its contract.
    :param dataset: the images; those that cannot be read are left out.
    :param selection: how they were chosen, for the record.
    :param remarks: what is to be seen on images, by file.
    :param out: folder for the results, made where it is missing.
    :raises ModelError: when the model cannot be used.
    :raises RuntimeRefusedError: when no TFLite runtime can run it.
    :raises DatasetError: when none of the images can be read, or the boxes cannot.
    """
    contract = contract_of(model)
    threshold = contract.threshold
    readable, unreadable = some_readable(list(dataset))
    apart = len(set(readable) & set(dataset.apart))
    found = outputs(model, readable)
    predictions = predictions_of(readable, found.probability, apart)
    evaluation = evaluate_predictions(predictions, threshold, dataset.folders, remarks,
                                      unreadable)
    maps = {}
    if contract.heat_map is not None and found.heat_maps is not None:
        # Images that are set apart are the last ones.
        known = len(labeled(predictions))
        evaluation = dataclasses.replace(evaluation, localization=measure_localization(
            predictions[:known], found.heat_maps[:known], read_boxes(*dataset.folders),
            contract.heat_map))
        maps = dict(zip(predictions['file'], found.heat_maps, strict=True))
    record = record_of(model, selection, evaluation) | {'model_bytes': size_of(model)}
    out.mkdir(parents=True, exist_ok=True)
    write_predictions(predictions, out / PREDICTIONS)
    write_json(out / METRICS, record)
    plots = write_plots(labeled(predictions), evaluation, out)
    mistakes = find_mistakes(labeled(predictions), threshold, dataset.folders, remarks)
    (out / MISTAKES_SHEET).unlink(missing_ok=True)
    if len(mistakes):
        worst = mistakes.groupby('kind', sort=False).head(NAMED)
        write_contact_sheet(
            [tile for row in worst.itertuples()
             for tile in _tiles(row.file, f'{row.kind} {row.probability:.3f} {row.source}', maps)],
            out / MISTAKES_SHEET, f'The most confident of {len(mistakes)} mistakes')
        plots.append(MISTAKES_SHEET)
    for page in (SUMMARY, MISTAKES_PAGE):
        (out / page).write_text(render(f'{page}.j2', evaluation=record, plots=plots),
                                encoding='utf-8')
    return evaluation


def _tiles(file: str, caption: str, maps: Mapping[str, NDArray[np.float32]]) -> list[Tile]:
    """Return a tile of an image and, where there is a heat map of it, a second one with that."""
    tiles = [Tile(Path(file), caption)]
    if file in maps:
        tiles.append(Tile(draw_heat_map(read_image(Path(file)), maps[file]),
                          f'highest cell {maps[file].max():.3f}'))
    return tiles


def add_out_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the folder for the results."""
    parser.add_argument('--out', metavar='DIR', type=Path,
                        help=f'folder for the results (default: {EVALUATION}/MODEL in the run '
                             f'folder, or in runs for a model that is in none)')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m training.evaluate', description=__doc__)
    parser.add_argument('model', metavar='MODEL', type=Path,
                        help='.keras, .h5 or .tflite file, or SavedModel folder')
    add_selection_options(parser)
    add_out_option(parser)
    parser.add_argument('--remarks', metavar='FILE', type=Path,
                        help=f'CSV file with the columns {", ".join(REMARK_COLUMNS)}: what is to '
                             'be seen on images that are called wrong (default: the data '
                             f"folders' {REMARKS}, where they have one)")
    return parser


def _evaluate(options: argparse.Namespace) -> None:
    dataset = read_selection(options, options.model)
    out = options.out or evaluation_folder(options.model)
    evaluation = evaluate(
        options.model, dataset, describe_selection(options, dataset),
        read_remarks(dataset.folders, options.remarks), out)
    for message in evaluation.unreadable:
        print(f'training.evaluate: left out: {message}', file=sys.stderr)
    print(render('figures.md.j2', evaluation=evaluation))
    print(f'Results are in {out}; begin with {out / SUMMARY}')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_command(_parser(), _evaluate, arguments)


if __name__ == '__main__':
    sys.exit(main())
