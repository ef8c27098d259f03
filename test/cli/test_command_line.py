# SPDX-License-Identifier: Apache-2.0
"""Help, version and completion of all command lines."""

import os
from pathlib import Path
import re
import subprocess
import sys

from command_line import ROOT, run_module
from fire_detector.nodes.detector_node import HELP as DETECTOR
from fire_detector.nodes.file_camera import HELP as FILE_CAMERA
from fire_detector.nodes.synthetic_camera import HELP as SYNTHETIC_CAMERA
from fire_detector.parameters.detector import PARAMETERS
from fire_detector.parameters.table import Parameter
from fire_detector.ros.node_help import NodeHelp
import pytest
from rcl_interfaces.srv import ListParameters
from ros_session import RosSession

TOOLS = {'cli.classify': 'fire_classify', 'demo.main': 'python -m fire_detector.demo.main',
         'replay.main': 'fire_replay'}
NODES = {'nodes.detector_node': 'fire_detector_node', 'nodes.guard_node': 'fire_guard',
         'nodes.file_camera': 'file_camera', 'nodes.synthetic_camera': 'synthetic_camera'}
# What rclpy gives every node, or Kilted's does.
OF_ROS = {'use_sim_time', 'start_type_description_service'}


def complete(folder: Path, line: str, shell: str = 'bash') -> list[str]:
    """
    Return the completions of fire_classify, as argcomplete's function for a shell gets them.

    :param line: the command line, with the cursor at its end.
    """
    program = folder / 'fire_classify'
    program.write_text(f'#!{sys.executable}\nimport sys\n'
                       'from fire_detector.cli.classify import main\nsys.exit(main())\n')
    program.chmod(0o755)
    result = subprocess.run(
        ['bash', '-c', f'{program} 8>&1 9>&2 1>/dev/null 2>&1'], capture_output=True, text=True,
        timeout=60, check=False, env=os.environ | {
            'PYTHONPATH': str(ROOT), '_ARGCOMPLETE': '1', '_ARGCOMPLETE_SHELL': shell,
            '_ARGCOMPLETE_IFS': '\n', 'COMP_LINE': line, 'COMP_POINT': str(len(line))})
    return [word.strip() for word in result.stdout.splitlines()]


@pytest.mark.parametrize('module', [*TOOLS, *NODES])
def test_version(module: str) -> None:
    """The name of the tool, and what package.xml says."""
    version = re.search('<version>(.+)</version>', (ROOT / 'package.xml').read_text())
    assert version is not None
    result = run_module(f'fire_detector.{module}', '--version')
    assert result.stdout == f'{(TOOLS | NODES)[module]} {version[1]}\n', result.stderr
    assert result.returncode == 0


