# SPDX-License-Identifier: Apache-2.0
"""Run the command lines of the project."""

from collections.abc import Mapping
import os
from pathlib import Path
import subprocess
import sys

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 300


def run_module(module: str, *arguments: object, folder: Path = ROOT,
               environment: Mapping[str, str] | None = None, timeout: float = TIMEOUT
               ) -> subprocess.CompletedProcess[str]:
    """
    Run `python -m module arguments` to its end, whatever its exit status.

    :param folder: to run it in; modules of this checkout are found from any.
    :param environment: variables that replace those of this process.
    :param timeout: seconds after which it is killed, and the test fails.
    """
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get('PYTHONPATH'))))
    return subprocess.run(
        [sys.executable, '-m', module, *map(str, arguments)], cwd=folder, capture_output=True,
        env=os.environ | {'PYTHONPATH': paths} | dict(environment or {}), text=True,
        timeout=timeout, check=False)
