# SPDX-License-Identifier: Apache-2.0
"""Tests of what a start of the node loads: a Pi pays for every module."""

import json
import subprocess
import sys

# What the node needs; of the packages of ROS, those that rclpy imports by itself too.
EXPECTED = frozenset((
    'ai_edge_litert', 'ament_index_python', 'builtin_interfaces', 'cv2', 'diagnostic_msgs',
    'fire_detector', 'lifecycle_msgs', 'numpy', 'rcl_interfaces', 'rclpy', 'rosgraph_msgs',
    'rosidl_parser', 'rpyutils', 'sensor_msgs', 'service_msgs', 'std_msgs', 'std_srvs',
    'tflite_runtime', 'type_description_interfaces', 'typing_extensions',
    'unique_identifier_msgs', 'vision_msgs', 'yaml', 'geometry_msgs', 'action_msgs',
    'rosidl_runtime_py', 'flatbuffers'))
# Of the package itself: not what the tools and the other nodes are made of.
ROOMS = {'detection', 'images', 'model', 'nodes', 'parameters', 'ros'}
# How Python finds packages, and parts of numpy.
_OF_PYTHON = ('_', 'cython', 'ros_wheels', 'sitecustomize', 'distutils', 'pkg_resources',
              'setuptools')


def loaded_modules() -> list[str]:
    """List the modules of a process that has made a node and loaded its model."""
    code = ('import json, sys\n'
            'from fire_detector.detection.detector import Detector\n'
            'from fire_detector.model.locate import find_model\n'
            'from fire_detector.nodes import detector_node\n'
            'Detector(find_model("fire_detector.tflite"))\n'
            'print(json.dumps(list(sys.modules)))')
    process = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                             timeout=60, check=True)
    modules: list[str] = json.loads(process.stdout.splitlines()[-1])
    return modules


def test_the_node_loads_nothing_that_it_does_not_need() -> None:
    """No TensorFlow, matplotlib or rosbags, nor whatever comes next; none of the tools."""
    modules = loaded_modules()
    packages = {module.split('.')[0] for module in modules}
    foreign = {package for package in packages
               if package not in sys.stdlib_module_names and not package.startswith(_OF_PYTHON)}
    assert foreign - {'__main__'} <= EXPECTED
    assert {'numpy', 'cv2', 'rclpy', 'fire_detector'} <= foreign
    own = [module.split('.')[1:] for module in modules if module.startswith('fire_detector.')]
    assert {module[0] for module in own} == ROOMS
    assert [module for module in own if module[0] == 'nodes'] == [['nodes'], [
        'nodes', 'detector_node']]
