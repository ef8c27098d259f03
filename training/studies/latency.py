# SPDX-License-Identifier: Apache-2.0
"""
Time models against each other in both runtimes.

`python -m training.studies.latency A.tflite B.tflite`
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
import sys

from training.command import run_command
from training.conversion import runtimes
from training.markdown import markdown_table


def latency_table(models: Sequence[Path]) -> str:
    """
    Time single inferences with one thread, interleaved.

    :param models: .tflite files; the others are compared with the first.
    :return: a Markdown table: for each model and runtime the median milliseconds, and their
        ratio to the first model's.
    :raises RuntimeRefusedError: when a runtime is missing, or refuses a model.
    """
    timed = {runtime: [found['1'] for found in runtimes.latencies(models, runtime, [1])]
             for runtime in runtimes.REQUIRED_RUNTIMES}
    return markdown_table(
        ['model', 'bytes', *(f'{runtime}: {what}' for runtime in timed
                             for what in ('ms', 'ratio'))],
        [[model.name, f'{model.stat().st_size:,}', *(cell for times in timed.values() for cell in (
            f'{times[number]:.3f}', f'{times[number] / times[0]:.2f}'))]
         for number, model in enumerate(models)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.studies.latency',
                                     description=__doc__)
    parser.add_argument('models', metavar='MODEL', type=Path, nargs='+', help='.tflite file')
    return run_command(parser, lambda options: print(latency_table(options.models)), arguments)


if __name__ == '__main__':
    sys.exit(main())
