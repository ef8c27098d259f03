# SPDX-License-Identifier: Apache-2.0
"""
Measure how many large images of a best-effort camera reach the node: `make large-images`.

Once as the launch file starts the node, and once without what it sets for Fast DDS. Unlike the
tests this does not keep to loopback, since rmw_fastrtps then takes transports of its own; it
keeps to a ROS domain of its own.
"""

from array import array
from collections.abc import Sequence
import os
from pathlib import Path
import sys
import tempfile
import time

from fire_detector.ros.fast_dds import large_images_environment
import rclpy
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from ros_session import Diagnostics, ROOT, RosSession
from sensor_msgs.msg import Image

WIDTH, HEIGHT, RATE, IMAGES = 1280, 720, 30, 120
# So that nothing is replaced by something newer, and what is missing was lost on the way.
OVERRIDE = f'qos_overrides./image.subscription.depth:={IMAGES}'
BEST_EFFORT = QoSReliabilityPolicy.BEST_EFFORT
TIMEOUT = 30.0


def publish() -> None:
    """Publish the images, once the node has followed this camera's reliability."""
    rclpy.init()
    node = rclpy.create_node('camera')
    publisher = node.create_publisher(
        Image, 'image', QoSProfile(depth=10, reliability=BEST_EFFORT))
    message = Image(width=WIDTH, height=HEIGHT, step=3 * WIDTH, encoding='bgr8',
                    data=array('B', bytes(3 * WIDTH * HEIGHT)))
    deadline = time.monotonic() + TIMEOUT
    while not (publisher.get_subscription_count() and all(
            info.qos_profile.reliability == BEST_EFFORT
            for info in node.get_subscriptions_info_by_topic('/image'))):
        if time.monotonic() > deadline:
            raise TimeoutError('nobody has subscribed to a best-effort camera')
        rclpy.spin_once(node, timeout_sec=0.1)
    start = time.monotonic()
    for number in range(IMAGES):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        publisher.publish(message)


def count_arrived(added: dict[str, str]) -> int:
    """Count the images that arrive at a node with variables added to its environment."""
    variables = {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'}
    with tempfile.TemporaryDirectory() as folder, RosSession(Path(folder), variables) as ros:
        diagnostics = Diagnostics(ros)
        ros.start_command(['env', *(f'{name}={value}' for name, value in added.items()),
                           sys.executable, '-m', 'fire_detector.nodes.detector_node', '--ros-args',
                           '-p', OVERRIDE])
        camera = ros.start_command([sys.executable, __file__, 'publish'])
        ros.wait_for(lambda: camera.popen.poll() is not None, 'the last image', TIMEOUT)
        if camera.popen.returncode != 0:
            raise RuntimeError(f'the camera has ended too early:\n{ros.output}')
        return int(diagnostics.refreshed()['arrived'])


def main(arguments: Sequence[str]) -> int:
    """Measure both, or publish; return the exit status: 1 unless all arrive."""
    if list(arguments) == ['publish']:
        publish()
        return 0
    added = large_images_environment(os.environ, ROOT / 'launch' / 'large_images.xml')
    print(f'{IMAGES} images of {WIDTH}x{HEIGHT} at {RATE} a second, best effort')
    print(f'without: {count_arrived({})} arrived')
    arrived = count_arrived(added)
    print(f'with {" ".join(f"{name}={value}" for name, value in added.items())}: '
          f'{arrived} arrived')
    return 0 if arrived == IMAGES else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
