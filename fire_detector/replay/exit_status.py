# SPDX-License-Identifier: Apache-2.0
"""What fire_replay ends with."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """Tell how much was read; 2 is also argparse's, for a wrong command line."""

    ALL = 0
    A_PART = 1
    NOTHING = 2
    INTERRUPTED = 130
