# SPDX-License-Identifier: Apache-2.0
"""Start the fire detector: `ros2 launch fire_detector detect.launch.py`."""

from functools import partial
import os
from pathlib import Path
from typing import Any

from ament_index_python.packages import get_package_share_path, get_packages_with_prefixes
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
)
from fire_detector.ros.fast_dds import large_images_environment, PROFILE_NAME
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
from launch.event_handlers import OnProcessStart
from launch.events.process import ProcessStarted
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch.utilities.type_utils import coerce_to_type
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import StateTransition
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.ros_adapters import get_ros_node
from launch_ros.substitutions import FindPackageShare
from lifecycle_msgs.msg import TransitionEvent
from lifecycle_msgs.srv import GetState
from rclpy.task import Future

PACKAGE = 'fire_detector'
# The launch arguments that override a parameter, when they are given.
GUARD_OVERRIDES = {'use_sim_time': bool, 'autostart': bool}
OVERRIDES = {**GUARD_OVERRIDES, 'model': str, 'image_transport': str}
# Seconds, so that a node that cannot start does not keep the processor busy with trying.
RESPAWN_DELAY = 2.0
# Seconds in which the player and the detectors find each other, and these follow the reliability
# that the player offers; and in which the last image is processed.
BAG_DELAY = 3.0
LAST_DETECTION_DELAY = 1.0
# Seconds between requests for the state of a detector that has just been started.
STATE_PERIOD = 0.2


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
            description='Smallest severity of messages that are logged.'),
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
    image_topic, bag = _value(context, 'image_topic'), _value(context, 'bag')
    check_combination(camera, names, image_topic, bag)
    namespaces = detector_namespaces(_value(context, 'namespace'), names)
    environment = _fast_dds_environment() if _is_true(_value(context, 'large_images')) else {}
    detectors = [_detector(context, namespace, environment) for namespace in namespaces]
    actions: list[Action] = [*detectors]
    if camera != NO_CAMERA:
        actions += [_camera(camera, namespace, image_topic) for namespace in namespaces]
    if _is_true(_value(context, 'guard')):
        actions.append(_guard(context, names))
    if bag:
        # First, so that no transition of a detector is missed.
        actions = [*_play_when_active(detectors, bag), *actions]
    return actions


def _value(context: LaunchContext, name: str) -> str:
    return str(LaunchConfiguration(name).perform(context))


def _detector(context: LaunchContext, namespace: str, environment: dict[str, str]) -> Node:
    # A LifecycleNode only for a bag: it makes ros2 launch a participant, which costs memory, and
    # needs keys where ROS 2 security is enforced.
    node = LifecycleNode if _value(context, 'bag') else Node
    return node(
        executable='fire_detector_node', name=PACKAGE, namespace=namespace,
        parameters=[LaunchConfiguration('params_file'), _overrides(context, OVERRIDES)],
        remappings=image_remappings('image', _value(context, 'image_topic')),
        additional_env=environment, **_process(context, _value(context, 'enclave')))


def _guard(context: LaunchContext, cameras: list[str]) -> Node:
    topics = alarm_topics(cameras)
    return Node(
        executable='fire_guard', name='fire_guard', namespace=_value(context, 'namespace'),
        parameters=[LaunchConfiguration('params_file'), _overrides(context, GUARD_OVERRIDES),
                    *([{'detectors': topics}] if topics else [])],
        **_process(context, guard_enclave(_value(context, 'enclave'))))


def _process(context: LaunchContext, enclave: str) -> dict[str, Any]:
    return {
        'package': PACKAGE, 'output': 'both', 'emulate_tty': True,
        'respawn': _is_true(_value(context, 'respawn')), 'respawn_delay': RESPAWN_DELAY,
        'arguments': ['--ros-args', '--log-level', _value(context, 'log_level'),
                      *(['--enclave', enclave] if enclave else [])]}


def _overrides(context: LaunchContext, types: dict[str, type]) -> dict[str, ParameterValue]:
    # An argument that was left out must not hide what a user wrote into a parameter file.
    overrides = {name: ParameterValue(LaunchConfiguration(name), value_type=value_type)
                 for name, value_type in types.items() if _value(context, name)}
    if _value(context, 'bag'):
        overrides.setdefault('use_sim_time', ParameterValue(True, value_type=bool))
    return overrides


def _fast_dds_environment() -> dict[str, str]:
    profile = get_package_share_path(PACKAGE) / 'launch' / PROFILE_NAME
    return large_images_environment(os.environ, profile)


def _camera(camera: str, namespace: str, image_topic: str) -> Node:
    driver = CAMERA_DRIVERS[camera]
    _check_installed(driver.package, f'camera:={camera}')
    return Node(
        package=driver.package, executable=driver.executable, namespace=namespace,
        remappings=image_remappings(driver.image_topic, image_topic),
        output='both', emulate_tty=True,
    )


def _play_when_active(detectors: list[Node], bag: str) -> list[RegisterEventHandler]:
    _check_installed('ros2bag', f'bag:={bag}')
    end = TimerAction(period=LAST_DETECTION_DELAY, actions=[
        LogInfo(msg='the bag has ended'), Shutdown(reason='the bag has ended')])
    player = ExecuteProcess(
        cmd=['ros2', 'bag', 'play', str(Path(bag)), '--clock', '--delay', str(BAG_DELAY)],
        output='both', on_exit=[end])
    inactive = list(detectors)

    def play_after_last(_: LaunchContext, detector: Node) -> list[Action]:
        inactive.remove(detector)
        return [] if inactive else [player]

    handlers: list[RegisterEventHandler] = []
    for detector in detectors:
        handlers += [
            RegisterEventHandler(OnProcessStart(
                target_action=detector, on_start=partial(_request_state, detector))),
            RegisterEventHandler(OnStateTransition(
                target_lifecycle_node=detector, goal_state='active', handle_once=True,
                entities=[OpaqueFunction(function=play_after_last, args=[detector])]))]
    return handlers


def _request_state(detector: LifecycleNode, _: ProcessStarted, context: LaunchContext) -> None:
    """
    Request the state of a detector until it responds, and emit it as the goal of a transition.

    A detector that starts by itself is active before the subscription of launch_ros to its
    transitions is discovered, so that their events are missed.
    """
    node = get_ros_node(context)
    client = node.create_client(GetState, f'{detector.node_name}/get_state')

    def request() -> None:
        if client.service_is_ready():
            client.call_async(GetState.Request()).add_done_callback(emit)

    def emit(future: Future) -> None:
        timer.cancel()
        transition = TransitionEvent(goal_state=future.result().current_state)
        context.asyncio_loop.call_soon_threadsafe(
            context.emit_event_sync, StateTransition(action=detector, msg=transition))

    # A timer rather than a coroutine, which would keep launch from ending with the detector.
    timer = node.create_timer(STATE_PERIOD, request)


def _check_installed(package: str, argument: str) -> None:
    check_installed(package, argument, get_packages_with_prefixes(),
                    os.environ.get('ROS_DISTRO', ''))


def _is_true(text: str) -> bool:
    return bool(coerce_to_type(text, bool))
