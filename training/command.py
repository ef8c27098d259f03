# SPDX-License-Identifier: Apache-2.0
"""What all commands share: parsing, expected errors and the exit status."""

import argparse
from collections.abc import Callable, Sequence
import shlex
import sys

from fire_detector.images.files import ImageFileError
from fire_detector.model.classifier import InferenceError, RuntimeUnavailableError
from fire_detector.model.contract import ModelError


class CommandError(Exception):
    """The base of the errors that a user can mend; a command prints them without traceback."""


EXPECTED = (CommandError, ImageFileError, InferenceError, ModelError, OSError,
            RuntimeUnavailableError)


def run_command(parser: argparse.ArgumentParser,
                work: Callable[[argparse.Namespace], int | None],
                arguments: Sequence[str] | None = None) -> int:
    """
    Parse a command line, do the command's work, and print its errors.

    :param parser: of the command; its `prog` is `python -m` and the module.
    :param work: the command; it takes the options, with the command line as `command`, returns an
        exit status or None for 0, and raises :class:`argparse.ArgumentError` for wrong usage.
    :param arguments: the command line's words; None for those of the process.
    :return: the exit status: 1 after an error of EXPECTED.
    """
    words = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(words)
    program = parser.prog.split()
    options.command = shlex.join([*program, *words])
    try:
        return work(options) or 0
    except argparse.ArgumentError as error:
        parser.error(str(error))
    except EXPECTED as error:
        print(f'{program[-1]}: {error}', file=sys.stderr)
        return 1


def whole_number(least: int) -> Callable[[str], int]:
    """Return the `type` of an argparse option that is a whole number of `least` or more."""
    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f'{text} is not a whole number of {least} or more')
        return int(text)
    return parse
