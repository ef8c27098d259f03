# SPDX-License-Identifier: Apache-2.0
"""
Measure what the node costs, next to the least and to the straightforward: `make bench`.

The node, a straightforward node, and one that takes images and runs the model but does nothing
else get the same images in turn. Ratios are the result: absolute times are those of this machine,
now. All of it takes two to three minutes; let nothing else run. The exit status is 0 when every
ratio is good enough, 1 when one is not, 2 when something could not be measured.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
import json
from pathlib import Path
import sys
import tempfile

from benchmark.bench import BenchmarkError
from benchmark.camera import running_camera
from benchmark.measure import FULL, measure, QUICK
from benchmark.report import plot, summary, table
from benchmark.results import ratios, Results, worse
from fire_detector.cli.command_line import ExitStatus
from fire_detector.model.locate import DEFAULT_MODEL, find_model
from ros_session import RosSession


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return the exit status."""
    parser = argparse.ArgumentParser('make bench', description=__doc__)
    parser.add_argument('--model', default=DEFAULT_MODEL,
                        help='.tflite file (default: %(default)s)')
    parser.add_argument('--quick', action='store_true', help='measure less, in two minutes')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the results here')
    parser.add_argument('--plot', type=Path, metavar='FILE',
                        help='draw the cost over the pixels here')
    parser.add_argument('--compare', type=Path, metavar='FILE',
                        help='list the ratios beside those in this file, which --json has '
                             'written; instead of the limits, fail where a steady one of '
                             'processor time is a quarter worse than there')
    options = parser.parse_args(arguments)
    try:
        committed = {} if options.compare is None else _read_ratios(options.compare)
        results = _measure(options)
    except (BenchmarkError, OSError, ValueError) as error:
        print(f'bench: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    found = ratios(results)
    print(table(results, found, committed))
    if options.json is not None:
        options.json.write_text(json.dumps(
            asdict(results) | {'ratios': {ratio.name: round(ratio.value, 3) for ratio in found}},
            indent=1) + '\n')
    if options.plot is not None:
        plot(results, options.plot)
    print(f'\n{summary(found)}')
    if options.compare is None:
        return int(not all(ratio.met for ratio in found))
    problems = worse(found, committed)
    for problem in problems:
        print(f'bench: {problem}', file=sys.stderr)
    return int(bool(problems))


def _measure(options: argparse.Namespace) -> Results:
    # Before minutes are spent.
    for path in filter(None, (options.json, options.plot)):
        if not path.absolute().parent.is_dir():
            raise BenchmarkError(f'{path}: there is no such folder to write into')
    model = find_model(options.model).resolve()
    with (tempfile.TemporaryDirectory(prefix='benchmark_') as folder,
          RosSession(Path(folder)) as ros, running_camera(ros.environment) as camera):
        return measure(QUICK if options.quick else FULL, model, ros, camera,
                       lambda what: print(f'measuring: {what}', file=sys.stderr))


def _read_ratios(path: Path) -> dict[str, float]:
    try:
        return {str(name): float(value)
                for name, value in json.loads(path.read_text())['ratios'].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchmarkError(f'{path}: not what --json of this command writes ({error!r})'
                             ) from error


if __name__ == '__main__':
    sys.exit(main())
