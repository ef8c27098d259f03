# SPDX-License-Identifier: Apache-2.0
"""Start the fire detector: `ros2 launch fire_detector detect.launch.py`."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'fire_detector'
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
            'use_sim_time', default_value='false', choices=['true', 'false'],
            description='Take the time from /clock, as a bag or a simulator publishes it.'),
        DeclareLaunchArgument(
            'autostart', default_value='true', choices=['true', 'false'],
            description='Configure and activate at start; false leaves it to a manager.'),
        DeclareLaunchArgument(
            'respawn', default_value='true', choices=['true', 'false'],
            description='Start the node again when its process ends by itself.'),
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
                        'Left empty, the parameter file decides: firenet.tflite in the one '
                        'that comes with the package.'),
        OpaqueFunction(function=_start_node),
    ])


def _start_node(context: LaunchContext) -> list[Node]:
    parameters: list[object] = [
        LaunchConfiguration('params_file'),
        {name: ParameterValue(LaunchConfiguration(name), value_type=bool)
         for name in ('use_sim_time', 'autostart')},
    ]
    # An argument that was left out must not hide what a user wrote into a parameter file.
    if LaunchConfiguration('model').perform(context):
        parameters.append(
            {'model': ParameterValue(LaunchConfiguration('model'), value_type=str)})
    return [Node(
        package=PACKAGE, executable='fire_detector_node', name=PACKAGE,
        namespace=LaunchConfiguration('namespace'),
        parameters=parameters,
        remappings=[('image', LaunchConfiguration('image_topic'))],
        arguments=['--ros-args', '--log-level', LaunchConfiguration('log_level')],
        respawn=LaunchConfiguration('respawn').perform(context) == 'true',
        respawn_delay=RESPAWN_DELAY,
        output='both', emulate_tty=True,
    )]
