# SPDX-License-Identifier: Apache-2.0
# PYTHON_ARGCOMPLETE_OK
"""
Measure what the node costs, next to the least and to the straightforward.

The node, a node that one would write without a thought for its cost, and one that takes images
and runs the model but does nothing else are shown the same images in turn. Ratios are the
result: absolute times are those of this machine, now.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
import json
import os
from pathlib import Path
import sys
import tempfile

from fire_detector.cli.command_line import create_parser, EXIT_INTERRUPTED, parse
from fire_detector.model.locate import DEFAULT_MODEL, find_model
from fire_detector.ros.process import ros_process
from ros_domain import isolated_domain

from benchmark.bench import BenchmarkError
from benchmark.measure import FULL, measure, QUICK
from benchmark.report import plot, summary, table
from benchmark.results import ratios, worse

EXAMPLES = (
    'fire_benchmark',
    'fire_benchmark --json cost.json --plot cost.png',
    'fire_benchmark --quick --compare cost.json',
)
NOTES = ('Exit status: 0 when every ratio is good enough, 1 when one is not, 2 when something '
         'could not be measured. All of it takes two to three minutes; let nothing else run.')


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return 0 when every ratio is good enough, else 1."""
    parser = create_parser('fire_benchmark', __doc__, EXAMPLES, NOTES)
    parser.add_argument('--model', default=DEFAULT_MODEL,
                        help='.tflite file (default: %(default)s)')
    parser.add_argument('--quick', action='store_true', help='measure less, in two minutes')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the results here')
    parser.add_argument('--plot', type=Path, metavar='FILE',
                        help='draw the cost over the pixels here; needs matplotlib')
    parser.add_argument('--compare', type=Path, metavar='FILE',
                        help='instead of the limits, hold the steady ratios of processor time '
                             'against those in this file, which --json has written; fail where '
                             'one is a quarter worse')
    options = parse(parser, arguments)
    results = None
    try:
        committed = None if options.compare is None else _read_ratios(options.compare)
        _check_outputs(options)
        model = find_model(options.model).resolve()
        with (tempfile.TemporaryDirectory(prefix='fire_benchmark_') as folder,
              isolated_domain() as environment):
            os.environ.update(environment)
            with ros_process([]):
                results = measure(QUICK if options.quick else FULL, model, Path(folder), _tell)
    except (BenchmarkError, OSError, ValueError) as error:
        print(f'fire_benchmark: {error}', file=sys.stderr)
        return 2
    if results is None:
        # ros_process ends quietly when it is interrupted.
        return EXIT_INTERRUPTED
    found = ratios(results)
    print(table(results, found))
    if options.json is not None:
        options.json.write_text(json.dumps(
            asdict(results) | {'ratios': {ratio.name: round(ratio.value, 3) for ratio in found}},
            indent=1) + '\n')
    if options.plot is not None:
        plot(results, options.plot)
    print(summary(found))
    if committed is None:
        return int(not all(ratio.met for ratio in found))
    problems = worse(found, committed)
    for problem in problems:
        print(f'fire_benchmark: {problem}', file=sys.stderr)
    return int(bool(problems))


def _read_ratios(path: Path) -> dict[str, float]:
    try:
        return {str(name): float(value)
                for name, value in json.loads(path.read_text())['ratios'].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchmarkError(f'{path}: not what --json of this command writes ({error!r})'
                             ) from error


def _check_outputs(options: argparse.Namespace) -> None:
    """Return before minutes are spent that what is found could not be written."""
    for path in filter(None, (options.json, options.plot)):
        if not path.absolute().parent.is_dir():
            raise BenchmarkError(f'{path}: there is no such folder to write into')
    if options.plot is not None and find_spec('matplotlib') is None:
        raise BenchmarkError('--plot needs matplotlib: pip install matplotlib')


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f'measuring: {what}', file=sys.stderr)


if __name__ == '__main__':
    sys.exit(main())
