# SPDX-License-Identifier: Apache-2.0
"""The launch file, really launched from an installed package."""

from collections.abc import Callable
from pathlib import Path
import shutil

import numpy as np
import pytest
from ros_session import Camera, image, Process, RosSession

pytest.importorskip('launch_ros', reason='launch_ros is not on PyPI: source a ROS 2')
pytest.importorskip('ros2launch', reason='ros2launch is not on PyPI: source a ROS 2')

Launcher = Callable[..., Process]
CALM = np.full((48, 80, 3), 128, np.uint8)


@pytest.fixture
def launch(ros: RosSession, colcon_install: Path) -> Launcher:
    """Give a function that runs `ros2 launch fire_detector detect.launch.py`."""
    ros2 = shutil.which('ros2')
    assert ros2 is not None

    def start(*arguments: str) -> Process:
        command = ' '.join((f'. {colcon_install}/local_setup.sh && exec', ros2, 'launch',
                            'fire_detector detect.launch.py', *arguments))
        return ros.start_command(['sh', '-c', command])

    return start


def test_defaults(ros: RosSession, launch: Launcher, colcon_install: Path) -> None:
    """Without an argument: active, on /image, with the installed model; Ctrl-C ends it cleanly."""
    process = launch()
    camera = Camera(ros)
    camera.wait_until_heard()
    camera.show(image(CALM, stamp=1))
    assert ros.state() == 'active'
    model = colcon_install / 'fire_detector/share/fire_detector/models/fire_detector.tflite'
    assert f'model {model} (fire_detector' in process.output
    assert process.end() == 0
    assert 'process has finished cleanly' in process.output
    assert 'Traceback' not in process.output


def test_arguments(ros: RosSession, launch: Launcher, tmp_path: Path, model: Path) -> None:
    """Namespace, topic, model, log level, parameter file and simulated time reach the node."""
    other = tmp_path / 'other.tflite'
    shutil.copy(model, other)
    parameters = tmp_path / 'parameters.yaml'
    parameters.write_text('/**:\n  ros__parameters:\n    alarm.min_frames: 1\n'
                          '    alarm.on_threshold: 0.0\n    alarm.off_threshold: 0.0\n')
    process = launch('namespace:=robot1', 'image_topic:=front/image_raw', f'model:={other}',
                     f'params_file:={parameters}', 'log_level:=debug', 'use_sim_time:=true')
    camera = Camera(ros, '/robot1/front/image_raw', '/robot1/fire_detector')
    camera.wait_until_heard()
    assert camera.show(image(CALM, stamp=1))[1] is True
    assert f'model {other} (fire_detector' in process.output
    assert '[DEBUG]' in process.output
    assert ros.parameter('/robot1/fire_detector', 'use_sim_time') is True


def test_model_of_the_parameter_file(
        ros: RosSession, launch: Launcher, tmp_path: Path, model: Path) -> None:
    """A launch argument that was left out does not hide what the file says."""
    other = tmp_path / 'other.tflite'
    shutil.copy(model, other)
    parameters = tmp_path / 'parameters.yaml'
    parameters.write_text(f'/**:\n  ros__parameters:\n    model: {other}\n')
    process = launch(f'params_file:={parameters}')
    ros.wait_for(lambda: f'model {other} (fire_detector' in process.output,
                 'the model of the file')


def test_autostart_of_the_parameter_file(
        ros: RosSession, launch: Launcher, tmp_path: Path) -> None:
    """That holds for switches, too."""
    parameters = tmp_path / 'parameters.yaml'
    parameters.write_text('/**:\n  ros__parameters:\n    autostart: false\n')
    launch(f'params_file:={parameters}')
    assert ros.state() == 'unconfigured'


def test_without_autostart(ros: RosSession, launch: Launcher) -> None:
    """The transitions are left to a lifecycle manager."""
    launch('autostart:=False')
    assert ros.state() == 'unconfigured'


@pytest.mark.parametrize('respawn', [True, False])
def test_respawn(ros: RosSession, launch: Launcher, respawn: bool) -> None:
    """A node that dies comes back, unless it is not to."""
    process = launch(f'respawn:={str(respawn).lower()}')
    assert ros.state() == 'active'
    process.kill_child('fire_detector_node')
    ros.wait_for(lambda: 'process has died' in process.output, 'the death of the node')
    if respawn:
        ros.wait_for(lambda: process.output.count('subscribed to') == 2, 'a second life')
        assert ros.state() == 'active'
    else:
        assert process.popen.wait(20) is not None
