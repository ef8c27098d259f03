# SPDX-License-Identifier: Apache-2.0
"""The launch file, really launched from an installed package."""

from collections.abc import Callable, Mapping
import json
import os
from pathlib import Path
import re
import shutil
import signal
import sys
from typing import Any

from ament_index_python.packages import get_packages_with_prefixes
from fire_detector.bringup.launch_support import CAMERA_DRIVERS, HARDWARE
from fire_detector.ros.fast_dds import RECEIVE_BUFFER, TRANSPORTS
from geometry_msgs.msg import Twist, Vector3
from lifecycle_msgs.msg import Transition
import psutil
import pytest
from ros_session import CALM, Camera, DETECTOR, image_message, Process, RosSession
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Float32
import yaml

pytest.importorskip('launch_ros', reason='launch_ros is not on PyPI: source a ROS 2')
pytest.importorskip('ros2launch', reason='ros2launch is not on PyPI: source a ROS 2')

Launcher = Callable[..., Process]
NODE = 'lib/fire_detector/fire_detector_node'
GUARD = 'lib/fire_detector/fire_guard'
# Of an alarm that one calm image raises.
AT_ONCE = {'alarm.min_frames': 1, 'alarm.on_threshold': 0.0, 'alarm.off_threshold': 0.0}
# Stands in for a camera driver, which no machine without its hardware can run: it has the topic
# that the driver's sources name, and publishes nothing.
DRIVER = """#!{python}
import rclpy
from sensor_msgs.msg import CompressedImage, Image
rclpy.init()
node = rclpy.create_node('driver')
raw = node.create_publisher(Image, '{topic}', 10)
compressed = node.create_publisher(CompressedImage, '{topic}/compressed', 10)
try:
    rclpy.spin(node)
except BaseException:
    pass
"""
# Stands in for `ros2 bag play`, which is not on PyPI: it writes down its arguments, and after its
# delay it publishes two images, or as many as PLAYED says, or ends with PLAYER_STATUS.
PLAYER = """#!{python}
import json, os, sys, time
import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from ros_session import image_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
json.dump(sys.argv[1:], open('{arguments}', 'w'))
if 'PLAYER_STATUS' in os.environ:
    sys.exit(int(os.environ['PLAYER_STATUS']))
# As long as the real one takes to start on a slow machine.
time.sleep(2.5)
rclpy.init()
node = rclpy.create_node('player')
publisher = node.create_publisher(Image, '/camera/image_raw', 10)
clock = node.create_publisher(Clock, '/clock', 10)
node.create_timer(0.025, lambda: clock.publish(Clock(clock=Time(sec=1))))

def spin(seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        rclpy.spin_once(node, timeout_sec=0.02)

spin(float(sys.argv[sys.argv.index('--delay') + 1]))
for stamp in range(1, 1 + int(os.environ.get('PLAYED', '2'))):
    publisher.publish(image_message(np.full((48, 80, 3), 128, np.uint8), stamp=stamp))
    spin(0.5)
"""


@pytest.fixture
def launch(ros: RosSession, colcon_install: Path) -> Launcher:
    """Return a function that runs `ros2 launch fire_detector detect.launch.py`."""
    ros2 = shutil.which('ros2')
    assert ros2 is not None

    def start(*arguments: str) -> Process:
        command = ' '.join((f'. {colcon_install}/local_setup.sh && exec', ros2, 'launch',
                            'fire_detector detect.launch.py', *arguments))
        return ros.start_command(['sh', '-c', command])

    return start


def parameter_file(folder: Path, **nodes: Mapping[str, Any]) -> str:
    """Write the parameters of each node, or of every one, to a file; return the argument."""
    path = folder / 'parameters.yaml'
    path.write_text(yaml.safe_dump({
        '/**' if node == 'every' else f'/**/{node}': {'ros__parameters': dict(values)}
        for node, values in nodes.items()}))
    return f'params_file:={path}'


def test_defaults(ros: RosSession, launch: Launcher, colcon_install: Path) -> None:
    """Without an argument: active, on /image, with the installed model; Ctrl-C ends it cleanly."""
    process = launch()
    camera = Camera(ros).wait_until_heard()
    camera.detect(image_message(CALM, stamp=ros.now()))
    assert ros.state() == 'active'
    model = colcon_install / 'fire_detector/share/fire_detector/models/fire_detector.tflite'
    assert f'model {model} (fire_detector' in process.output
    process.interrupt()
    assert 'process has finished cleanly' in process.output


