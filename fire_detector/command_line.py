# SPDX-License-Identifier: Apache-2.0
"""What the command lines of the tools have in common: examples, the version, completion."""

import argparse
from collections.abc import Sequence
import os
from typing import Any

from fire_detector.version import version

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
