# SPDX-License-Identifier: Apache-2.0
"""Start the fire detector: `ros2 launch fire_detector detect.launch.py`."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch.utilities.type_utils import coerce_to_type
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'fire_detector'
# The launch arguments that override a parameter, when they are given.
OVERRIDES = {'use_sim_time': bool, 'autostart': bool, 'model': str}
# Seconds, so that a node that cannot start does not keep the processor busy with trying.
RESPAWN_DELAY = 2.0


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the node with them."""
    share = FindPackageShare(PACKAGE)
    return LaunchDescription([
        DeclareLaunchArgument(
            'namespace', default_value='',
            description='Namespace of the node and its topics.'),
        DeclareLaunchArgument(
            'params_file', default_value=PathJoinSubstitution([share, 'launch', 'detect.yaml']),
            description='Parameter file.'),
        DeclareLaunchArgument(
            'use_sim_time', default_value='',
            description='Take the time from /clock, as a bag or a simulator publishes it: true '
                        'or false. Left empty, the parameter file decides, or else false.'),
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
            description='Camera topic, sensor_msgs/msg/Image.'),
        DeclareLaunchArgument(
            'model', default_value='',
            description='The .tflite file: a path, or the file name of an installed model. '
                        'Left empty, the parameter file decides: fire_detector.tflite in the one '
                        'that comes with the package.'),
        OpaqueFunction(function=_start_node),
    ])


def _start_node(context: LaunchContext) -> list[Node]:
    # An argument that was left out must not hide what a user wrote into a parameter file.
    given = {name: ParameterValue(LaunchConfiguration(name), value_type=value_type)
             for name, value_type in OVERRIDES.items()
             if LaunchConfiguration(name).perform(context)}
    return [Node(
        package=PACKAGE, executable='fire_detector_node', name=PACKAGE,
        namespace=LaunchConfiguration('namespace'),
        parameters=[LaunchConfiguration('params_file'), given],
        remappings=[('image', LaunchConfiguration('image_topic'))],
        arguments=['--ros-args', '--log-level', LaunchConfiguration('log_level')],
        respawn=coerce_to_type(LaunchConfiguration('respawn').perform(context), bool),
        respawn_delay=RESPAWN_DELAY,
        output='both', emulate_tty=True,
    )]
