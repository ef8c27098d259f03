# SPDX-License-Identifier: Apache-2.0
"""The messages of vision_msgs and of the alarm, by hand and over DDS."""

import dataclasses
from pathlib import Path
import subprocess
import sys

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from fire_detector.model.contract import ModelContract
from fire_detector.model.file import read_contract
from fire_detector.ros import messages as vision_messages
import numpy as np
import pytest
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros_session import CALM, Camera, camera_of_detector, FIRE, image_message, RosSession
from std_msgs.msg import Header
from vision_msgs_build import VisionMessages


@pytest.fixture
def vision(ros: RosSession, vision_msgs: VisionMessages) -> VisionMessages:
    """Return vision_msgs, for this process and for those that this ROS starts from here on."""
    ros.environment.update(vision_msgs.environment)
    return vision_msgs


@pytest.fixture
def with_messages(monkeypatch: pytest.MonkeyPatch, vision_msgs: VisionMessages) -> None:
    """Make the module find vision_msgs, as it does in a process that can import it."""
    for name in ('Classification', 'ObjectHypothesis', 'VisionInfo'):
        monkeypatch.setattr(vision_messages, name, getattr(vision_msgs.msg, name))


@pytest.fixture
def contract(model: Path) -> ModelContract:
    """Return a real model's contract."""
    return read_contract(model)


@pytest.mark.usefixtures('with_messages')
def test_two_classes_add_up_to_one(contract: ModelContract) -> None:
    """Of 0.75 fire, 0.25 is left for the other class, in whichever order the model has them."""
    header = Header(frame_id='camera')
    for labels in (('fire', 'nofire'), ('nofire', 'fire')):
        message = vision_messages.classification(
            dataclasses.replace(contract, labels=labels), header, 0.75)
        assert [(result.class_id, result.score) for result in message.results] == [
            ('fire', 0.75), ('nofire', 0.25)]
        assert message.header == header


@pytest.mark.usefixtures('with_messages')
def test_nothing_is_made_up_of_three_classes(contract: ModelContract) -> None:
    """What is left of 1 is not shared out among smoke and nothing."""
    message = vision_messages.classification(
        dataclasses.replace(contract, labels=('fire', 'smoke', 'nofire')), Header(), 0.75)
    assert [(result.class_id, result.score) for result in message.results] == [('fire', 0.75)]


@pytest.mark.usefixtures('with_messages')
@pytest.mark.parametrize(('digest', 'version'), [
    ('0' * 64, 0), ('0000010' + 57 * 'f', 16), ('f' * 64, 268435455)])
def test_vision_info(contract: ModelContract, digest: str, version: int) -> None:
    """The version is the first seven hexadecimal digits: at most 16^7 - 1, which int32 holds."""
    known = dataclasses.replace(contract, name='firenet', version='1.2', model_sha256=digest)
    message = vision_messages.vision_info(known, '/robot/fire_detector/labels', Header())
    assert message.method == 'firenet 1.2'
    assert message.database_location == '/robot/fire_detector/labels'
    assert message.database_version == version


def test_node_publishes_classification(
        ros: RosSession, vision: VisionMessages, fire: np.ndarray) -> None:
    """For each detection: the image's header, both classes and their probabilities."""
    found = ros.collect(vision.msg.Classification, '/fire_detector/classification')
    camera = camera_of_detector(ros)
    ros.wait_for(lambda: camera.detect(image_message(CALM, stamp=1)) and found, 'a classification')
    message = image_message(fire, stamp=77.25)
    probability, _ = camera.detect(message)
    ros.wait_for(lambda: found[-1].header == message.header, 'the header')
    assert {result.class_id: result.score for result in found[-1].results} == {
        'fire': pytest.approx(probability, abs=1e-6),
        'nofire': pytest.approx(1 - probability, abs=1e-6)}
    assert probability > 0.9


def test_model_is_published_to_late_subscribers(
        ros: RosSession, vision: VisionMessages, contract: ModelContract) -> None:
    """The model, and a parameter with the labels, in the robot's namespace; from then on held."""
    ros.start_detector(arguments=('-r', '__ns:=/robot1'))
    detector = '/robot1/fire_detector'
    assert ros.state(detector) == 'active'
    found: list[vision.msg.VisionInfo] = []  # type: ignore[name-defined]
    ros.node.create_subscription(
        vision.msg.VisionInfo, f'{detector}/vision_info', found.append,
        QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    ros.wait_for(lambda: found, 'what was published before')
    assert found[0].method == f'{contract.name} {contract.version}'
    assert found[0].database_version == int(contract.model_sha256[:7], 16)
    assert found[0].header.stamp.sec > 1_700_000_000
    node, parameter = found[0].database_location.rsplit('/', 1)
    assert tuple(ros.parameter(node, parameter)) == contract.labels
    # Type 9 is that of lists of text.
    refused = ros.call(SetParameters, f'{node}/set_parameters', SetParameters.Request(parameters=[
        Parameter(name=parameter, value=ParameterValue(type=9, string_array_value=['smoke']))]))
    assert not refused.results[0].successful
    assert refused.results[0].reason == 'labels are those of the loaded model'


def test_without_vision_msgs_the_topics_are_absent(ros: RosSession) -> None:
    """The node logs it once, and works."""
    # In a process of its own: this one may have what was built for the other tests.
    if subprocess.run([sys.executable, '-c', 'import vision_msgs.msg'], env=ros.environment,
                      capture_output=True, check=False).returncode == 0:
        pytest.skip('vision_msgs is installed')
    process = ros.start_detector()
    camera = Camera(ros).wait_until_heard()
    camera.detect(image_message(CALM, stamp=1))
    assert process.output.count('vision_msgs cannot be imported') == 1
    for topic in ('classification', 'vision_info'):
        assert ros.node.count_publishers(f'/fire_detector/{topic}') == 0


def test_alarm_has_the_stamp_of_its_image(ros: RosSession) -> None:
    """Each image's alarm comes with its header, and the last one for a late subscriber, too."""
    camera = camera_of_detector(ros, 'alarm.min_frames:=1')
    alarms: list[DiagnosticArray] = ros.collect(DiagnosticArray, '/fire_detector/alarm')
    ros.wait_for(lambda: ros.node.count_publishers('/fire_detector/alarm') == 1, 'the publisher')
    for stamp, pixels in ((1.5, CALM), (4.5, FIRE)):
        camera.detect(image_message(pixels, stamp=stamp))
    ros.wait_for(lambda: len(alarms) >= 2, 'the alarms')
    late: list[DiagnosticArray] = []
    ros.node.create_subscription(
        DiagnosticArray, '/fire_detector/alarm', late.append,
        QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    ros.wait_for(lambda: late, 'the last alarm')
    assert [(each.header.stamp.sec, each.header.stamp.nanosec, each.header.frame_id,
             vision_messages.is_alarm(each)) for each in (*alarms[-2:], *late)] == [
        (1, 500_000_000, 'camera_optical_frame', False),
        (4, 500_000_000, 'camera_optical_frame', True),
        (4, 500_000_000, 'camera_optical_frame', True)]


def test_whatever_is_not_a_plain_no_is_an_alarm() -> None:
    """A message without a status, with two, or of another level stops a robot."""
    no = vision_messages.alarm_array(False, '/fire_detector', Header())
    assert not vision_messages.is_alarm(no)
    for statuses in ([], [DiagnosticStatus(level=DiagnosticStatus.STALE)], 2 * list(no.status)):
        assert vision_messages.is_alarm(DiagnosticArray(status=statuses))
