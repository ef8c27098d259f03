# SPDX-License-Identifier: Apache-2.0
"""Start the fire detector: `ros2 launch fire_detector detect.launch.py`."""

from functools import partial
import os
from pathlib import Path

from ament_index_python.packages import get_package_share_path, get_packages_with_prefixes
from fire_detector.bringup.fast_dds import (
    granted_receive_buffer,
    large_images_advice,
    large_images_environment,
)
from fire_detector.bringup.launch_support import (
    alarm_topics,
    CAMERA_DRIVERS,
    check_combination,
    check_installed,
    detector_namespaces,
    guard_enclave,
    image_remappings,
    NO_CAMERA,
    split_cameras,
    SubscriptionWatch,
)
from launch import Action, LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessIO
from launch.events.process import ProcessIO
import launch.logging
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch.utilities.type_utils import coerce_to_type
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'fire_detector'
# The launch arguments that override a parameter, when they are given.
GUARD_OVERRIDES = {'use_sim_time': bool, 'autostart': bool}
OVERRIDES = {**GUARD_OVERRIDES, 'model': str, 'image_transport': str}
# Seconds, so that a node that cannot start does not keep the processor busy with trying.
RESPAWN_DELAY = 2.0
# Seconds in which the player and the detectors find each other, and these follow the reliability
# that the player offers; and in which the last image is answered.
BAG_DELAY = 3.0
LAST_ANSWER_DELAY = 1.0


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start what they ask for."""
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
            description='Smallest severity of messages that are logged.'),
        DeclareLaunchArgument(
            'image_topic', default_value='image',
            description='Camera topic, sensor_msgs/msg/Image; compressed images are expected '
                        'below it, at compressed.'),
        DeclareLaunchArgument(
            'image_transport', default_value='', choices=['', 'raw', 'compressed'],
            description='Hear raw or compressed images. Left empty, the parameter file '
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
            description='Play this bag once the node has subscribed, and end with it.'),
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
            description='Start the fire guard too, in the namespace above: it hears velocity '
                        'commands on cmd_vel_in, and passes them to cmd_vel_out unless there is a '
                        'fire alarm: true or false.'),
        OpaqueFunction(function=_start),
    ])


def _start(context: LaunchContext) -> list[Action]:
    def value(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    names, camera, bag = split_cameras(value('cameras')), value('camera'), value('bag')
    check_combination(camera, names, value('image_topic'), bag, value('log_level'))
    namespaces = detector_namespaces(value('namespace'), names)
    environment = _fast_dds_environment() if _is_true(value('large_images')) else {}
    detectors = [_detector(context, namespace, environment) for namespace in namespaces]
    actions: list[Action] = [*detectors]
    if camera != NO_CAMERA:
        actions += [_camera(camera, namespace, value('image_topic')) for namespace in namespaces]
    if _is_true(value('guard')):
        actions.append(_guard(context, names))
    if bag:
        # First, so that nothing that a detector prints is missed.
        actions = [*_play_when_subscribed(detectors, bag), *actions]
    return actions


def _detector(context: LaunchContext, namespace: str, environment: dict[str, str]) -> Node:
    def value(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    return Node(
        package=PACKAGE, executable='fire_detector_node', name=PACKAGE, namespace=namespace,
        parameters=[LaunchConfiguration('params_file'), _given(context, OVERRIDES)],
        remappings=image_remappings('image', value('image_topic')),
        arguments=_ros_arguments(value('log_level'), value('enclave')),
        additional_env=environment,
        respawn=_is_true(value('respawn')), respawn_delay=RESPAWN_DELAY,
        output='both', emulate_tty=True,
    )


def _guard(context: LaunchContext, cameras: list[str]) -> Node:
    def value(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    topics = alarm_topics(cameras)
    return Node(
        package=PACKAGE, executable='fire_guard', name='fire_guard',
        namespace=value('namespace'),
        parameters=[LaunchConfiguration('params_file'), _given(context, GUARD_OVERRIDES),
                    *([{'detectors': topics}] if topics else [])],
        arguments=_ros_arguments(value('log_level'), guard_enclave(value('enclave'))),
        respawn=_is_true(value('respawn')), respawn_delay=RESPAWN_DELAY,
        output='both', emulate_tty=True,
    )


def _given(context: LaunchContext, overrides: dict[str, type]) -> dict[str, ParameterValue]:
    # An argument that was left out must not hide what a user wrote into a parameter file.
    given = {name: ParameterValue(LaunchConfiguration(name), value_type=value_type)
             for name, value_type in overrides.items()
             if LaunchConfiguration(name).perform(context)}
    if LaunchConfiguration('bag').perform(context):
        given.setdefault('use_sim_time', ParameterValue(True, value_type=bool))
    return given


def _ros_arguments(log_level: str, enclave: str) -> list[str]:
    return ['--ros-args', '--log-level', log_level, *(['--enclave', enclave] if enclave else [])]


def _fast_dds_environment() -> dict[str, str]:
    advice = large_images_advice(os.environ, granted_receive_buffer())
    if advice:
        launch.logging.get_logger(PACKAGE).warning(f'{advice} (large_images:=false leaves it)')
    profile = get_package_share_path(PACKAGE) / 'launch' / 'large_images.xml'
    return large_images_environment(os.environ, profile)


def _camera(camera: str, namespace: str, image_topic: str) -> Node:
    driver = CAMERA_DRIVERS[camera]
    _check_installed(driver.package, f'camera:={camera}')
    return Node(
        package=driver.package, executable=driver.executable, namespace=namespace,
        remappings=image_remappings(driver.image_topic, image_topic),
        output='both', emulate_tty=True,
    )


def _play_when_subscribed(detectors: list[Node], bag: str) -> list[RegisterEventHandler]:
    _check_installed('ros2bag', f'bag:={bag}')
    end = TimerAction(period=LAST_ANSWER_DELAY, actions=[
        LogInfo(msg='the bag has ended'), Shutdown(reason='the bag has ended')])
    player = ExecuteProcess(
        cmd=['ros2', 'bag', 'play', str(Path(bag)), '--clock', '--delay', str(BAG_DELAY)],
        output='both', on_exit=[end])
    watch = SubscriptionWatch(len(detectors))

    def take(number: int, event: ProcessIO) -> list[Action] | None:
        return [player] if watch.take(number, event.text) else None

    return [RegisterEventHandler(OnProcessIO(
        target_action=detector, on_stdout=partial(take, number), on_stderr=partial(take, number)))
        for number, detector in enumerate(detectors)]


def _check_installed(package: str, argument: str) -> None:
    check_installed(package, argument, get_packages_with_prefixes(),
                    os.environ.get('ROS_DISTRO', ''))


def _is_true(text: str) -> bool:
    return bool(coerce_to_type(text, bool))
