# SPDX-License-Identifier: Apache-2.0
"""The sources are as the linters of this project and of ROS want them."""

from pathlib import Path
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ['fire_detector', 'launch', 'setup.py', 'test', 'training']


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """
    Run a linter's module, or skip.

    As a process of its own: flake8 forks, and what other tests have left of ROS does not survive
    that.
    """
    package = module.partition('.')[0]
    pytest.importorskip(package, reason=f'{package} is not installed')
    return subprocess.run([sys.executable, '-m', module, *arguments], cwd=ROOT,
                          capture_output=True, text=True, check=False)


def check(module: str, *arguments: str) -> None:
    """Run a linter's module, and check that it finds nothing."""
    result = run(module, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr


def test_ruff() -> None:
    """Find what ruff.toml forbids."""
    check('ruff', 'check', '--no-cache', '.')


def test_mypy() -> None:
    """
    Find what setup.cfg forbids, with the linter that runs mypy in ROS.

    It hands mypy the files, which tells them apart by name, and there are several of conftest.py.
    """
    check('ament_mypy.main', '--config', 'setup.cfg', '--exclude', 'conftest.py', '--',
          'fire_detector', 'training', 'test')


def test_flake8() -> None:
    """Find what breaks the style of ROS 2."""
    check('ament_flake8.main', *SOURCES)


def test_pep257() -> None:
    """Find docstrings that are not in the style of ROS 2."""
    check('ament_pep257.main', *SOURCES)


def test_xmllint() -> None:
    """Check package.xml against its schema, which is read from the network."""
    if shutil.which('xmllint') is None:
        pytest.skip('xmllint is not installed (Debian package libxml2-utils)')
    result = run('ament_xmllint.main', 'package.xml')
    if 'failed to load external entity' in result.stdout + result.stderr:
        pytest.skip('the schema of package.xml cannot be reached from here')
    assert result.returncode == 0, result.stdout + result.stderr