@pytest.mark.parametrize('module', TOOLS)
def test_help_of_tools(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are examples with options that exist; no line is wider than 80 characters."""
    monkeypatch.setenv('COLUMNS', '80')
    result = run_module(f'fire_detector.{module}', '--help')
    assert result.returncode == 0
    options, examples = result.stdout.split('\nexamples:\n')
    lines = [line.strip() for line in examples.split('\n\n')[0].splitlines()]
    assert len(lines) >= 2
    assert all(line.startswith(TOOLS[module]) for line in lines)
    assert set(re.findall(' (--[a-z]+)', ' '.join(lines))) <= set(
        re.findall(r'(--[a-z]+)', options)) | {'--ros'}
    assert 'Exit status: 0' in examples
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize('option', ['--help', '-h'])
def test_help_of_the_node(option: str, tmp_path: Path) -> None:
    """Every parameter with its default and text, and nothing of ROS is started."""
    result = run_module('fire_detector.nodes.detector_node', option,
                        environment={'ROS_LOG_DIR': str(tmp_path / 'log')})
    assert (result.returncode, result.stderr) == (0, '')
    printed = ' '.join(result.stdout.split())
    for parameter in PARAMETERS:
        default = str(parameter.default)
        written = default.lower() if default in ('True', 'False') else default
        assert f' {parameter.name}:={written} ' in printed
        assert parameter.text in printed
    assert 'One of: raw, compressed.' in printed
    assert not (tmp_path / 'log').exists()


@pytest.mark.parametrize('args', [
    [], ['--ros-args', '-p', 'model:=x'], ['--ros-args', '-r', '__node:=a', '--', '--help'],
    ['--ros-args', '--log-level', 'debug', '--help']])
def test_ros_arguments_are_left_alone(
        args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What a launch file passes begins with --ros-args; nothing behind it counts."""
    assert not DETECTOR.print_if_requested(args)
    assert capsys.readouterr().out == ''


def test_defaults_as_ros_reads_them() -> None:
    """On a command line values are YAML: false, an empty text in quotes, a list in brackets."""
    page = str(NodeHelp('node', '', (), (
        Parameter('a', False, ''), Parameter('b', '', ''), Parameter('c', ('x/y', 'z'), ''),
        Parameter('d', 0.5, ''))))
    assert re.findall('^  (.:=.*)$', page, re.MULTILINE) == [
        'a:=false', "b:=''", 'c:=[x/y,z]', 'd:=0.5']


def test_this_processs_arguments(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without arguments given, they are the process's, behind the program's name."""
    monkeypatch.setattr(sys, 'argv', ['--help'])
    assert not FILE_CAMERA.print_if_requested(None)
    monkeypatch.setattr(sys, 'argv', ['file_camera', '--help', '--ros-args'])
    assert FILE_CAMERA.print_if_requested(None)
    assert capsys.readouterr().out.startswith('usage: ros2 run fire_detector file_camera ')


@pytest.mark.parametrize(('module', 'page', 'given'), [
    ('synthetic_camera', SYNTHETIC_CAMERA, {}),
    ('file_camera', FILE_CAMERA, {'path': str(ROOT / 'docs' / 'demo.png')})])
def test_help_of_cameras(ros: RosSession, module: str, page: NodeHelp,
                         given: dict[str, str]) -> None:
    """A camera that runs has the parameters of its help page, with those defaults."""
    ros.start(module, *(f'{name}:={value}' for name, value in given.items()))
    node = f'/{module}'
    found = ros.call(ListParameters, f'{node}/list_parameters', ListParameters.Request())
    described = {option.name: option.default for option in page.parameters}
    assert set(found.result.names) - OF_ROS == set(described)
    assert {name: ros.parameter(node, name) for name in described} == described | given


def test_completion(tmp_path: Path) -> None:
    """Options that begin so, and the values of those that have few; zsh gets the help, too."""
    pytest.importorskip('argcomplete', reason='argcomplete is not installed')
    assert complete(tmp_path, 'fire_classify --j') == ['--json']
    assert complete(tmp_path, 'fire_classify --runtime t') == ['tflite', 'tensorflow']
    assert '--version' in complete(tmp_path, 'fire_classify --')
    assert '--json:print one JSON object a line' in complete(
        tmp_path, 'fire_classify --', 'zsh')


def test_completion_as_documented(tmp_path: Path) -> None:
    """The line of the documents makes bash complete; what it puts into COMPREPLY is printed."""
    pytest.importorskip('argcomplete', reason='argcomplete is not installed')
    # Makes the program.
    complete(tmp_path, 'fire_classify ')
    line, = re.findall(r'^ {4}(eval .*register-python-argcomplete fire_classify.*)$',
                       (ROOT / 'docs' / 'reference.md').read_text(), re.MULTILINE)
    script = (f'{line}\ncomplete -p fire_classify\n'
              'COMP_LINE="fire_classify --js"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9\n'
              'function=$(complete -p fire_classify | sed "s/.*-F //; s/ .*//")\n'
              '$function fire_classify; echo "completions: ${COMPREPLY[@]}"')
    folders = f'{tmp_path}:{Path(sys.executable).parent}:{os.environ["PATH"]}'
    result = subprocess.run(['bash', '-c', script], capture_output=True, text=True, timeout=60,
                            check=False,
                            env=os.environ | {'PATH': folders, 'PYTHONPATH': str(ROOT)})
    assert 'completions: --json' in result.stdout, f'{result.stdout}\n{result.stderr}'


def test_without_argcomplete(tmp_path: Path) -> None:
    """There are no completions, and no traceback either."""
    (tmp_path / 'argcomplete.py').write_text('raise ImportError\n')
    result = run_module('fire_detector.cli.classify', '--version', environment={
        'PYTHONPATH': str(tmp_path), '_ARGCOMPLETE': '1'})
    assert result.stdout.startswith('fire_classify ')
    assert result.stderr == ''
