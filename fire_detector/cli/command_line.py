# SPDX-License-Identifier: Apache-2.0
"""The common part of all command lines: help, version, completion, exit status."""

import argparse
from collections.abc import Sequence
import contextlib
from enum import IntEnum
import os
from pathlib import Path
import re
import sys
from typing import Any

# Set by the shell's completion function while a person presses Tab, see argcomplete.
COMPLETING = '_ARGCOMPLETE'


class ExitStatus(IntEnum):
    """The exit status: how much was read; 2 is also argparse's, for a wrong command line."""

    ALL = 0
    A_PART = 1
    NOTHING = 2
    # As shells have it: 128 and the number of SIGINT.
    INTERRUPTED = 130


class HelpFormatter(argparse.HelpFormatter):
    """Wrap the text of a help page, but leave paragraphs with indented lines, the examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        # As argparse's own RawDescriptionHelpFormatter overrides it.
        parts = [part if '\n  ' in part else super(HelpFormatter, self)._fill_text(
            part, width, indent) for part in text.strip('\n').split('\n\n')]
        return '\n\n'.join(parts)


class _Version(argparse.Action):
    """Unlike argparse's own, find out the version only when it is wanted."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print the version and exit."""
        print(f'{parser.prog} {version()}')
        parser.exit()


def create_parser(program: str, purpose: str, examples: Sequence[str],
                  notes: str = '') -> argparse.ArgumentParser:
    """
    Return a parser with an option `--version` and a help page that ends with examples.

    :param program: the tool's name, as a person types it.
    :param purpose: what it does.
    :param examples: whole command lines.
    :param notes: what else is to be known, such as the exit status.
    """
    lines = '\n'.join(f'  {example}' for example in examples)
    parser = argparse.ArgumentParser(
        prog=program, description=purpose, formatter_class=HelpFormatter,
        epilog=f'examples:\n{lines}\n\n{notes}')
    parser.add_argument('--version', action=_Version, nargs=0,
                        help="show the package's version and exit")
    return parser


def parse(parser: argparse.ArgumentParser,
          arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """
    Parse a command line, or print completions for a shell that asks for them, and exit.

    Completion takes the package argcomplete, which ROS installs with `ros2` and colcon; without
    it there is none.

    :param parser: with all options.
    :param arguments: without the program's name; None for those of this process.
    :raises SystemExit: after --help or --version, and when the arguments are wrong.
    """
    if COMPLETING in os.environ:
        with contextlib.suppress(ImportError):
            import argcomplete
            argcomplete.autocomplete(parser)
    return parser.parse_args(arguments)


def version() -> str:
    """
    Return the version of the code that runs.

    In a checkout, also one installed with `pip install -e` or `--symlink-install`, it is that of
    its package.xml: the one recorded at the installation may be older. Elsewhere it is the one
    that pip, colcon or Debian recorded.

    :return: such as 0.1.0; 'unknown' for a copy of the package alone.
    """
    manifest = Path(__file__).resolve().parents[2] / 'package.xml'
    if manifest.is_file():
        found = re.search('<version>(.+?)</version>', manifest.read_text(encoding='utf-8'))
        if found is not None:
            return found[1]
    # Takes longer to import than the rest of this module.
    from importlib import metadata
    try:
        return metadata.version('fire_detector')
    except metadata.PackageNotFoundError:
        return 'unknown'


def padded(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Fill up cells with blanks, so that those of a column are equally wide."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]


def print_problem(program: str, message: str) -> None:
    """Print a message of a program to stderr."""
    print(f'{program}: {message}', file=sys.stderr)


def fail(program: str, message: str) -> ExitStatus:
    """Print why nothing could be done; return the exit status."""
    print_problem(program, message)
    return ExitStatus.NOTHING
