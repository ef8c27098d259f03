# SPDX-License-Identifier: Apache-2.0
"""Measure what tiles do for small fires: `python -m training.small_fires MODEL.tflite`."""

import argparse
from collections.abc import Sequence
import dataclasses
from pathlib import Path
import shlex
import sys

from fire_detector.images.files import ImageFileError
from fire_detector.model.contract import ModelError
from fire_detector.model.tiling import GRID
from training.conversion import runtimes
from training.conversion.predict import contract_of, TFLITE_SUFFIX
from training.conversion.runtimes import RuntimeRefusedError
from training.data.boxes import read_boxes
from training.data.loading import some_readable
from training.data.samples import DatasetError, Sample
from training.dataset import check_data_arguments
from training.measurement.evaluation import file_sha256
from training.measurement.small_fires import compared_grids, describe, node_ways, other_ways
from training.measurement.small_fires_report import SmallFires, summary
from training.run_folder import evaluation_folder, write_json
from training.selection import (
    add_selection_arguments,
    as_request,
    EPILOG,
    read_selection,
    Request,
)

SUMMARY = 'small_fires.md'
FIGURES = 'small_fires.json'


def measure(model: Path, samples: Sequence[Sample], request: Request, data: Path,
            compare: bool) -> SmallFires:
    """
    Measure what a model finds of small and large fires, with and without tiles.

    :param model: a .tflite file, with its contract.
    :param samples: the images; those that cannot be read are left out.
    :param request: what asked for it.
    :param data: the folder whose boxes are around their fires, as the samples' paths have it.
    :param compare: whether other grids and combinations are measured too.
    :return: what was measured.
    :raises ModelError: when the model cannot be used.
    :raises RuntimeRefusedError: when no TFLite runtime can answer.
    :raises DatasetError: when none of the images can be read, or the boxes cannot.
    """
    if model.suffix != TFLITE_SUFFIX:
        raise ModelError(f'{model}: not a {TFLITE_SUFFIX} file; tiles are measured through the '
                         f"node's own classifier, once the model is converted")
    threshold = contract_of(model).threshold
    boxes = read_boxes(data)
    readable, unreadable = some_readable(samples)
    images = describe(readable, boxes)
    grids = compared_grids() if compare else (GRID,)
    runtime, whole, tiles = runtimes.tile_probabilities(model, readable, grids)
    return SmallFires(
        **dataclasses.asdict(request), model=str(model), model_sha256=file_sha256(model),
        threshold=threshold, runtime=runtime, grid=GRID, fire=images.counts(),
        nofire=int(images.calm.sum()), ways=node_ways(whole, tiles[0], images, threshold),
        latency_ms=runtimes.tile_latencies(model, runtime), timed_on=runtimes.CAMERA_SIZE,
        other_ways=other_ways(whole, dict(zip(grids, tiles, strict=True)), images, threshold)
        if compare else (), unreadable=tuple(unreadable))


def _measure_as_asked(model: Path, options: argparse.Namespace, command: str) -> None:
    """Measure one model, write and print what was found."""
    samples, data = read_selection(options, model)
    found = measure(model, samples, as_request(options, data, command), data, options.compare)
    out = options.out or evaluation_folder(model)
    out.mkdir(parents=True, exist_ok=True)
    text = f'# {model.name} and small fires\n\n{summary(found)}'
    (out / SUMMARY).write_text(text, encoding='utf-8')
    write_json(out / FIGURES, dataclasses.asdict(found))
    for message in found.unreadable:
        print(f'training.small_fires: left out: {message}', file=sys.stderr)
    print(f'{text}\nResults are in {out}')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m training.small_fires', description=__doc__, epilog=EPILOG)
    parser.add_argument('models', metavar='MODEL', type=Path, nargs='+', help='.tflite file')
    add_selection_arguments(parser)
    parser.add_argument('--compare', action='store_true',
                        help='also measure other grids, and other ways to make one probability '
                             'of those of the tiles')
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line asks; return the exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    options = parser.parse_args(words)
    check_data_arguments(parser, options)
    if options.out is not None and len(options.models) > 1:
        parser.error('--out is for one MODEL: the results of several would overwrite each other')
    command = shlex.join(['python', '-m', 'training.small_fires', *words])
    try:
        for model in options.models:
            _measure_as_asked(model, options, command)
    except (DatasetError, ModelError, OSError, ImageFileError, RuntimeRefusedError) as error:
        print(f'training.small_fires: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
