# SPDX-License-Identifier: Apache-2.0
"""The sources are as the linters of this project and of ROS want them."""

from collections.abc import Callable
import importlib
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ['fire_detector', 'launch', 'setup.py', 'test', 'training']


def ament(name: str) -> Callable[..., int]:
    """Return an ament linter's main function, or skip."""
    module = pytest.importorskip(f'ament_{name}', reason=f'ament_{name} is not installed')
    main: Callable[..., int] = importlib.import_module(f'{module.__name__}.main').main
    return main


@pytest.fixture(autouse=True)
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every linter from the root, where its configuration is."""
    monkeypatch.chdir(ROOT)


def test_ruff() -> None:
    """Find what ruff.toml forbids."""
    pytest.importorskip('ruff', reason='ruff is not installed')
    result = subprocess.run([sys.executable, '-m', 'ruff', 'check', '--no-cache', '.'],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_mypy() -> None:
    """
    Find what setup.cfg forbids, with the linter that runs mypy in ROS.

    It hands mypy the files, which tells them apart by name, and there are two of conftest.py.
    """
    assert ament('mypy')(['--config', 'setup.cfg', '--exclude', 'conftest.py', '--',
                          'fire_detector', 'training', 'test']) == 0


def test_flake8() -> None:
    """Find what breaks the style of ROS 2."""
    assert ament('flake8')(argv=SOURCES) == 0


def test_pep257() -> None:
    """Find docstrings that are not in the style of ROS 2."""
    assert ament('pep257')(argv=SOURCES) == 0


def test_xmllint() -> None:
    """Check package.xml against its schema, which is read from the network."""
    ament('xmllint')
    if shutil.which('xmllint') is None:
        pytest.skip('xmllint is not installed (Debian package libxml2-utils)')
    result = subprocess.run([sys.executable, '-m', 'ament_xmllint.main', 'package.xml'],
                            capture_output=True, text=True, check=False)
    if 'failed to load external entity' in result.stdout + result.stderr:
        pytest.skip('the schema of package.xml cannot be reached from here')
    assert result.returncode == 0, result.stdout + result.stderr
