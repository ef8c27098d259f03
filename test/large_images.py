# SPDX-License-Identifier: Apache-2.0
"""
Measure how many large pictures of a best-effort camera reach the node: `make large-images`.

Once as the launch file starts the node, and once without what it sets for Fast DDS. Unlike the
tests this does not keep to loopback, since rmw_fastrtps then takes transports of its own; it
keeps to a ROS domain of its own.
"""

from array import array
from collections.abc import Callable, Sequence
import os
from pathlib import Path
import subprocess
import sys
import time

from diagnostic_msgs.msg import DiagnosticArray
from fire_detector.fast_dds import large_images_environment
from fire_detector.ros_domain import isolated_domain
import rclpy
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import Image

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT, RATE, PICTURES = 1280, 720, 30, 120
# So that nothing is replaced by something newer, and what is missing was lost on the way.
OVERRIDE = f'qos_overrides./image.subscription.depth:={PICTURES}'
TIMEOUT = 30.0


def show() -> None:
    """Publish the pictures, once somebody has subscribed."""
    rclpy.init()
    node = rclpy.create_node('camera')
    publisher = node.create_publisher(Image, 'image', QoSProfile(
        depth=10, reliability=QoSReliabilityPolicy.BEST_EFFORT))
    wait_for(lambda: publisher.get_subscription_count() > 0, 'a subscription')
    message = Image(width=WIDTH, height=HEIGHT, step=3 * WIDTH, encoding='bgr8',
                    data=array('B', bytes(3 * WIDTH * HEIGHT)))
    # The node follows the camera's reliability within a second, and subscribes anew for it.
    start = time.monotonic() + 3
    for number in range(PICTURES):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        publisher.publish(message)
    time.sleep(3)


def count_arrived(environment: dict[str, str], added: dict[str, str]) -> int:
    """Count the pictures that arrive at a node with variables added to its environment."""
    context = rclpy.Context()
    rclpy.init(context=context)
    listener = rclpy.create_node('listener', context=context)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(listener)
    arrived = [0]

    def read(message: DiagnosticArray) -> None:
        values = {pair.key: pair.value for pair in message.status[0].values}
        arrived.append(int(values.get('arrived', 0)))

    listener.create_subscription(DiagnosticArray, '/diagnostics', read, 10)
    detector = subprocess.Popen(
        [sys.executable, '-m', 'fire_detector.node', '--ros-args', '--log-level', 'error',
         '-p', OVERRIDE], cwd=ROOT, env=environment | added)
    camera = subprocess.Popen([sys.executable, __file__, 'show'], env=environment)
    try:
        wait_for(lambda: camera.poll() is not None, 'the last picture',
                 lambda: executor.spin_once(timeout_sec=0.1))
    finally:
        for process in (camera, detector):
            process.kill()
            process.wait()
        executor.shutdown()
        listener.destroy_node()
        rclpy.shutdown(context=context)
    return max(arrived)


def wait_for(condition: Callable[[], bool], what: str,
             meanwhile: Callable[[], object] = lambda: time.sleep(0.02)) -> None:
    """Wait until a condition holds; raise TimeoutError, with its name, when it is late."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f'not within {TIMEOUT} s: {what}')
        meanwhile()


def main(arguments: Sequence[str]) -> int:
    """Measure both, and print them; return the exit status: 1 unless all arrive."""
    if list(arguments) == ['show']:
        show()
        return 0
    with isolated_domain() as domain:
        environment = os.environ | domain | {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'}
        os.environ.update(environment)
        added = large_images_environment(environment, ROOT / 'launch' / 'large_images.xml')
        print(f'{PICTURES} pictures of {WIDTH}x{HEIGHT} at {RATE} a second, best effort')
        print(f'without: {count_arrived(environment, {})} arrived')
        arrived = count_arrived(environment, added)
        print(f'with {" ".join(f"{name}={value}" for name, value in added.items())}: '
              f'{arrived} arrived')
    return 0 if arrived == PICTURES else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
