# SPDX-License-Identifier: Apache-2.0
"""Run a process for as long as it is needed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
import signal
import subprocess

STOP_TIMEOUT = 5.0


@contextmanager
def running(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
            ) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run a command for as long as the context lasts, and end it as Ctrl-C does.

    :param command: the program and its arguments.
    :param log: file for what it prints, behind what is there.
    :param environment: its variables; None for those of this process.
    """
    with log.open('ab') as output, subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
