# SPDX-License-Identifier: Apache-2.0
"""Cameras that die, come back, contradict each other, change, or outrun the node."""

from array import array
from collections.abc import Callable
import signal
from statistics import median
import time

import cv2
from diagnostic_msgs.msg import DiagnosticStatus
from fire_detector.images.decode import from_image
from fire_detector.images.raw import ENCODINGS
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.locate import DEFAULT_MODEL, find_model
import numpy as np
import pytest
from rclpy.qos import QoSReliabilityPolicy
from ros_session import (
    CALM,
    Camera,
    camera_of_detector,
    DETECTOR,
    Diagnostics,
    FIRE,
    image_message,
    Process,
    RosSession,
    values_of,
)
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float32

BEST_EFFORT, RELIABLE = QoSReliabilityPolicy.BEST_EFFORT, QoSReliabilityPolicy.RELIABLE


def test_camera_process_is_killed_and_restarted(ros: RosSession) -> None:
    """Diagnostics turn to an error that names the topic; all is well by itself with the next."""
    diagnostics = Diagnostics(ros)
    probabilities = ros.collect(Float32, '/fire_detector/fire_probability')
    node = ros.start_detector('image_timeout:=1.0')

    def start_camera() -> Process:
        return ros.start('synthetic_camera', 'width:=96', 'height:=72', 'rate:=10.0')

    camera = start_camera()
    ros.wait_for(lambda: probabilities, 'probabilities')
    diagnostics.wait_for(DiagnosticStatus.OK, 'images/s')
    assert camera.end(signal.SIGKILL) == -signal.SIGKILL
    diagnostics.wait_for(DiagnosticStatus.ERROR, 'no image on /image for 1 s')
    ros.wait_for(lambda: 'no image on /image for 1 s' in node.output, 'the same in the log')
    probabilities.clear()
    start_camera()
    ros.wait_for(lambda: len(probabilities) > 5, 'probabilities after the restart')
    diagnostics.wait_for(DiagnosticStatus.OK, 'images/s')


def test_two_cameras_on_one_topic(ros: RosSession) -> None:
    """
    Process both, though one's clock is 0.3 s behind and it has another size and color order.

    Five images decide: the fifth of fire raises the alarm, and after eleven calm ones, more
    than a second of both, it is cleared. Nothing counts as dropped, since each camera numbers
    its own images.
    """
    classifier = FireClassifier(find_model(DEFAULT_MODEL))
    diagnostics = Diagnostics(ros)
    ros.start_detector()
    camera = Camera(ros)
    publishers = [camera.publisher, ros.node.create_publisher(Image, '/image', 10)]
    for camera.publisher in publishers:
        camera.wait_until_heard()
    for number in range(5):
        # So that the second is ahead of the first with its numbers.
        camera.detect(image_message(CALM, stamp=2e9 + number))
    camera.probabilities.clear()

    def alarm_of(number: int, pixels: np.ndarray) -> bool:
        """Publish an image with one camera and then the other; return the alarm."""
        message = (image_message(pixels, 'bgr8', 100 + 0.1 * number) if number % 2 else
                   image_message(np.ascontiguousarray(pixels[5:-5, 10:-10, ::-1]), 'rgb8',
                                 99.7 + 0.1 * number))
        camera.publisher = publishers[number % 2]
        probability, alarm = camera.detect(message)
        assert probability == pytest.approx(classifier.probability(from_image(message)), abs=1e-6)
        return alarm

    assert [alarm_of(number, FIRE) for number in range(6)] == 4 * [False] + 2 * [True]
    calm = [alarm_of(number, CALM) for number in range(6, 20)]
    assert calm[0] is True
    assert calm[-1] is False
    assert len(camera.probabilities) == 20
    assert diagnostics.refreshed()['dropped'] == '0'


def test_camera_becomes_reliable(ros: RosSession) -> None:
    """A reliable subscription hears no best-effort camera, which is said, but a reliable one."""
    diagnostics = Diagnostics(ros)
    process = ros.start_detector('reliability:=reliable', 'image_timeout:=0.5')
    unheard = Camera(ros, reliability=BEST_EFFORT)
    reason = 'a reliable subscription hears nothing of a best-effort publisher'
    diagnostics.wait_for(DiagnosticStatus.ERROR, reason,
                         lambda: unheard.publisher.publish(image_message(CALM)))
    ros.wait_for(lambda: reason in process.output, 'the reason in the log')
    assert not unheard.probabilities
    camera = Camera(ros).wait_until_heard()
    camera.detect(image_message(CALM, stamp=1))
    diagnostics.wait_for(DiagnosticStatus.OK, 'images/s',
                         lambda: camera.detect(image_message(CALM, stamp=ros.now())))


