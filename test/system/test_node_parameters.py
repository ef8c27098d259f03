# SPDX-License-Identifier: Apache-2.0
"""Parameters that are changed while the node runs, and what they do."""

from pathlib import Path

from diagnostic_msgs.msg import DiagnosticStatus
from fire_detector.model.locate import find_model
from fire_detector.parameters.detector import default_values
import numpy as np
import pytest
from rcl_interfaces.srv import (
    GetParameters,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.parameter import (
    Parameter,
    parameter_dict_from_yaml_file,
    parameter_value_to_python,
)
from ros_session import (
    CALM,
    Camera,
    CONFIGURE,
    DETECTOR,
    Diagnostics,
    image_message,
    Process,
    RosSession,
)
from std_msgs.msg import Bool
import yaml

ON, OFF = 'alarm.on_threshold', 'alarm.off_threshold'


@pytest.mark.parametrize(('first', 'second'), [(OFF, ON), (ON, OFF)])
def test_thresholds_apply_at_once(shared_ros: RosSession, camera: Camera, first: str,
                                  second: str) -> None:
    """
    What calm images reach raises the alarm, once both thresholds are 0 and not before.

    In either order: an on threshold of 0 beside an off threshold of 0.36 waits for the other.
    """
    diagnostics = Diagnostics(shared_ros)
    assert not any(camera.alarms_of(CALM, np.arange(1, 1.55, 0.1)))
    assert shared_ros.set_parameter(first, 0.0) == ''
    assert camera.detect(image_message(CALM, stamp=1.6))[1] is False
    if first == ON:
        waiting = f'{ON} 0 is below {OFF} 0.36'
        diagnostics.wait_for(DiagnosticStatus.WARN, waiting)
        shared_ros.wait_for(lambda: waiting in shared_ros.output, 'a warning')
        # What has nothing to do with it is not held up.
        assert shared_ros.set_parameter('image_timeout', 20.0) == ''
        assert shared_ros.set_parameter('image_timeout', 2.0) == ''
    assert shared_ros.set_parameter(second, 0.0) == ''
    assert camera.detect(image_message(CALM, stamp=1.7))[1] is True
    for name in (ON, OFF):
        assert shared_ros.set_parameter(name, -1.0) == ''


def test_thresholds_together(shared_ros: RosSession, camera: Camera) -> None:
    """Two that are set at once and contradict each other are both refused."""
    result = shared_ros.call(
        SetParametersAtomically, f'{DETECTOR}/set_parameters_atomically',
        SetParametersAtomically.Request(parameters=[
            Parameter(name, value=value).to_parameter_msg()
            for name, value in ((ON, 0.1), (OFF, 0.2))])).result
    assert not result.successful
    assert 'off 0.2, on 0.1' in result.reason
    assert shared_ros.parameter(DETECTOR, ON) == shared_ros.parameter(DETECTOR, OFF) == -1.0


def test_own_parameters_can_be_loaded(shared_ros: RosSession, camera: Camera,
                                      tmp_path: Path) -> None:
    """
    What `ros2 param dump` writes of a running node, `ros2 param load` sets: nothing is refused.

    Both as they work: the values of all that the node lists, and a file's set one by one.
    """
    names = shared_ros.call(ListParameters, f'{DETECTOR}/list_parameters',
                            ListParameters.Request()).result.names
    assert {'autostart', 'model', 'labels', 'use_sim_time'} <= set(names)
    values = shared_ros.call(GetParameters, f'{DETECTOR}/get_parameters',
                             GetParameters.Request(names=names)).values
    file = tmp_path / 'dump.yaml'
    file.write_text(yaml.safe_dump({DETECTOR: {'ros__parameters': dict(zip(
        names, map(parameter_value_to_python, values), strict=True))}}))
    loaded = parameter_dict_from_yaml_file(str(file), True, [DETECTOR])
    results = shared_ros.call(SetParameters, f'{DETECTOR}/set_parameters', SetParameters.Request(
        parameters=list(loaded.values()))).results
    assert len(results) == len(names)
    assert [(name, result.reason) for name, result in zip(loaded, results, strict=True)
            if not result.successful] == []


@pytest.mark.parametrize(('name', 'value', 'expected'), [
    ('max_rate', -5.0, 'a number from 0 to 1000'),
    ('num_threads', 0, 'a whole number from 1 to 64'),
    ('num_threads', 'two', 'a whole number from 1 to 64'),
    ('image_timeout', 'soon', 'a number from 0 to 3600'),
    ('runtime', 3, "one of ('auto', 'litert', 'tflite', 'tensorflow')"),
    ('allow_changed_model', 'yes?', 'true or false'),
])
def test_wrong_value_in_a_file(ros: RosSession, tmp_path: Path, name: str,
                               value: float | str, expected: str) -> None:
    """The node stays unconfigured, and names it, until the parameter is set."""
    process = detector_of(ros, tmp_path, {name: value, 'alarm.min_frames': -2})
    reason = f'cannot configure: parameter {name} is {value!r}, not {expected}; '
    another = 'parameter alarm.min_frames is -2, not '
    Diagnostics(ros).wait_for(DiagnosticStatus.ERROR, reason + another)
    assert reason + another in process.output
    assert not ros.change_state(CONFIGURE)
    assert ros.state() == 'unconfigured'
    assert ros.set_parameter(name, value) != ''
    # The default is also the value that the parameter may have meanwhile.
    for each, default in ((name, default_values()[name]), ('alarm.min_frames', -1)):
        assert not ros.change_state(CONFIGURE)
        assert ros.set_parameter(each, default) == ''
    assert ros.change_state(CONFIGURE)


def detector_of(ros: RosSession, folder: Path, parameters: dict[str, object]) -> Process:
    """Start a detector with parameters from a file."""
    file = folder / 'parameters.yaml'
    file.write_text(yaml.safe_dump({'/**': {'ros__parameters': parameters}}))
    return ros.start_detector(arguments=('--params-file', str(file)))


@pytest.mark.parametrize(('name', 'value', 'reason'), [
    ('alarm.on_threshold', 1.1, 'out of range'),
    ('alarm.window', 'soon', "parameter alarm.window is 'soon', not a number from -1 to 60"),
    ('model', 'other.tflite', 'model is read when the node is configured: deactivate and'),
    ('autostart', False, 'read-only'),
    ('labels', ['a', 'b'], 'labels are those of the loaded model'),
    ('num_threads', 2, 'num_threads is read when the node is configured'),
])
def test_wrong_value_is_refused(shared_ros: RosSession, name: str,
                                value: bool | float | str | list[str], reason: str) -> None:
    """The reason is in the response, and the value stays as it was."""
    before = shared_ros.parameter('/fire_detector', name)
    assert reason in shared_ros.set_parameter(name, value)
    assert shared_ros.parameter('/fire_detector', name) == before


def test_latched_alarm_waits_for_its_service(
        shared_ros: RosSession, camera: Camera, fire: np.ndarray) -> None:
    """Calm images do not clear it; ~/reset_alarm does, and publishes False."""
    assert shared_ros.set_parameter('alarm.latch', True) == ''
    assert camera.alarms_of(fire, np.arange(10, 10.55, 0.1))[-1] is True
    assert all(camera.alarms_of(CALM, np.arange(10.6, 12.55, 0.1)))
    before = len(camera.alarms)
    assert shared_ros.trigger('/fire_detector/reset_alarm') == (True, 'the alarm is cleared')
    shared_ros.wait_for(lambda: len(camera.alarms) > before, 'a False')
    assert camera.alarms[-1] == Bool(data=False)
    assert camera.alarms_of(CALM, [13]) == [False]
    assert shared_ros.set_parameter('alarm.latch', False) == ''


def test_rate_can_be_capped(shared_ros: RosSession, camera: Camera) -> None:
    """At one image in a thousand seconds, the next is skipped; without the cap it is not."""
    assert shared_ros.set_parameter('max_rate', 0.001) == ''
    camera.detect(image_message(CALM, stamp=1))
    before = len(camera.probabilities)
    for stamp in (2, 3, 4):
        camera.publisher.publish(image_message(CALM, stamp=stamp))
    assert not shared_ros.happens(lambda: len(camera.probabilities) > before, within=1.0)
    assert shared_ros.set_parameter('max_rate', 0.0) == ''
    camera.detect(image_message(CALM, stamp=5))


def test_unconfigured(ros: RosSession) -> None:
    """Cleaned up, the node has no alarm to reset, and takes another model with its labels."""
    process = ros.start_detector('autostart:=false')
    assert ros.trigger('/fire_detector/reset_alarm') == (False, 'the node is not configured')
    assert ros.set_parameter('model', 'firenet.tflite') == ''
    assert ros.change_state(CONFIGURE)
    ros.wait_for(lambda: 'firenet.tflite (firenet' in process.output, 'the model in the log')
    assert ros.parameter('/fire_detector', 'labels') == ['fire', 'nofire']


def test_wrong_name_is_reported(ros: RosSession, tmp_path: Path) -> None:
    """A misspelled name in a parameter file is named, with what was probably meant."""
    process = detector_of(ros, tmp_path, {
        'alarm.on_treshold': 0.8, 'speed': 3, 'use_sim_time': False, 'labels': ['a', 'b']})
    ros.wait_for(lambda: 'there is no parameter alarm.on_treshold: its value is not used; did '
                 'you mean alarm.on_threshold?' in process.output, 'the misspelled name')
    ros.wait_for(lambda: 'there is no parameter speed' in process.output, 'the other one')
    ros.wait_for(lambda: 'subscribed to' in process.output, 'the end of the start')
    assert 'parameter use_sim_time' not in process.output
    # Those of the model, which `ros2 param dump` writes into files.
    assert 'parameter labels' not in process.output


def test_overridden_quality_of_service(ros: RosSession) -> None:
    """qos_overrides of the image topic reach the subscription."""
    ros.start_detector('qos_overrides./image.subscription.depth:=7')
    Camera(ros).wait_until_heard()
    info, = ros.node.get_subscriptions_info_by_topic('/image')
    # A middleware need not report the depth; where it does, it is that of the parameter.
    assert info.qos_profile.depth in (0, 7)
    assert ros.parameter('/fire_detector', 'qos_overrides./image.subscription.depth') == 7


def test_changed_model_is_refused_unless_allowed(ros: RosSession, tmp_path: Path) -> None:
    """One changed byte of the model: configure fails; with the parameter it warns."""
    path = tmp_path / 'firenet.tflite'
    data = bytearray(find_model('firenet.tflite').read_bytes())
    # The last byte of a weight.
    data[1_000_003] ^= 1
    path.write_bytes(data)
    process = ros.start_detector(f'model:={path}')
    ros.wait_for(lambda: 'cannot configure: ' in process.output, 'the refusal')
    assert str(path) in process.output
    assert ros.set_parameter('allow_changed_model', True) == ''
    assert ros.change_state(CONFIGURE)
    ros.wait_for(lambda: 'is not the one that its contract names' in process.output, 'a warning')
