# SPDX-License-Identifier: Apache-2.0
"""The detector's diagnostics, also with a camera that is silent."""

from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from fire_detector.model.file import read_contract
from fire_detector.ros.messages import is_alarm
import pytest
from rclpy.qos import QoSProfile
from ros_session import (
    ACTIVATE,
    CALM,
    Camera,
    CONFIGURE,
    Diagnostics,
    FIRE,
    image_message,
    RosSession,
)
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage


@pytest.fixture
def diagnostics(ros: RosSession) -> Diagnostics:
    """Return the node's diagnostics."""
    return Diagnostics(ros)


def test_states(ros: RosSession, diagnostics: Diagnostics, model: Path) -> None:
    """Every state is named; from `configure` on the model is, too."""
    ros.start_detector('autostart:=false')
    diagnostics.wait_for(DiagnosticStatus.OK, 'unconfigured')
    assert ros.change_state(CONFIGURE)
    contract = read_contract(model)
    values = diagnostics.wait_for(DiagnosticStatus.OK, 'inactive')
    assert values['model'] == f'{contract.name} {contract.version}'
    assert values['model SHA-256'] == contract.model_sha256
    assert values['threads'] == '1'
    assert ros.change_state(ACTIVATE)
    diagnostics.wait_for(DiagnosticStatus.STALE, 'no image yet')
    diagnostics.wait_for(DiagnosticStatus.ERROR, 'no image on /image for 2 s: nobody publishes')


def test_images_are_counted(ros: RosSession, diagnostics: Diagnostics) -> None:
    """Processed images, and a rejected one, are in the diagnostics, by size and reason."""
    process = ros.start_detector()
    camera = Camera(ros).wait_until_heard(image_message(CALM, stamp=2e9))
    before = diagnostics.wait_for(DiagnosticStatus.WARN, 'ahead of this node')
    bad = image_message(CALM, stamp=4)
    bad.encoding = 'nosuch'
    camera.publisher.publish(bad)
    ros.wait_for(lambda: "encoding 'nosuch' is not one of" in process.output, 'the rejection')
    detections: list[tuple[float, bool]] = []

    def detect() -> None:
        detections.append(camera.detect(image_message(CALM, stamp=10 + 0.1 * len(detections))))

    diagnostics.wait_for(DiagnosticStatus.WARN, 'days old', meanwhile=detect)
    values = diagnostics.wait_for(DiagnosticStatus.WARN, 'days old', meanwhile=detect)
    processed = int(values['processed']) - int(before['processed'])
    assert len(detections) - 50 < processed <= len(detections)
    assert values['rejected for encoding'] == '1'
    assert "'nosuch'" in values['last rejection']
    assert values['encoding'] == 'bgr8'
    assert values['size'] == '80x48'
    assert 0 < float(values['inference p50 (ms)']) < 1000
    assert 20 < float(values['memory (MiB)']) < 1000
    assert 0 <= float(values['CPU (% of one core)']) < 400
    assert (values['alarm'], values['stale']) == ('not raised', '0')
    assert values['runtime'] in ('litert', 'tflite', 'tensorflow')


@pytest.mark.parametrize('behind', [0.0, 1.7e9])
def test_stale_images_lead_to_no_alarm(
        ros: RosSession, diagnostics: Diagnostics, behind: float) -> None:
    """
    No alarm, and an error, of images of an hour ago or ahead, unstamped, or of a frozen camera.

    They have a probability, and the next fresh ones an alarm. So it is with a simulated clock,
    which is so many seconds behind the other one.
    """
    ros.start_detector('max_age:=2.0', f'use_sim_time:={behind > 0}'.lower(),
                       'alarm.min_frames:=1')
    clock = ros.node.create_publisher(Clock, '/clock', 10)
    camera = Camera(ros)
    alarms: list[DiagnosticArray] = ros.collect(DiagnosticArray, '/fire_detector/alarm')

    age: float | None = 0.0

    def send() -> None:
        now = ros.now() - behind
        clock.publish(Clock(clock=image_message(CALM, stamp=now).header.stamp))
        stamp = frozen if age is None else max(0.0, now - age)
        camera.publisher.publish(image_message(FIRE, stamp=stamp))

    def is_raised() -> bool:
        return any(each.data for each in camera.alarms) and any(map(is_alarm, alarms))

    frozen = ros.now() - behind
    ros.node.create_timer(0.1, send)
    for age, cause in ((3600.0, '3600.0 s old'), (-3600.0, '3600.0 s ahead'),
                       (1e10, 'have no stamp'), (None, 'stands still')):
        diagnostics.wait_for(DiagnosticStatus.ERROR, cause)
        for messages in (alarms, camera.alarms, camera.probabilities):
            messages.clear()
        ros.wait_for(lambda: len(camera.probabilities) > 5, 'probabilities')
        assert not alarms and not camera.alarms, cause
        assert int(diagnostics.wait_for(DiagnosticStatus.ERROR, cause)['stale']) > 5
        age = 0.0
        ros.wait_for(is_raised, 'an alarm')
        diagnostics.messages.clear()
        diagnostics.wait_for(DiagnosticStatus.OK, 'images/s')


def test_unfitting_publisher_is_named(ros: RosSession, diagnostics: Diagnostics) -> None:
    """With compressed images on the raw topic, the error has their publisher and the remedy."""
    ros.start_detector('image_timeout:=0.5')
    ros.node.create_publisher(CompressedImage, '/image', QoSProfile(depth=1))
    diagnostics.wait_for(DiagnosticStatus.ERROR, 'set the parameter image_transport to compressed')
    diagnostics.wait_for(DiagnosticStatus.ERROR, '/tester (sensor_msgs/msg/CompressedImage')