def test_camera_comes_back_with_another_reliability(ros: RosSession) -> None:
    """Left to itself, the node follows: from reliable to best effort, and back."""
    ros.start_detector()

    def subscriptions() -> list[QoSReliabilityPolicy]:
        return [info.qos_profile.reliability
                for info in ros.node.get_subscriptions_info_by_topic('/image')]

    for reliability in (RELIABLE, BEST_EFFORT, RELIABLE):
        camera = Camera(ros, reliability=reliability)
        wanted = [reliability]
        # A reliable camera is heard at once by one that is not: it follows within a second.
        ros.wait_for(lambda: subscriptions() == wanted, f'a {wanted} subscription')  # noqa: B023
        camera.wait_until_heard()
        camera.detect(image_message(CALM, stamp=1))
        ros.node.destroy_publisher(camera.publisher)


def filled(encoding: str, height: int, width: int, padding: int) -> Image:
    """Make an image of an encoding, as large as it may be within a size, its rows padded."""
    known = ENCODINGS[encoding]
    rows, columns = known.multiple
    message = Image(encoding=encoding, height=height - height % rows,
                    width=width - width % columns)
    message.step = message.width * known.channels * known.sample_bytes + padding
    lines = message.height + round(known.colors_below * message.height)
    pixels = np.random.default_rng(0).integers(0, 256, message.step * lines, np.uint8)
    message.data = array('B', pixels.tobytes())
    return message


def test_size_and_encoding_change_with_every_image(ros: RosSession) -> None:
    """The probability is the classifier's, down to the smallest and to odd sizes."""
    classifier = FireClassifier(find_model(DEFAULT_MODEL))
    camera = camera_of_detector(ros)
    messages = [filled(encoding, height, width, padding) for height, width, padding in (
        (33, 17, 0), (480, 640, 0), (3, 3, 0), (17, 601, 13)) for encoding in ENCODINGS]
    for message in messages:
        probability, _ = camera.detect(message)
        assert probability == pytest.approx(
            classifier.probability(from_image(message)), abs=1e-6), message.encoding
    assert len(camera.probabilities) == len(messages)


@pytest.mark.time
def test_overload(ros: RosSession) -> None:
    """
    Stay up to date and open to others where images come twice as fast as they are processed.

    An image waits for the one before it, one service time at most, and takes another: its age
    stays below two service times and the period of the camera. Half of the images are dropped.
    With a queue the age would grow all the time, to half of the time that this takes.
    """
    diagnostics = Diagnostics(ros)
    ros.start_detector('num_threads:=1', 'image_transport:=compressed')
    camera = Camera(ros, '/image/compressed', message_type=CompressedImage)
    # A PNG is decoded in full, and one of slow changes is small: slow to process, quick to send.
    rows, columns = np.mgrid[:2400, :3200].astype(np.float32)
    pixels = np.stack([rows / 10, columns / 14, rows / 18], axis=-1).astype(np.uint8)
    message = CompressedImage(format='png')
    message.data = array('B', cv2.imencode('.png', pixels)[1].tobytes())

    def stamped() -> CompressedImage:
        message.header.stamp = ros.node.get_clock().now().to_msg()
        return message

    camera.wait_until_heard(message)
    service = median(seconds_of(lambda: camera.detect(stamped())) for _ in range(15))
    before = diagnostics.refreshed()
    sent: list[CompressedImage] = []

    def send() -> None:
        sent.append(stamped())
        camera.publisher.publish(sent[-1])

    ros.node.create_timer(service / 2, send)
    ros.parameter(DETECTOR, 'max_rate')
    started = time.monotonic()
    diagnostics.messages.clear()
    waits = [seconds_of(lambda: ros.parameter(DETECTOR, 'max_rate')) for _ in range(20)]
    ros.wait_for(lambda: len(diagnostics.messages) >= 5, 'diagnostics')
    periods = [values_of(diagnostic) for diagnostic in diagnostics.messages[1:]]
    passed = time.monotonic() - started
    assert len(sent) > passed / service, 'this machine is too slow to overload the node'
    assert median(float(one['age p50 (s)']) for one in periods) < 2.5 * service + 0.1
    assert max(float(one['age max (s)']) for one in periods) < 1.0
    dropped, processed = (int(periods[-1][name]) - int(before[name])
                          for name in ('dropped', 'processed'))
    assert dropped > 0.2 * len(sent)
    assert processed > 0.2 * len(sent)
    assert median(waits) < 0.2


def seconds_of(action: Callable[[], object]) -> float:
    """Return how long something takes."""
    started = time.monotonic()
    action()
    return time.monotonic() - started
