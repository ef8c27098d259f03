# SPDX-License-Identifier: Apache-2.0
"""What fire_replay ends with, and how it says why."""

from enum import IntEnum
import sys

from fire_detector.command_line import EXIT_INTERRUPTED


class ExitStatus(IntEnum):
    """Tell how much was read; 2 is also argparse's, for a wrong command line."""

    ALL = 0
    A_PART = 1
    NOTHING = 2
    INTERRUPTED = EXIT_INTERRUPTED


def say(message: str) -> None:
    """Say on stderr what is wrong."""
    sys.stderr.write(f'fire_replay: {message}\n')


def fail(message: str) -> ExitStatus:
    """Say why nothing can be done; give the exit status."""
    say(message)
    return ExitStatus.NOTHING
