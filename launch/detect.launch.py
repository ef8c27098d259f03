# SPDX-License-Identifier: Apache-2.0
"""Start the fire detector: `ros2 launch fire_detector detect.launch.py`."""

import os
from pathlib import Path
import shutil
from typing import Any

from ament_index_python.packages import get_package_share_path, get_packages_with_prefixes
from fire_detector.bringup.bag import ALL, CAMERA, topics_to_play
from fire_detector.bringup.launch_support import (
    alarm_topics,
    CAMERA_DRIVERS,
    check_combination,
    check_installed,
    check_names,
    detector_namespaces,
    guard_enclave,
    image_remappings,
    is_true,
    log_level_arguments,
    NO_CAMERA,
    split_cameras,
    split_image_topic,
)
from fire_detector.ros.bag_launch import play_when_active
from fire_detector.ros.fast_dds import large_images_environment, PROFILE_NAME
from launch import Action, LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from launch_ros.utilities import make_namespace_absolute, prefix_namespace
from rclpy.context import Context

PACKAGE = 'fire_detector'
GUARD = 'fire_guard'
# The launch arguments that override a parameter, when they are given.
SWITCHES = ('use_sim_time', 'autostart')
# Seconds, so that a node that cannot start does not keep the processor busy with trying.
RESPAWN_DELAY = 2.0


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, and start the nodes that they describe."""
    share = FindPackageShare(PACKAGE)
    return LaunchDescription([
        DeclareLaunchArgument(
            'namespace', default_value='',
            description='Namespace of the node and its topics.'),
        DeclareLaunchArgument(
            'cameras', default_value='',
            description='Names of several cameras, as in front,rear: a detector for each, in the '
                        'namespace of that name, below the one above.'),
        DeclareLaunchArgument(
            'params_file', default_value=PathJoinSubstitution([share, 'launch', 'detect.yaml']),
            description='Parameter file.'),
        DeclareLaunchArgument(
            'use_sim_time', default_value='',
            description='Take the time from /clock, as a bag or a simulator publishes it: true '
                        'or false. Left empty, true with bag:=, else as the parameter file '
                        'says, or else false.'),
        DeclareLaunchArgument(
            'autostart', default_value='',
            description='Configure and activate at start: true, or false to leave it to a '
                        'lifecycle manager. Left empty, the parameter file decides, or else '
                        'true.'),
        DeclareLaunchArgument(
            'respawn', default_value='true',
            description='Start the node again when its process ends by itself: true or false.'),
        DeclareLaunchArgument(
            'log_level', default_value='info',
            choices=['debug', 'info', 'warn', 'error', 'fatal'],
            description='Smallest severity of messages that are logged; debug holds for this '
                        "package's nodes alone, not for the middleware."),
        DeclareLaunchArgument(
            'image_topic', default_value='image',
            description='Camera topic, sensor_msgs/msg/Image; compressed images are expected '
                        'below it, at compressed.'),
        DeclareLaunchArgument(
            'image_transport', default_value='', choices=['', 'raw', 'compressed'],
            description='Subscribe to raw or compressed images. Left empty, the parameter file '
                        'decides, or else raw.'),
        DeclareLaunchArgument(
            'large_images', default_value='true',
            description='With Fast DDS, receive over UDP with a buffer of 4 MB, so that large '
                        'images of a best-effort camera arrive: true or false. Leaves '
                        'transports and profiles alone that the environment names.'),
        DeclareLaunchArgument(
            'camera', default_value=NO_CAMERA, choices=[NO_CAMERA, *CAMERA_DRIVERS],
            description='Start this camera driver too, with its own defaults, on the camera '
                        'topic.'),
        DeclareLaunchArgument(
            'bag', default_value='',
            description='Play this bag once the node is active, and end with it.'),
        DeclareLaunchArgument(
            'bag_topics', default_value=CAMERA, choices=[CAMERA, ALL],
            description="Topics of the bag to play: the camera's images and camera_info alone, or "
                        'all but those that the nodes of this launch publish.'),
        DeclareLaunchArgument(
            'model', default_value='',
            description='The .tflite file: a path, or the file name of an installed model. '
                        'Left empty, the parameter file decides: fire_detector.tflite in the one '
                        'that comes with the package.'),
        DeclareLaunchArgument(
            'enclave', default_value='',
            description='Enclave of the node in the keystore, where ROS 2 security is enabled. '
                        'That of the guard is fire_guard, beside it.'),
        DeclareLaunchArgument(
            'guard', default_value='false',
            description='Start the fire guard too, in the namespace above: it passes velocity '
                        'commands from cmd_vel_in to cmd_vel_out unless there is a fire alarm: '
                        'true or false.'),
        OpaqueFunction(function=_start),
    ])


def _start(context: LaunchContext) -> list[Action]:
    names, camera = split_cameras(_value(context, 'cameras')), _value(context, 'camera')
    bag, namespace = _value(context, 'bag'), _value(context, 'namespace')
    image_topic, transport = split_image_topic(
        _value(context, 'image_topic'), _value(context, 'image_transport'))
    check_names(namespace, image_topic, _value(context, 'enclave'))
    check_combination(camera, names, image_topic, bag)
    _check_params_file(_value(context, 'params_file'))
    namespaces = detector_namespaces(namespace, names)
    environment = _fast_dds_environment() if _switch(context, 'large_images') else {}
    remappings = image_remappings('image', image_topic)
    texts = {'image_transport': transport, 'model': _value(context, 'model')}
    detectors = [_detector(context, each, texts, remappings, environment) for each in namespaces]
    actions: list[Action] = [*detectors]
    if camera != NO_CAMERA:
        actions += [_camera(context, camera, each, image_topic) for each in namespaces]
    if _switch(context, 'guard'):
        actions.append(_guard(context, namespace, names))
    if bag:
        _check_installed('ros2bag', f'bag:={bag}')
        nodes = [f'{_absolute(context, each)}/{PACKAGE}' for each in namespaces]
        topics = topics_to_play(
            bag, _value(context, 'bag_topics'),
            [_absolute(context, each, image_topic) for each in namespaces],
            [*nodes, f'{_absolute(context, namespace)}/{GUARD}'])
        # First, so that no transition of a detector is missed.
        actions = [*play_when_active(detectors, bag, topics, _end_with_launch(context)), *actions]
    return actions


def _value(context: LaunchContext, name: str) -> str:
    return str(LaunchConfiguration(name).perform(context))


def _switch(context: LaunchContext, name: str) -> bool:
    return is_true(name, _value(context, name))


def _absolute(context: LaunchContext, *names: str) -> str:
    """Return a namespace or topic, below that of a group around this launch file, in full."""
    name = context.launch_configurations.get('ros_namespace', '')
    for each in names:
        name = prefix_namespace(name, each)
    return str(make_namespace_absolute(name)).rstrip('/')


def _check_params_file(path: str) -> None:
    """
    Refuse a parameter file that ROS cannot read: every node would end, and be started again.

    :raises ValueError: with the reason.
    """
    if not Path(path).is_file():
        raise ValueError(f'params_file:={path}: there is no such file')
    context = Context()
    try:
        context.init(['--ros-args', '--params-file', path], initialize_logging=False)
    except RuntimeError as error:
        raise ValueError(f'params_file:={path}: {error}') from error
    context.try_shutdown()


def _detector(context: LaunchContext, namespace: str, texts: dict[str, str],
              remappings: list[tuple[str, str]], environment: dict[str, str]) -> Node:
    # A LifecycleNode only for a bag: it makes ros2 launch a participant, which costs memory, and
    # needs keys where ROS 2 security is enforced.
    node = LifecycleNode if _value(context, 'bag') else Node
    # An argument that was left out must not hide what a user wrote into a parameter file.
    given = {name: ParameterValue(text, value_type=str) for name, text in texts.items() if text}
    return node(
        name=PACKAGE,
        parameters=[LaunchConfiguration('params_file'), _switches(context) | given],
        remappings=remappings, additional_env=environment,
        **_process(context, 'fire_detector_node', namespace, PACKAGE,
                   _value(context, 'enclave')))


def _guard(context: LaunchContext, namespace: str, cameras: list[str]) -> Node:
    topics = alarm_topics(cameras)
    return Node(
        name=GUARD,
        parameters=[LaunchConfiguration('params_file'), _switches(context),
                    *([{'detectors': topics}] if topics else [])],
        **_process(context, GUARD, namespace, GUARD, guard_enclave(_value(context, 'enclave'))))


def _process(context: LaunchContext, executable: str, namespace: str, name: str,
             enclave: str) -> dict[str, Any]:
    log_level = log_level_arguments(
        _value(context, 'log_level'), _absolute(context, namespace), name)
    return {
        'package': PACKAGE, 'executable': executable, 'exec_name': executable,
        'namespace': namespace, 'output': 'both', 'emulate_tty': True,
        'respawn': _switch(context, 'respawn'), 'respawn_delay': RESPAWN_DELAY,
        'prefix': _end_with_launch(context),
        'arguments': ['--ros-args', *log_level, *(['--enclave', enclave] if enclave else [])]}


def _end_with_launch(context: LaunchContext) -> str | None:
    """
    Return the prefix of a command with which it is interrupted when ros2 launch dies.

    One that is killed cannot end its processes. They would go on beside those of the next launch:
    of two guards, the one that knows of no alarm would let commands pass.
    """
    setpriv = shutil.which('setpriv')
    # What a user puts before a command, such as a debugger, is left alone.
    return f'{setpriv} --pdeathsig INT' if setpriv and not context.launch_configurations.get(
        'launch-prefix') else None


def _switches(context: LaunchContext) -> dict[str, ParameterValue]:
    switches = {name: _switch(context, name) for name in SWITCHES if _value(context, name)}
    if _value(context, 'bag'):
        switches.setdefault('use_sim_time', True)
    return {name: ParameterValue(value, value_type=bool) for name, value in switches.items()}


def _fast_dds_environment() -> dict[str, str]:
    profile = get_package_share_path(PACKAGE) / 'launch' / PROFILE_NAME
    return large_images_environment(os.environ, profile)


def _camera(context: LaunchContext, camera: str, namespace: str, image_topic: str) -> Node:
    driver = CAMERA_DRIVERS[camera]
    _check_installed(driver.package, f'camera:={camera}')
    return Node(
        package=driver.package, executable=driver.executable, exec_name=driver.executable,
        namespace=namespace,
        remappings=image_remappings(driver.image_topic, image_topic),
        output='both', emulate_tty=True, prefix=_end_with_launch(context))


def _check_installed(package: str, argument: str) -> None:
    check_installed(package, argument, get_packages_with_prefixes(),
                    os.environ.get('ROS_DISTRO', ''))
