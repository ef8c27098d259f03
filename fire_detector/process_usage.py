# SPDX-License-Identifier: Apache-2.0
"""Tell what a process takes from the machine."""

from dataclasses import dataclass
import os
from pathlib import Path
import time
from typing import Literal


@dataclass(frozen=True)
class Usage:
    """
    Hold what the process has used.

    :ivar cpu: seconds of processor time, of all its threads, since it began.
    :ivar memory: bytes of memory that it holds; None where the system does not say.
    """

    cpu: float
    memory: int | None


def read_usage() -> Usage:
    """Ask the system what this process has used; it costs some ten microseconds."""
    try:
        memory: int | None = resident_memory('self')
    except OSError:
        memory = None
    return Usage(time.process_time(), memory)


def resident_memory(process: int | Literal['self']) -> int:
    """
    Tell how many bytes of memory a process holds.

    :param process: its number, or 'self'.
    :raises OSError: when there is no such process, or the system does not say.
    """
    # The second number is that of resident pages: man 5 proc.
    pages = Path(f'/proc/{process}/statm').read_text().split()[1]
    return int(pages) * os.sysconf('SC_PAGE_SIZE')
