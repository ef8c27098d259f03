# SPDX-License-Identifier: Apache-2.0
"""
Convert a trained network to TensorFlow Lite, proven on real images.

One file: `python -m training.convert runs/firenet/model.h5 --out X.tflite`; every number format,
with a table: `python -m training.convert runs/firenet/model.h5 --all`.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
import sys

from training.command import run_command
from training.conversion.predict import size_of
from training.conversion.proof import ConversionError, Proof
from training.conversion.runtimes import RuntimeRefusedError
from training.conversion.source_models import FROZEN_GRAPH_SUFFIX, GraphNodes, load_source
from training.conversion.table import describe, Row, write_table
from training.conversion.variants import ConverterRefusedError, VARIANTS
from training.data.loading import skip_unreadable
from training.data.options import add_data_options, read_data
from training.data.samples import check, Sample, select
from training.run_folder import (
    CONFIG,
    CONVERSIONS,
    H5_MODEL,
    KERAS_MODEL,
    METRICS,
    PRUNED,
    QUANTIZATION_AWARE,
    SAVED_MODEL,
)

REFUSALS = (ConversionError, ConverterRefusedError, RuntimeRefusedError)
# What `training.optimize` leaves in a run folder, and the formats worth converting it to: pruning
# is for any of them, training with rounded values for integers only.
OPTIMIZED = ((PRUNED, KERAS_MODEL, ('float32', 'int8')),
             (QUANTIZATION_AWARE, SAVED_MODEL, ('int8', 'uint8')))


def convert_all(model: Path, folder: Path, samples: Sequence[Sample],
                nodes: GraphNodes | None = None) -> Iterator[Row]:
    """
    Convert a model, and its optimized versions in the same run folder, to every number format.

    :param model: a model in any format of `source_models`.
    :param folder: where the .tflite files are written.
    :param samples: the images to compare on (`test`) and to calibrate with (`train`).
    :param nodes: the ends of a frozen graph.
    :return: a row for each, once it is done; one that is refused is a row with the reason.
    :raises ModelError: when a model cannot be loaded.
    """
    sources = [('', model, tuple(VARIANTS))] + [
        (f'{name}_', model.parent / name / file, formats)
        # Written last: without it, the optimization was interrupted.
        for name, file, formats in OPTIMIZED if (model.parent / name / METRICS).exists()]
    for prefix, path, formats in sources:
        proof = Proof(load_source(path, nodes), select(samples, 'test'), select(samples, 'train'))
        for variant in formats:
            name = f'{prefix}{variant}'
            suffix = name.replace('float32', '').strip('_')
            out = folder / f'{"_".join(filter(None, (proof.source.contract.name, suffix)))}.tflite'
            try:
                yield Row(name, out, proof.convert(VARIANTS[variant], out))
            except REFUSALS as error:
                yield Row(name, out, None, str(error))


def _read_samples(options: argparse.Namespace) -> list[Sample]:
    samples = read_data(options, options.model).samples
    if options.data is None:
        return samples
    readable, unreadable = skip_unreadable(samples)
    for problem in unreadable:
        print(f'training.convert: skipped {problem}', file=sys.stderr)
    check(readable, ', '.join(map(str, options.data)))
    return readable


def _reference_size(model: Path) -> int:
    """Return the size in bytes of the .h5 of the run, or else of the model itself."""
    h5 = model.parent / H5_MODEL
    return size_of(h5 if h5.is_file() and (model.parent / CONFIG).is_file() else model)


def _convert_to_file(options: argparse.Namespace, samples: Sequence[Sample],
                     nodes: GraphNodes | None) -> int:
    compared = select(samples, 'test')
    proof = Proof(load_source(options.model, nodes), compared, select(samples, 'train'))
    try:
        conversion = proof.convert(VARIANTS[options.type], options.out)
    except REFUSALS as error:
        print(f'training.convert: not converted: {error}', file=sys.stderr)
        return 1
    for runtime, difference in conversion.differences.items():
        print(f'{runtime}: differs from the source by at most {difference:.2g} '
              f'on {len(compared)} test images')
    print(f'{conversion.changed_decisions} decisions changed; accuracy '
          f'{conversion.metrics.accuracy:.3f}, of the source {proof.metrics.accuracy:.3f}')
    source, result = size_of(options.model), options.out.stat().st_size
    print(f'{options.model}: {source:,} bytes\n{options.out}: {result:,} bytes, '
          f'{result / source:.1%} of it')
    return 0


def _convert_to_all(options: argparse.Namespace, samples: Sequence[Sample],
                    nodes: GraphNodes | None) -> int:
    folder = options.out or options.model.parent / CONVERSIONS
    rows = []
    for row in convert_all(options.model, folder, samples, nodes):
        rows.append(row)
        print(f'training.convert: {row.name}: '
              f'{"not written: " + row.refused if row.refused else row.path}', file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    h5_bytes = _reference_size(options.model)
    print(write_table(describe(rows, h5_bytes), folder, {
        'command': options.command,
        'source': str(options.model), 'h5_bytes': h5_bytes, 'split': 'test',
        'images': len(select(samples, 'test'))}))
    return 1 if any(row.refused for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m training.convert', description=__doc__)
    parser.add_argument('model', type=Path,
                        help='.keras, .h5, SavedModel folder, or frozen TF 1 graph (.pb)')
    parser.add_argument('--out', type=Path,
                        help='.tflite file to write; with --all the folder for all of them '
                             f'(default: {CONVERSIONS} beside the model)')
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument('--type', choices=VARIANTS, default='float32',
                         help='number format (default: %(default)s)')
    formats.add_argument('--all', action='store_true',
                         help='write every format, those of optimized versions too, and a table')
    add_data_options(parser, required=False)
    parser.add_argument('--input-node', metavar='NAME', help='where a frozen graph begins')
    parser.add_argument('--output-node', metavar='NAME', help='where a frozen graph ends')
    return parser


def _graph_nodes(options: argparse.Namespace) -> GraphNodes | None:
    if options.input_node is None and options.output_node is None:
        return None
    if options.input_node is None or options.output_node is None:
        raise argparse.ArgumentError(None, '--input-node and --output-node belong together')
    if options.model.suffix != FROZEN_GRAPH_SUFFIX:
        raise argparse.ArgumentError(
            None, '--input-node and --output-node are for a frozen graph (.pb)')
    return GraphNodes(options.input_node, options.output_node)


def _convert(options: argparse.Namespace) -> int:
    if not options.all and options.out is None:
        raise argparse.ArgumentError(
            None, 'name the file to write with --out, or write --all')
    nodes = _graph_nodes(options)
    convert = _convert_to_all if options.all else _convert_to_file
    return convert(options, _read_samples(options), nodes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert what the command line names; return the exit status."""
    return run_command(_parser(), _convert, arguments)


if __name__ == '__main__':
    sys.exit(main())
