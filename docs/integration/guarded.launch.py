# SPDX-License-Identifier: Apache-2.0
"""
Start detector and guard on the topics of a navigation stack.

`ros2 launch .../guarded.launch.py cmd_vel_in:=cmd_vel cmd_vel_out:=cmd_vel_guarded`, with any
argument of detect.launch.py beside these.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import SetRemap
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    """Include the package's launch file, with the guard's topics remapped."""
    launch_file = PathJoinSubstitution(
        [FindPackageShare('fire_detector'), 'launch', 'detect.launch.py'])
    return LaunchDescription([
        DeclareLaunchArgument(
            'cmd_vel_in', default_value='cmd_vel',
            description='Topic of the commands that navigation publishes.'),
        DeclareLaunchArgument(
            'cmd_vel_out', default_value='cmd_vel_guarded',
            description='Topic of the commands that the base subscribes to.'),
        GroupAction([
            SetRemap('cmd_vel_in', LaunchConfiguration('cmd_vel_in')),
            SetRemap('cmd_vel_out', LaunchConfiguration('cmd_vel_out')),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(launch_file),
                launch_arguments={'guard': 'true'}.items()),
        ]),
    ])
