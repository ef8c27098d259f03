# SPDX-License-Identifier: Apache-2.0
"""What the command lines of the tools have in common: examples, the version, completion."""

import argparse
from collections.abc import Sequence
from enum import IntEnum
import os
from pathlib import Path
import re
import sys
from typing import Any

# Set by the shell's completion function while a person presses Tab, see argcomplete.
COMPLETING = '_ARGCOMPLETE'
# As shells call it: 128 and the number of SIGINT.
EXIT_INTERRUPTED = 130


class HelpFormatter(argparse.HelpFormatter):
    """Wrap the text of a help page, but leave paragraphs with indented lines, the examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        # As argparse's own RawDescriptionHelpFormatter overrides it.
        parts = [part if '\n  ' in part else super(HelpFormatter, self)._fill_text(
            part, width, indent) for part in text.strip('\n').split('\n\n')]
        return '\n\n'.join(parts)


def create_parser(program: str, purpose: str, examples: Sequence[str],
                  notes: str = '') -> argparse.ArgumentParser:
    """
    Make a parser whose help page ends with examples.

    :param program: the tool's name, as a person types it.
    :param purpose: what it does.
    :param examples: whole command lines.
    :param notes: what else is to be known, such as the exit status.
    """
    lines = '\n'.join(f'  {example}' for example in examples)
    return argparse.ArgumentParser(
        prog=program, description=purpose, formatter_class=HelpFormatter,
        epilog=f'examples:\n{lines}\n\n{notes}')


def parse(parser: argparse.ArgumentParser,
          arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """
    Parse a command line, with an option `--version` added.

    Where the shell asks for completions, it gets them and the process ends. That takes the
    package argcomplete, which ROS brings along with `ros2` and colcon; without it there are none.

    :param parser: with all other options.
    :param arguments: without the program's name; None for those of this process.
    :raises SystemExit: after --help or --version, and when the arguments are wrong.
    """
    parser.add_argument('--version', action=_Version, nargs=0,
                        help="show the package's version and exit")
    if COMPLETING in os.environ:
        _complete(parser)
    return parser.parse_args(arguments)


class _Version(argparse.Action):
    """Find out the version only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print it and end."""
        print(f'{parser.prog} {version()}')
        parser.exit()


def _complete(parser: argparse.ArgumentParser) -> None:
    try:
        import argcomplete
    except ImportError:
        return
    argcomplete.autocomplete(parser)


PACKAGE = 'fire_detector'


def version() -> str:
    """
    Return the version of the code that runs.

    In a checkout, also one installed with `pip install -e` or `--symlink-install`, that is what
    its package.xml says: what was recorded when it was installed may be older. Elsewhere it is
    what pip, colcon or Debian recorded.

    :return: such as 0.1.0; 'unknown' for a copy of the package alone.
    """
    manifest = Path(__file__).resolve().parents[2] / 'package.xml'
    if manifest.is_file():
        found = re.search('<version>(.+?)</version>', manifest.read_text(encoding='utf-8'))
        if found is not None:
            return found[1]
    # Not above: a program that tells no version need not wait for it.
    from importlib import metadata
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return 'unknown'


def padded(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Fill up cells with blanks, so that those of a column are equally wide."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]


class ExitStatus(IntEnum):
    """How much was read; 2 is also argparse's, for a wrong command line."""

    ALL = 0
    A_PART = 1
    NOTHING = 2
    INTERRUPTED = EXIT_INTERRUPTED


def print_problem(message: str) -> None:
    """Print a message of fire_replay to stderr."""
    sys.stderr.write(f'fire_replay: {message}\n')


def fail(message: str) -> ExitStatus:
    """Print why nothing could be done; return the exit status."""
    print_problem(message)
    return ExitStatus.NOTHING
