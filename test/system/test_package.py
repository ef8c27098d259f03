# SPDX-License-Identifier: Apache-2.0
"""The package is found, built and installed as ROS and pip do it."""

import os
from pathlib import Path
import re
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXECUTABLES = {'fire_classify', 'fire_detector_node', 'fire_guard',
               'fire_replay', 'file_camera', 'synthetic_camera'}
SHARED = {'package.xml',
          'integration/README.md', 'integration/cancel_and_turn.py', 'integration/failures.md',
          'integration/fire.perspective', 'integration/foxglove_layout.json',
          'integration/guarded.launch.py', 'integration/lifecycle_manager.yaml',
          'integration/twist_mux.yaml', 'integration/wait_while_fire.xml',
          'launch/detect.launch.py', 'launch/detect.yaml',
          'launch/fire_detector.policy.xml', 'launch/large_images.xml',
          'models/fire_detector.tflite', 'models/fire_detector_int8.tflite',
          'models/firenet.tflite'}


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                            check=False, timeout=300, **options)  # type: ignore[call-overload]
    assert result.returncode == 0, f'{result.stdout}\n{result.stderr}'
    return result  # type: ignore[no-any-return]


def check_prefix(prefix: Path, scripts: Path, python_path: Path, tmp_path: Path,
                 version: str) -> None:
    """Check that everything is there, and that tools find the installed model and version."""
    share = prefix / 'share'
    assert (share / 'ament_index/resource_index/packages/fire_detector').is_file()
    assert {path for path in SHARED if (share / 'fire_detector' / path).is_file()} == SHARED
    assert {path.name for path in scripts.iterdir()} >= EXECUTABLES
    program = 'from fire_detector.model.locate import find_model; print(find_model(%r))'
    found = run(sys.executable, '-c', program % 'firenet.tflite', cwd=tmp_path,
                env={'PYTHONPATH': str(python_path)})
    assert found.stdout.strip() == str(share / 'fire_detector/models/firenet.tflite')
    printed = run(scripts / 'fire_classify', '--version', cwd=tmp_path,
                  env={'PYTHONPATH': str(python_path)})
    assert printed.stdout == f'fire_classify {version}\n'


@pytest.mark.parametrize(('variables', 'rclpy', 'goal', 'status', 'words'), [
    ({'AMENT_PREFIX_PATH': '/opt/ros/jazzy'}, "raise ImportError('of Python 3.12')", 'demo', 2,
     ['rclpy', 'ImportError: of Python 3.12', 'make demo', 'PYTHON=/usr/bin/python3.12']),
    # Without AMENT_PREFIX_PATH, as PYTHONPATH comes before what is installed in .venv.
    ({}, "raise ImportError('of Python 3.12')", 'test', 2, ['PYTHON=/usr/bin/python3.12']),
    ({'AMENT_PREFIX_PATH': '/opt/ros/jazzy'}, None, 'test', 2, ['PYTHON=/usr/bin/python3']),
    ({'AMENT_PREFIX_PATH': '/opt/ros/jazzy'}, "raise ImportError('of Python 3.12')", 'clean', 0,
     ['rm -rf .venv']),
    ({'AMENT_PREFIX_PATH': '/opt/ros/jazzy', 'ROS_DISTRO': 'jazzy'}, '', 'demo', 0,
     ['.venv-jazzy/bin/python', '[litert,demo,replay]']),
    ({'PYTHONPATH': '/nosuch'}, None, 'demo', 0, ['.venv/bin/python', '[ros,litert,demo,replay]']),
])
def test_make_with_a_sourced_ros(tmp_path: Path, variables: dict[str, str], rclpy: str | None,
                                 goal: str, status: int, words: list[str]) -> None:
    """One of another Python stops it, with the remedy, before wheels of ROS are installed."""
    if shutil.which('make') is None:
        pytest.skip('make is not installed')
    (tmp_path / 'Makefile').write_bytes((ROOT / 'Makefile').read_bytes())
    (tmp_path / 'setup.py').touch()
    # Without site-packages, where this Python may have an rclpy.
    (tmp_path / 'python').write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    (tmp_path / 'python').chmod(0o755)
    if rclpy is not None:
        folder = tmp_path / 'lib' / 'python3.12' / 'site-packages' / 'rclpy'
        folder.mkdir(parents=True)
        (folder / '__init__.py').write_text(rclpy)
        variables = variables | {'PYTHONPATH': str(folder.parent)}
    result = subprocess.run(
        ['make', '--dry-run', goal, f'PYTHON={tmp_path}/python'], cwd=tmp_path,
        env={'PATH': os.environ['PATH'], **variables}, capture_output=True, text=True, timeout=60,
        check=False)
    output = result.stdout + result.stderr
    assert result.returncode == status, output
    assert [word for word in words if word not in output] == [], output


def test_colcon_list(tmp_path: Path) -> None:
    """Colcon sees an ament_python package: package.xml is strictly valid."""
    pytest.importorskip('colcon_ros', reason='colcon is not installed')
    result = run(sys.executable, '-m', 'colcon', '--log-base', tmp_path, 'list',
                 '--base-paths', ROOT)
    assert result.stdout.split() == ['fire_detector', str(ROOT), '(ros.ament_python)']


def test_colcon_build(colcon_install: Path, tmp_path: Path) -> None:
    """Node, tools, launch file, parameter file, models and marker are installed."""
    prefix = colcon_install / 'fire_detector'
    python_path, = prefix.glob('lib/python*/*-packages')
    version = re.search('<version>(.+)</version>', (ROOT / 'package.xml').read_text())
    assert version is not None
    check_prefix(prefix, prefix / 'lib/fire_detector', python_path, tmp_path, version[1])


def test_pip_install(tmp_path: Path) -> None:
    """The same from `pip install .`, with the tools where a shell finds them."""
    source, prefix = tmp_path / 'source', tmp_path / 'prefix'
    # A copy, because setuptools builds beside the sources.
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(
        '.venv', '.git', 'runs', 'build', '*.egg-info', 'demo_output'))
    # Another version than that of the environment that the tests run in.
    setup = source / 'setup.py'
    setup.write_text(re.sub(r"version='.+?'", "version='98.7.6'", setup.read_text()))
    run(sys.executable, '-m', 'pip', 'install', '--no-deps', '--no-build-isolation',
        # Or pip takes the package out of the environment that the tests run in.
        '--ignore-installed',
        '--prefix', prefix, source)
    python_path, = prefix.glob('lib/python*/*-packages')
    check_prefix(prefix, prefix / 'bin', python_path, tmp_path, '98.7.6')


def test_version_and_license_are_stated_once() -> None:
    """package.xml, setup.py and the license file agree."""
    xml = (ROOT / 'package.xml').read_text()
    setup = (ROOT / 'setup.py').read_text()
    for pattern in ((r'<version>(.+?)</version>', r"version='(.+?)'"),
                    (r'<license.*?>(.+?)</license>', r"license='(.+?)'"),
                    (r'email="(.+?)"', r"maintainer_email='(.+?)'")):
        in_xml, in_setup = (re.search(each, text) for each, text in zip(
            pattern, (xml, setup), strict=True))
        assert in_xml is not None
        assert in_setup is not None
        assert in_xml[1] == in_setup[1]
    assert 'Apache License' in (ROOT / 'LICENSE').read_text()
