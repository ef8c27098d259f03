# SPDX-License-Identifier: Apache-2.0
"""Parameters that are changed while the node runs, and what they do."""

from pathlib import Path

from fire_detector.model.locate import find_model
import numpy as np
import pytest
from ros_session import CALM, Camera, CONFIGURE, image_message, RosSession
from std_msgs.msg import Bool


def test_thresholds_apply_at_once(shared_ros: RosSession, camera: Camera) -> None:
    """What calm images reach raises the alarm, once the threshold is 0 and not before."""
    assert not any(camera.alarms_of(CALM, np.arange(1, 1.55, 0.1)))
    for name in ('alarm.off_threshold', 'alarm.on_threshold'):
        assert shared_ros.set_parameter(name, 0.0) == ''
    assert camera.detect(image_message(CALM, stamp=1.6))[1] is True
    for name in ('alarm.on_threshold', 'alarm.off_threshold'):
        assert shared_ros.set_parameter(name, -1.0) == ''


@pytest.mark.parametrize(('name', 'value', 'reason'), [
    ('alarm.on_threshold', 0.1, 'off 0.36, on 0.1'),
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
    file = tmp_path / 'parameters.yaml'
    file.write_text('/**:\n  ros__parameters:\n    alarm.on_treshold: 0.8\n    speed: 3\n'
                    '    use_sim_time: false\n')
    process = ros.start_detector(arguments=('--params-file', str(file)))
    ros.wait_for(lambda: 'there is no parameter alarm.on_treshold: its value is not used; did '
                 'you mean alarm.on_threshold?' in process.output, 'the misspelled name')
    ros.wait_for(lambda: 'there is no parameter speed' in process.output, 'the other one')
    ros.wait_for(lambda: 'subscribed to' in process.output, 'the end of the start')
    assert 'use_sim_time:' not in process.output


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
