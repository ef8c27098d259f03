# SPDX-License-Identifier: Apache-2.0
"""Run a tool of the project as a person does."""

from collections.abc import Mapping
import os
from pathlib import Path
import subprocess
import sys

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 300


def run_module(module: str, *arguments: object, folder: Path = ROOT,
               environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """
    Run `python -m module arguments` to its end, whatever its exit status.

    :param folder: to run it in.
    :param environment: variables over those of this process.
    """
    return subprocess.run([sys.executable, '-m', module, *map(str, arguments)], cwd=folder,
                          env=os.environ | dict(environment or {}), capture_output=True,
                          text=True, timeout=TIMEOUT, check=False)