def test_arguments(ros: RosSession, launch: Launcher, tmp_path: Path, model: Path) -> None:
    """Namespace, topic, model, log level, parameter file and simulated time reach the node."""
    other = tmp_path / 'other.tflite'
    shutil.copy(model, other)
    process = launch('namespace:=robot1', 'image_topic:=front/image_raw', f'model:={other}',
                     parameter_file(tmp_path, every=AT_ONCE | {'max_age': 0.0}),
                     'log_level:=debug', 'use_sim_time:=true')
    camera = Camera(ros, '/robot1/front/image_raw', '/robot1/fire_detector').wait_until_heard()
    assert camera.detect(image_message(CALM, stamp=1))[1] is True
    assert f'model {other} (fire_detector' in process.output
    # Of the node, and of nothing below it: rcl alone logs a dozen lines for each message.
    ros.wait_for(lambda: re.search(r'DEBUG.*robot1.fire_detector.*image', process.output),
                 'a line of the node')
    assert not re.search(r'DEBUG.*\[rcl', process.output)
    assert ros.parameter('/robot1/fire_detector', 'use_sim_time') is True


def test_parameter_file_is_not_overridden(
        ros: RosSession, launch: Launcher, tmp_path: Path) -> None:
    """An argument that was left out leaves a text and a switch as they are in the file."""
    launch(parameter_file(tmp_path, every={'model': 'firenet.tflite', 'autostart': False}))
    assert ros.state() == 'unconfigured'
    assert ros.parameter(DETECTOR, 'model') == 'firenet.tflite'


def test_without_autostart(ros: RosSession, launch: Launcher) -> None:
    """The transitions are left to a lifecycle manager."""
    launch('autostart:=False')
    assert ros.state() == 'unconfigured'


@pytest.mark.parametrize('respawn', [True, False])
def test_respawn(ros: RosSession, launch: Launcher, respawn: bool) -> None:
    """A node that dies comes back, unless it is not to."""
    process = launch(f'respawn:={str(respawn).lower()}')
    assert ros.state() == 'active'
    process.child(NODE).kill()
    ros.wait_for(lambda: 'process has died' in process.output, 'the death of the node')
    if respawn:
        ros.wait_for(lambda: process.output.count('subscribed to') == 2, 'a second life')
        assert ros.state() == 'active'
    else:
        assert process.popen.wait(20) is not None


