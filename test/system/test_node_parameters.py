# SPDX-License-Identifier: Apache-2.0
"""Parameters that are changed while the node runs, and what they do."""

from pathlib import Path

from fire_detector.model.locate import find_model
from lifecycle_msgs.msg import Transition
import numpy as np
import pytest
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from ros_session import Camera, camera_of_detector, image_message, RosSession
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

CALM = np.full((48, 80, 3), 128, np.uint8)


def set_parameter(ros: RosSession, name: str, value: bool | float | str | list[str]) -> str:
    """Set a parameter of the running node; give the reason where it refuses."""
    response = ros.call(SetParameters, '/fire_detector/set_parameters', SetParameters.Request(
        parameters=[Parameter(name, value=value).to_parameter_msg()]))
    result, = response.results
    assert result.successful == (not result.reason)
    return str(result.reason)


def test_thresholds_apply_at_once(ros: RosSession, fire: np.ndarray) -> None:
    """What calm images reach raises the alarm, once the threshold is 0 and not before."""
    camera = camera_of_detector(ros)
    assert not any(camera.show(image_message(CALM, stamp=1 + 0.1 * number))[1]
                   for number in range(6))
    assert set_parameter(ros, 'alarm.off_threshold', 0.0) == ''
    assert set_parameter(ros, 'alarm.on_threshold', 0.0) == ''
    assert camera.show(image_message(CALM, stamp=1.6))[1] is True


@pytest.mark.parametrize(('name', 'value', 'reason'), [
    ('alarm.on_threshold', 0.1, 'off 0.36, on 0.1'),
    ('alarm.window', 'soon', "parameter alarm.window is 'soon', not a number from -1 to 60"),
    ('model', 'other.tflite', 'model is read when the node is configured: deactivate and'),
    ('autostart', False, 'read-only'),
    ('labels', ['a', 'b'], 'labels are those of the loaded model'),
    ('num_threads', 2, 'num_threads is read when the node is configured'),
])
def test_what_cannot_be_is_refused_with_the_reason(
        ros: RosSession, name: str, value: bool | float | str | list[str], reason: str) -> None:
    """The value stays as it was, and the node goes on."""
    camera = camera_of_detector(ros)
    before = ros.parameter('/fire_detector', name)
    assert reason in set_parameter(ros, name, value)
    assert ros.parameter('/fire_detector', name) == before
    camera.show(image_message(CALM, stamp=1))


def test_model_can_be_changed_while_unconfigured(ros: RosSession) -> None:
    """Cleaned up, the node takes another model, whose labels it then tells."""
    process = ros.start('detector_node', '-p', 'autostart:=false')
    assert set_parameter(ros, 'model', 'firenet.tflite') == ''
    assert ros.change_state(Transition.TRANSITION_CONFIGURE)
    ros.wait_for(lambda: 'firenet.tflite (firenet' in process.output, 'the model in the log')
    assert ros.parameter('/fire_detector', 'labels') == ['fire', 'nofire']


def test_latched_alarm_waits_for_its_service(ros: RosSession, fire: np.ndarray) -> None:
    """Calm images do not clear it; ~/reset_alarm does, aloud, and says what it did."""
    camera = camera_of_detector(ros, 'alarm.latch:=true')
    stamps = iter(np.arange(10, 100, 0.1))
    assert [camera.show(image_message(fire, stamp=next(stamps)))[1] for _ in range(6)][-1] is True
    assert all(camera.show(image_message(CALM, stamp=next(stamps)))[1] for _ in range(20))
    before = len(camera.alarms)
    response = ros.call(Trigger, '/fire_detector/reset_alarm', Trigger.Request())
    assert response.success
    assert response.message in ('the alarm is cleared', 'no alarm was raised')
    ros.wait_for(lambda: len(camera.alarms) > before, 'a False')
    assert camera.alarms[-1] == Bool(data=False)
    assert camera.show(image_message(CALM, stamp=next(stamps)))[1] is False


def test_reset_of_what_is_not_configured_is_refused(ros: RosSession) -> None:
    """There is no alarm yet; the answer says why."""
    ros.start('detector_node', '-p', 'autostart:=false')
    response = ros.call(Trigger, '/fire_detector/reset_alarm', Trigger.Request())
    assert (response.success, response.message) == (False, 'the node is not configured')


def test_rate_can_be_capped(ros: RosSession) -> None:
    """At one image in a thousand seconds, the next is not answered; without the cap it is."""
    camera = camera_of_detector(ros)
    assert set_parameter(ros, 'max_rate', 0.001) == ''
    camera.show(image_message(CALM, stamp=1))
    answered = len(camera.probabilities)
    for stamp in (2, 3, 4):
        camera.publisher.publish(image_message(CALM, stamp=stamp))
    assert not ros.happens(lambda: len(camera.probabilities) > answered, within=1.0)
    assert set_parameter(ros, 'max_rate', 0.0) == ''
    camera.show(image_message(CALM, stamp=5))


def test_wrong_name_is_reported(ros: RosSession, tmp_path: Path) -> None:
    """A misspelled name in a parameter file is named, with what was probably meant."""
    file = tmp_path / 'parameters.yaml'
    file.write_text('/**:\n  ros__parameters:\n    alarm.on_treshold: 0.8\n    speed: 3\n'
                    '    use_sim_time: false\n')
    process = ros.start('detector_node', '--params-file', str(file))
    ros.wait_for(lambda: 'there is no parameter alarm.on_treshold: its value is not used; did '
                 'you mean alarm.on_threshold?' in process.output, 'the misspelled name')
    ros.wait_for(lambda: 'there is no parameter speed' in process.output, 'the other one')
    ros.state()
    assert 'use_sim_time:' not in process.output


def test_overridden_quality_of_service(ros: RosSession) -> None:
    """qos_overrides of the image topic reach the subscription."""
    ros.start('detector_node', '-p', 'qos_overrides./image.subscription.depth:=7')
    Camera(ros).wait_until_heard()
    info, = ros.node.get_subscriptions_info_by_topic('/image')
    # A middleware need not tell the depth; where it does, it is the one asked for.
    assert info.qos_profile.depth in (0, 7)
    assert ros.parameter('/fire_detector', 'qos_overrides./image.subscription.depth') == 7


def test_changed_model_is_refused_unless_allowed(ros: RosSession, tmp_path: Path) -> None:
    """One changed byte of the model: configure fails; with the parameter it is used, aloud."""
    path = tmp_path / 'firenet.tflite'
    data = bytearray(find_model('firenet.tflite').read_bytes())
    # The last byte of a weight.
    data[1_000_003] ^= 1
    path.write_bytes(data)
    process = ros.start('detector_node', '-p', f'model:={path}')
    ros.wait_for(lambda: 'cannot configure: ' in process.output, 'the refusal')
    assert str(path) in process.output
    assert set_parameter(ros, 'allow_changed_model', True) == ''
    assert ros.change_state(Transition.TRANSITION_CONFIGURE)
    ros.wait_for(lambda: 'is not the one that its contract names' in process.output, 'a warning')
