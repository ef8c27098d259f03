# SPDX-License-Identifier: Apache-2.0
"""The topic that the detector subscribes to, and what it says of what comes on it."""

from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
import pytest
from rclpy.qos import QoSReliabilityPolicy
from ros_session import Camera, Diagnostics, image_message, RosSession
from sensor_msgs.msg import CompressedImage, Image

COMPRESSED = 'image_transport:=compressed'
# More than the 524,288 bytes of Fast DDS's shared memory, and less.
LARGE, SMALL = np.zeros((420, 420, 3), np.uint8), np.zeros((240, 320, 3), np.uint8)


@pytest.mark.parametrize(('parameters', 'remappings', 'topic'), [
    ([], ['image:=/cam/image_raw'], '/cam/image_raw'),
    ([COMPRESSED], [], '/image/compressed'),
    # As subscribers of image_transport: below what `image` is remapped to.
    ([COMPRESSED], ['image:=/cam/image_raw'], '/cam/image_raw/compressed'),
    ([COMPRESSED], ['image/compressed:=/other'], '/other'),
    ([COMPRESSED], ['image:=/cam/image_raw', 'image/compressed:=/other'], '/other'),
    # The advice for the topic of compressed images is to set the transport.
    ([COMPRESSED], ['image:=/cam/image_raw/compressed'], '/cam/image_raw/compressed'),
])
def test_topic(ros: RosSession, parameters: list[str], remappings: list[str], topic: str) -> None:
    """The node subscribes to that topic, and to no other of images."""
    ros.start_detector(*parameters,
                       arguments=[word for each in remappings for word in ('-r', each)])
    message_type = CompressedImage if parameters else Image
    publisher = ros.node.create_publisher(message_type, topic, 10)
    ros.wait_for(lambda: publisher.get_subscription_count() == 1, f'a subscription to {topic}')
    images = [name for name, types in ros.node.get_topic_names_and_types()
              if 'Image' in types[0] and ros.node.count_subscribers(name) > 0]
    assert images == [topic]


@pytest.mark.parametrize(('pixels', 'reliability', 'warned'), [
    (LARGE, QoSReliabilityPolicy.BEST_EFFORT, True),
    (LARGE, QoSReliabilityPolicy.RELIABLE, False),
    (SMALL, QoSReliabilityPolicy.BEST_EFFORT, False),
])
def test_warning_of_large_images(ros: RosSession, pixels: np.ndarray,
                                 reliability: QoSReliabilityPolicy, warned: bool) -> None:
    """On loopback, where large best-effort images get lost: once where one comes, else not."""
    process = ros.start_detector()
    camera = Camera(ros, reliability=reliability)
    diagnostics = Diagnostics(ros)
    message = image_message(pixels, stamp=1)
    ros.wait_for(lambda: f'/image, {reliability.name.lower().replace("_", " ")}' in process.output,
                 'a subscription of that reliability')
    camera.wait_until_heard(message)
    for _ in range(3):
        camera.publisher.publish(message)
        diagnostics.refreshed()
    advice = 'large images of a best-effort camera may be lost'
    assert process.output.count(advice) == int(warned)


def test_nothing_is_expected_before_simulated_time_begins(ros: RosSession) -> None:
    """A simulator or a player may start later: no warning, and diagnostics say what is missing."""
    process = ros.start_detector('use_sim_time:=true', 'image_timeout:=0.5')
    diagnostics = Diagnostics(ros)
    diagnostics.wait_for(DiagnosticStatus.STALE, 'simulated time stands at 0')
    # One a second.
    ros.wait_for(lambda: len(diagnostics.messages) >= 3, 'diagnostics')
    assert {message.status[0].level for message in diagnostics.messages} == {
        DiagnosticStatus.STALE}
    assert 'no image on' not in process.output