def test_nodes_end_with_a_killed_launch(ros: RosSession, launch: Launcher) -> None:
    """None goes on beside those of the next launch, of which one could let commands pass."""
    if shutil.which('setpriv') is None:
        pytest.skip('setpriv, a tool of util-linux, is not installed')
    process = launch('guard:=true')
    assert ros.state() == ros.state('/fire_guard') == 'active'
    nodes = [process.child(name) for name in (NODE, GUARD)]
    os.kill(process.popen.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(nodes, timeout=5)
    assert alive == []


def stand_in(folder: Path, ros: RosSession, package: str, executable: str, program: str) -> None:
    """Install a program as a package's executable, where launch finds it."""
    marker = folder / 'share' / 'ament_index' / 'resource_index' / 'packages' / package
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    path = folder / 'lib' / package / executable
    path.parent.mkdir(parents=True)
    path.write_text(program)
    path.chmod(0o755)
    prefixes = ros.environment['AMENT_PREFIX_PATH']
    ros.environment['AMENT_PREFIX_PATH'] = f'{folder}:{prefixes}'


def publishers(ros: RosSession, topic: str) -> list[str]:
    """Return the full names of the nodes that publish a topic."""
    return [f'{info.node_namespace}/{info.node_name}'
            for info in ros.node.get_publishers_info_by_topic(topic)]


def test_environment_for_large_images(ros: RosSession, launch: Launcher) -> None:
    """By default the node's process, and it alone, has the larger receive buffer."""
    process = launch()
    assert ros.state() == 'active'
    assert process.child(NODE).environ()[TRANSPORTS] == f'UDPv4?sockets_size={RECEIVE_BUFFER}B'
    assert TRANSPORTS not in psutil.Process(process.popen.pid).environ()
    # Not yet: nobody publishes large images.
    assert 'may be lost' not in process.output


def test_users_transports_are_left_alone(ros: RosSession, launch: Launcher) -> None:
    """What is set in the environment reaches the node."""
    ros.environment[TRANSPORTS] = 'UDPv4'
    process = launch()
    assert ros.state() == 'active'
    assert process.child(NODE).environ()[TRANSPORTS] == 'UDPv4'


def test_without_large_images(ros: RosSession, launch: Launcher) -> None:
    """The argument turns it off; an enclave reaches the node."""
    process = launch('large_images:=false', 'enclave:=/robot/fire_detector')
    assert ros.state() == 'active'
    assert TRANSPORTS not in process.child(NODE).environ()
    command = process.child(NODE).cmdline()
    assert command[command.index('--enclave') + 1] == '/robot/fire_detector'
    assert ('fire_detector', '/', '/robot/fire_detector') in (
        ros.node.get_node_names_and_namespaces_with_enclaves())


def test_several_cameras(ros: RosSession, launch: Launcher) -> None:
    """Each has a detector and a camera in its namespace, which find each other."""
    process = launch('namespace:=robot1', 'cameras:=front,rear', 'image_topic:=image_raw',
                     'camera:=synthetic')
    probabilities = [ros.collect(Float32, f'/robot1/{name}/fire_detector/fire_probability')
                     for name in ('front', 'rear')]
    ros.wait_for(lambda: all(probabilities), 'probabilities of both')
    ros.wait_for(lambda: all(
        publishers(ros, f'/robot1/{name}/image_raw') == [f'/robot1/{name}/synthetic_camera']
        for name in ('front', 'rear')), 'one camera in each namespace')
    process.interrupt()


def test_guard(ros: RosSession, launch: Launcher, tmp_path: Path) -> None:
    """The guard subscribes to the detector of its namespace, with its part of the parameters."""
    file = parameter_file(tmp_path, every=AT_ONCE,
                          fire_guard={'slow_factor': 0.25, 'action': 'slow'})
    process = launch('namespace:=robot1', 'guard:=true', file, 'enclave:=/robot/fire_detector')
    camera = Camera(ros, '/robot1/image', '/robot1/fire_detector').wait_until_heard()
    out = ros.collect(Twist, '/robot1/cmd_vel_out')
    commands = ros.node.create_publisher(Twist, '/robot1/cmd_vel_in', 10)

    def slowed() -> bool:
        camera.detect(image_message(CALM, stamp=ros.now()))
        commands.publish(Twist(linear=Vector3(x=1.0)))
        return 0.25 in [each.linear.x for each in out]

    ros.wait_for(slowed, 'a command at a quarter of its speed')
    assert ros.state('/robot1/fire_guard') == 'active'
    assert ros.parameter('/robot1/fire_guard', 'detectors') == ['fire_detector/alarm']
    assert ('fire_guard', '/robot1', '/robot/fire_guard') in (
        ros.node.get_node_names_and_namespaces_with_enclaves())
    process.interrupt()


def test_guard_of_several_cameras(ros: RosSession, launch: Launcher) -> None:
    """There is one, which subscribes to the detector of each; it comes back when it dies."""
    process = launch('cameras:=front,rear', 'guard:=true', 'autostart:=false',
                     'use_sim_time:=true')
    assert ros.state('/fire_guard') == 'unconfigured'
    assert ros.parameter('/fire_guard', 'detectors') == [
        'front/fire_detector/alarm', 'rear/fire_detector/alarm']
    assert ros.parameter('/fire_guard', 'use_sim_time') is True
    # What the package's parameter file says.
    assert ros.parameter('/fire_guard', 'release_after') == 3.0
    process.child(GUARD).kill()
    ros.wait_for(lambda: process.output.count('process started with pid') == 4, 'a second life')


@pytest.mark.parametrize('camera', HARDWARE)
def test_camera_driver(ros: RosSession, launch: Launcher, tmp_path: Path, camera: str) -> None:
    """The driver is started in the detector's namespace, on the detector's topics."""
    driver = CAMERA_DRIVERS[camera]
    stand_in(tmp_path, ros, driver.package, driver.executable,
             DRIVER.format(python=sys.executable, topic=driver.image_topic))
    launch('namespace:=robot1', f'camera:={camera}', 'image_topic:=front/image_raw',
           'autostart:=false')
    ros.wait_for(lambda: publishers(ros, '/robot1/front/image_raw')
                 == publishers(ros, '/robot1/front/image_raw/compressed')
                 == ['/robot1/driver'], 'the driver on both topics')


@pytest.mark.parametrize(('arguments', 'message'), [
    (['bag:=/no/such/bag'], 'bag:=/no/such/bag: there is no such file or folder'),
    (['cameras:=front,rear', 'camera:=usb_cam'], 'would open the same device'),
    (['respawn:=maybe'], 'respawn:=maybe: expected true or false'),
    (['use_sim_time:=ja'], 'use_sim_time:=ja: expected true or false'),
    (['enclave:=robot'], 'enclave:=robot: expected a path such as /robot'),
    (['image_topic:=a//b'], 'image_topic:=a//b: expected a topic'),
    (['params_file:=/no/such.yaml'], 'params_file:=/no/such.yaml: there is no such file'),
    ([f'params_file:={__file__}'], f'params_file:={__file__}: '),
])
def test_refusal(launch: Launcher, arguments: list[str], message: str) -> None:
    """Nothing is started, and the argument is named, with what is expected."""
    process = launch(*arguments)
    process.check_end(1)
    assert message in process.output
    assert 'process started' not in process.output


@pytest.mark.parametrize(('package', 'argument'), [
    ('usb_cam', 'camera:=usb_cam'), ('ros2bag', f'bag:={__file__}')])
def test_missing_package(ros: RosSession, launch: Launcher, package: str, argument: str) -> None:
    """Nothing is started, and the command that installs it is named."""
    if package in get_packages_with_prefixes():
        pytest.skip(f'{package} is installed')
    ros.environment['ROS_DISTRO'] = 'jazzy'
    process = launch(argument)
    process.check_end(1)
    assert f'sudo apt install ros-jazzy-{package.replace("_", "-")}' in process.output
    assert 'process started' not in process.output


@pytest.fixture
def player_arguments(ros: RosSession, tmp_path: Path) -> Path:
    """Install the stand-in for the player; return the file that it writes its arguments into."""
    arguments = tmp_path / 'arguments.json'
    stand_in(tmp_path, ros, 'ros2bag', 'ros2',
             PLAYER.format(python=sys.executable, arguments=arguments))
    ros.environment['PATH'] = f'{tmp_path}/lib/ros2bag:{ros.environment["PATH"]}'
    ros.environment['PYTHONPATH'] = f'{Path(__file__).parents[1]}:{ros.environment["PYTHONPATH"]}'
    return arguments


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Return a bag, for a player that does not read it, with images and with detections."""
    folder = tmp_path / 'bag'
    folder.mkdir()
    image = 'sensor_msgs/msg/Image'
    topics = [{'topic_metadata': {'name': name, 'type': message_type}, 'message_count': 2}
              for name, message_type in (
                  ('/camera/image_raw', image), ('/camera/camera_info', 'sensor_msgs/CameraInfo'),
                  ('/front/image_raw', image), ('/rear/image_raw', image),
                  ('/fire_detector/fire_detected', 'std_msgs/msg/Bool'), ('/tf', 'tf2_msgs/TF'))]
    (folder / 'metadata.yaml').write_text(yaml.safe_dump({
        'rosbag2_bagfile_information': {'topics_with_message_count': topics}}))
    return folder


@pytest.mark.parametrize(('choice', 'played'), [
    ('camera', ['/camera/image_raw', '/camera/camera_info']),
    ('all', ['/camera/image_raw', '/camera/camera_info', '/front/image_raw', '/rear/image_raw',
             '/tf'])])
def test_bag(ros: RosSession, launch: Launcher, player_arguments: Path, bag: Path,
             choice: str, played: list[str]) -> None:
    """
    A bag is played to an active node, on the bag's clock, and the launch ends with it.

    Recorded detections are not mixed with the new ones. Nothing is warned of, although the player
    begins when the node has been active for 4 s.
    """
    probabilities = ros.collect(Float32, '/fire_detector/fire_probability')
    process = launch(f'bag:={bag}', 'image_topic:=/camera/image_raw', f'bag_topics:={choice}')
    ros.wait_for(lambda: player_arguments.exists() and player_arguments.read_text(), 'the player')
    assert ros.state() == 'active'
    arguments = json.loads(player_arguments.read_text())
    assert arguments[:4] == ['bag', 'play', str(bag), '--clock']
    assert arguments[-len(played) - 2:] == ['--disable-keyboard-controls', '--topics', *played]
    assert ros.parameter('/fire_detector', 'use_sim_time') is True
    ros.wait_for(lambda: process.popen.poll() is not None, 'the end of the launch')
    process.check_end()
    assert len(probabilities) == 2, process.output
    assert 'the bag has ended' in process.output
    assert 'no image on' not in process.output


def test_bag_of_the_real_player(ros: RosSession, launch: Launcher, tmp_path: Path) -> None:
    """
    Where `ros2 bag` is installed: the images are processed, and nothing is warned of.

    Recorded probabilities, of 0.5, do not come. One of ten images may be replaced by the next
    before it is processed, on a busy machine.
    """
    if 'ros2bag' not in get_packages_with_prefixes():
        pytest.skip('ros2bag is not on PyPI: source a ROS 2')
    pytest.importorskip('rosbags')
    import replay_bags
    from rosbags.rosbag2 import StoragePlugin
    images = replay_bags.camera([CALM] * 10, '/camera/image_raw', rate=5.0)
    kind = 'std_msgs/msg/Float32'
    recorded = [('/fire_detector/fire_probability', kind, received,
                 replay_bags.ROS2.types[kind](data=0.5)) for _, _, received, _ in images]
    # The newest version that Humble reads.
    bag = replay_bags.write_bag(tmp_path / 'bag', [
        each for pair in zip(images, recorded, strict=True) for each in pair],
        StoragePlugin.SQLITE3, version=8)
    probabilities = ros.collect(Float32, '/fire_detector/fire_probability')
    process = launch(f'bag:={bag}', 'image_topic:=/camera/image_raw')
    ros.wait_for(lambda: process.popen.poll() is not None, 'the end of the launch')
    process.check_end()
    assert len(probabilities) >= 9, process.output
    assert 0.5 not in [each.data for each in probabilities]
    assert '[WARN]' not in process.output
    assert 'SPACE' not in process.output


@pytest.mark.parametrize(('variables', 'message'), [
    ({'PLAYER_STATUS': '3'}, 'cannot be played: ros2 bag play has ended with status 3'),
    ({'PLAYED': '0'}, 'has been played, but no image of it was processed by /fire_detector')])
def test_bag_that_cannot_be_played(ros: RosSession, launch: Launcher, player_arguments: Path,
                                   bag: Path, variables: dict[str, str], message: str) -> None:
    """The launch ends with status 1, and names the bag."""
    ros.environment |= variables
    process = launch(f'bag:={bag}', 'image_topic:=/camera/image_raw')
    ros.wait_for(lambda: process.popen.poll() is not None, 'the end of the launch')
    process.check_end(1)
    assert f'bag:={bag} {message}' in process.output
    assert player_arguments.exists()


def test_bag_waits_for_every_detector(
        ros: RosSession, launch: Launcher, player_arguments: Path, bag: Path) -> None:
    """One that is activated by hand is waited for."""
    launch(f'bag:={bag}', 'cameras:=front,rear', 'image_topic:=image_raw', 'autostart:=false')
    front, rear = '/front/fire_detector', '/rear/fire_detector'
    for node in (front, rear):
        assert ros.change_state(Transition.TRANSITION_CONFIGURE, node)
    assert ros.change_state(Transition.TRANSITION_ACTIVATE, front)
    assert not ros.happens(player_arguments.exists, 1.0)
    assert ros.change_state(Transition.TRANSITION_ACTIVATE, rear)
    ros.wait_for(player_arguments.exists, 'the player')


def test_launch_ends_with_a_detector_that_does_not_come_back(
        ros: RosSession, launch: Launcher, player_arguments: Path, bag: Path) -> None:
    """Waiting for a detector to become active does not keep the launch."""
    process = launch(f'bag:={bag}', 'image_topic:=/camera/image_raw', 'respawn:=false',
                     'autostart:=false')
    assert ros.state() == 'unconfigured'
    process.child(NODE).kill()
    assert process.popen.wait(20) is not None
    assert not player_arguments.exists()


@pytest.mark.parametrize('arguments', [
    ['image_transport:=compressed', 'image_topic:=front/image_raw'],
    ['image_topic:=front/image_raw/compressed']])
def test_compressed_images(ros: RosSession, launch: Launcher, arguments: list[str]) -> None:
    """The node subscribes to the compressed images below the camera topic, and to them alone."""
    launch(*arguments)
    publisher = ros.node.create_publisher(CompressedImage, '/front/image_raw/compressed', 10)
    ros.wait_for(lambda: publisher.get_subscription_count() == 1, 'a subscription')
    assert ros.node.count_subscribers('/front/image_raw') == 0
