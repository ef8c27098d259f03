# SPDX-License-Identifier: Apache-2.0
"""Run a tool of the project as a person does."""

from pathlib import Path
import subprocess
import sys

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 300


def run_module(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `python -m module arguments` from the root to its end, whatever its exit status."""
    return subprocess.run([sys.executable, '-m', module, *map(str, arguments)], cwd=ROOT,
                          capture_output=True, text=True, timeout=TIMEOUT, check=False)
