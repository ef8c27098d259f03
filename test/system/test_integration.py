# SPDX-License-Identifier: Apache-2.0
"""
The files in docs/integration fit the nodes that they are for.

Nav2, twist_mux, Foxglove and rqt are not on PyPI: what these read is compared with the running
nodes, and what can be run without them is run.
"""

import ast
from collections.abc import Iterator
import importlib
from importlib.util import find_spec
import json
import os
from pathlib import Path
import re
import shutil
import sys
from typing import Any
import xml.etree.ElementTree as ElementTree

from action_msgs.srv import CancelGoal
from fire_detector.parameters.guard import PARAMETERS
from geometry_msgs.msg import Twist, Vector3
from guarded_robot import GUARD
import psutil
import pytest
from ros_session import ACTIVATE, CONFIGURE, DETECTOR, RosSession
from sensor_msgs.msg import BatteryState
from std_msgs.msg import Bool, Float32
import yaml

FOLDER = Path(__file__).resolve().parents[2] / 'docs' / 'integration'
README = (FOLDER / 'README.md').read_text()
# What a tree of Humble, Jazzy and Kilted may be made of, with what of it is set here:
# https://docs.nav2.org/configuration/packages/configuring-bt-xml.html and the factory of
# BehaviorTree.CPP 3.8 and 4.
TREE_NODES = {
    'BehaviorTree': {'ID'}, 'ReactiveSequence': {'name'}, 'ReactiveFallback': {'name'},
    'Sequence': {'name'}, 'Inverter': set[str](), 'KeepRunningUntilFailure': set[str](),
    'IsBatteryLow': {'min_battery', 'battery_topic', 'is_voltage'}, 'Wait': {'wait_duration'},
    'RecoveryNode': {'number_of_retries', 'name'}, 'PipelineSequence': {'name'},
    'RateController': {'hz'}, 'ComputePathToPose': {'goal', 'path', 'planner_id'},
    'FollowPath': {'path', 'controller_id'}, 'GoalUpdated': set[str](),
    'ClearEntireCostmap': {'service_name'}}
# Stands in for Nav2's Python package, which is not on PyPI: it publishes what it is to do, and
# takes its time for a turn.
NAVIGATOR = """
import time
import rclpy
from rclpy.node import Node
from std_msgs.msg import Float32
class BasicNavigator(Node):
    def __init__(self, node_name):
        super().__init__(node_name)
        self._turns = self.create_publisher(Float32, 'turns', 10)
        self._end = 0.0
    def spin(self, spin_dist, time_allowance):
        self._turns.publish(Float32(data=spin_dist))
        self._end = time.monotonic() + 10
        return True
    def isTaskComplete(self):
        rclpy.spin_once(self, timeout_sec=0.1)
        return time.monotonic() > self._end
    def cancelTask(self):
        self._turns.publish(Float32(data=0.0))
"""


@pytest.fixture(scope='module')
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RosSession]:
    """Run a detector and a guard, whose names are read only."""
    with RosSession(tmp_path_factory.mktemp('nodes')) as session:
        session.start_detector()
        session.start('guard_node')
        assert session.state() == session.state(GUARD) == 'active'
        yield session


def wait_for_topics(ros: RosSession, topics: set[str]) -> dict[str, list[str]]:
    """Wait until topics are there; return the types of all."""
    found: dict[str, list[str]] = {}

    def complete() -> bool:
        found.update(ros.node.get_topic_names_and_types())
        return topics <= found.keys()

    assert ros.happens(complete, 10), f'missing: {topics - found.keys()}'
    return found


def field_type(message_type: str, fields: list[str]) -> str:
    """Return the type of a field of a message, or of one within it."""
    for field in fields:
        package, name = re.split('/msg/|/', message_type)
        message = getattr(importlib.import_module(f'{package}.msg'), name)
        message_type = message.get_fields_and_field_types()[field]
    return message_type


def is_number(found: dict[str, list[str]], topic: str, fields: list[str]) -> bool:
    """Return whether a field of a topic's message can be plotted."""
    return field_type(found[topic][0], fields) in ('float', 'double', 'boolean')


def test_parameter_file() -> None:
    """The guard's values in the package's parameter file are its defaults; one is for all."""
    file = yaml.safe_load((FOLDER.parents[1] / 'launch' / 'detect.yaml').read_text())
    values = file['/**/fire_guard']['ros__parameters']
    shared = file['/**']['ros__parameters']
    defaults = {parameter.name: parameter.default for parameter in PARAMETERS}
    values['max_age'] = shared['max_age']
    assert values == {name: defaults[name] for name in values}
    assert defaults.keys() - values.keys() == {'autostart', 'detectors'}
    assert defaults.keys() & shared.keys() == {'max_age'}


def test_topics_of_the_page(nodes: RosSession) -> None:
    """Each topic in the table of the guard is there, with its type."""
    table = README.split('| topic |')[1].split('\n\n')[0]
    rows = dict(re.findall(r'^\| `([^`]+)`[^|]*\| ([\w/]+)', table, re.MULTILINE))
    assert rows.pop('cmd_vel_out') == 'as'
    topics = {f'{GUARD}{name[1:]}' if name[0] == '~' else f'/{name.lstrip("/")}': message_type
              for name, message_type in rows.items()}
    found = wait_for_topics(nodes, {*topics, '/cmd_vel_out'})
    assert found['/cmd_vel_out'] == found['/cmd_vel_in']
    assert {name: types[0].replace('/msg', '') for name, types in found.items()
            if name in topics} == topics


def test_failures_name_their_tests() -> None:
    """Each row of the tables ends with tests that there are, a command, or no."""
    tables = re.findall(r'^\|.*\| test \|\n((?:\|.*\|\n)+)', (FOLDER / 'failures.md').read_text(),
                        re.MULTILINE)
    last = {row.split('|')[-2].strip() for table in tables
            for row in table.splitlines()} - {'---'}
    files = list((FOLDER.parents[1] / 'test').rglob('test_*.py'))
    there = {path.name for path in files} | {
        name for path in files for name in re.findall(r'^def (test_\w+)', path.read_text(), re.M)}
    named = {name for cell in last for name in re.findall(r'\btest_\w+(?:\.py)?', cell)}
    assert len(named) > 10
    assert named <= there
    assert all(cell == 'no' or 'test_' in cell or 'make guard-ends' in cell for cell in last)


def test_topics_of_the_other_pages(nodes: RosSession) -> None:
    """Each private name that begins a row of a table is a topic or service of the detector."""
    pages = [FOLDER.parents[1] / 'README.md', *FOLDER.parent.glob('*.md')]
    named = {f'{DETECTOR}/{name}' for page in pages
             for name in re.findall(r'^\| `~/(\w+)`', page.read_text(), re.MULTILINE)}
    # Not there without vision_msgs.
    named -= {f'{DETECTOR}/classification', f'{DETECTOR}/vision_info'}
    services = {name for name, _ in nodes.node.get_service_names_and_types()}
    assert named
    wait_for_topics(nodes, named - services)


def test_twist_mux(nodes: RosSession) -> None:
    """The lock is on the alarm, between navigation and joystick, and counts silence."""
    values = yaml.safe_load((FOLDER / 'twist_mux.yaml').read_text())
    parameters = values['twist_mux']['ros__parameters']
    topics, lock = parameters['topics'], parameters['locks']['fire']
    assert wait_for_topics(nodes, {f'/{lock["topic"]}'})[f'/{lock["topic"]}'] == [
        'std_msgs/msg/Bool']
    assert topics['navigation']['priority'] < lock['priority'] < topics['joystick']['priority']
    assert lock['timeout'] > 0
    for entry in (*topics.values(), lock):
        # A parameter of another type is refused.
        assert (type(entry['timeout']), type(entry['priority'])) == (float, int)
        assert 0 <= entry['priority'] <= 255


def test_lifecycle_manager(ros: RosSession) -> None:
    """Brought up in the order of the file, as the manager does it, the nodes are active."""
    values = yaml.safe_load((FOLDER / 'lifecycle_manager.yaml').read_text())
    parameters = values['lifecycle_manager_fire']['ros__parameters']
    assert (parameters['bond_timeout'], parameters['autostart']) == (0.0, True)
    names = parameters['node_names']
    assert names == ['fire_detector', 'fire_guard']
    for module in ('detector_node', 'guard_node'):
        ros.start(module, 'autostart:=false')
    for transition in (CONFIGURE, ACTIVATE):
        assert all(ros.change_state(transition, f'/{name}') for name in names)
    assert [ros.state(f'/{name}') for name in names] == ['active', 'active']


def test_behavior_tree() -> None:
    """Only what Nav2 and BehaviorTree.CPP have is in the tree; one child where one is allowed."""
    root = ElementTree.parse(FOLDER / 'wait_while_fire.xml').getroot()
    assert root.attrib == {'BTCPP_format': '4', 'main_tree_to_execute': 'MainTree'}
    for node in [node for node in root.iter() if node is not root]:
        assert set(node.attrib) <= TREE_NODES[node.tag], node.tag
        children = {'Inverter': 1, 'KeepRunningUntilFailure': 1, 'RateController': 1,
                    'BehaviorTree': 1, 'RecoveryNode': 2}.get(node.tag, len(node))
        assert len(node) == children, node.tag
    waiting, navigating = root.findall('BehaviorTree/ReactiveSequence/')
    assert waiting.find('Inverter/IsBatteryLow') is not None
    assert waiting.find('KeepRunningUntilFailure/Wait') is not None
    assert navigating.find('.//FollowPath') is not None


def test_alarm_as_battery(nodes: RosSession) -> None:
    """What topic_tools makes of the alarm is low where there is fire, as IsBatteryLow sees it."""
    command = ' '.join(README.split('topic_tools transform ')[1].split('\n\n')[0].split())
    words = re.match(r"(\S+) (\S+) (\S+) \\ '(.+?)' ", command)
    assert words is not None
    source, target, message_type, expression = words.groups()
    assert wait_for_topics(nodes, {source})[source] == ['std_msgs/msg/Bool']
    condition = ElementTree.parse(FOLDER / 'wait_while_fire.xml').getroot().find(
        './/IsBatteryLow')
    assert condition is not None
    assert (condition.get('battery_topic'), message_type) == (
        target, 'sensor_msgs/msg/BatteryState')
    make = eval(f'lambda m: {expression}', {'sensor_msgs': importlib.import_module('sensor_msgs')})
    low = []
    for alarm in (True, False):
        battery = make(Bool(data=alarm))
        assert isinstance(battery, BatteryState)
        low.append(battery.percentage <= float(condition.get('min_battery', 'nan')))
    assert low == [True, False]


def panels(tree: Any) -> Iterator[str]:
    """Return the panels of a layout, each as often as it is there."""
    if isinstance(tree, str):
        yield tree
    else:
        assert tree['direction'] in ('row', 'column')
        assert 0 < tree['splitPercentage'] < 100
        yield from panels(tree['first'])
        yield from panels(tree['second'])


def test_foxglove_layout(nodes: RosSession) -> None:
    """Panels, topics, fields and services of the layout are there."""
    layout = json.loads((FOLDER / 'foxglove_layout.json').read_text())
    configurations = layout['configById']
    assert sorted(panels(layout['layout'])) == sorted(configurations)
    paths, topics, services = [], set(), set()
    for configuration in configurations.values():
        paths += [path['value'] for path in configuration.get('paths', [])]
        paths += [configuration['path']] if 'path' in configuration else []
        topics.add(configuration.get('topicToRender'))
        topics.add(configuration.get('imageMode', {}).get('imageTopic'))
        services.add(configuration.get('serviceName'))
    topics.discard(None)
    services.discard(None)
    assert paths and topics and services
    found = wait_for_topics(nodes, {*topics, *(path.split('.')[0] for path in paths)})
    assert {found[topic][0] for topic in topics} == {
        'sensor_msgs/msg/Image', 'diagnostic_msgs/msg/DiagnosticArray'}
    for path in paths:
        topic, *fields = path.split('.')
        assert is_number(found, topic, fields), path
    assert {types[0] for name, types in nodes.node.get_service_names_and_types()
            if name in services} == {'std_srvs/srv/Trigger'}


def test_rqt_perspective(nodes: RosSession) -> None:
    """Each plugin that runs has its settings, and plots fields that are there."""
    perspective = json.loads((FOLDER / 'fire.perspective').read_text())
    manager = perspective['groups']['pluginmanager']
    running = value(manager['keys']['running-plugins'])
    assert running == {'rqt_plot/Plot': [1], 'rqt_image_view/ImageView': [1],
                       'rqt_runtime_monitor/RuntimeMonitor': [1]}
    groups = {f'plugin__{plugin.replace("/", "__")}__1' for plugin in running}
    assert manager['groups'].keys() == groups - {'plugin__rqt_runtime_monitor__RuntimeMonitor__1'}
    settings = {name: {key: value(entry) for key, entry in group['groups']['plugin'][
        'keys'].items()} for name, group in manager['groups'].items()}
    image = settings['plugin__rqt_image_view__ImageView__1']['topic']
    paths = settings['plugin__rqt_plot__Plot__1']['topics']
    assert paths
    found = wait_for_topics(nodes, {image})
    assert found[image] == ['sensor_msgs/msg/Image']
    for path in paths:
        topic = next(name for name in found if path.startswith(f'{name}/'))
        assert is_number(found, topic, path.removeprefix(f'{topic}/').split('/')), path


def value(entry: dict[str, str]) -> Any:
    """Read a setting as qt_gui's PerspectiveManager does."""
    assert entry['type'] == 'repr'
    return ast.literal_eval(entry['repr'])


def test_cancel_and_turn(ros: RosSession, tmp_path: Path) -> None:
    """
    On an alarm all goals are canceled; the robot turns until the fire is in view, no further.

    The alarm clears while the robot comes to rest, so that it turns by one step of 45 degrees,
    0.785 rad; that is canceled, published as 0, when the alarm is raised again.
    """
    package = tmp_path / 'nav2_simple_commander'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'robot_navigator.py').write_text(NAVIGATOR)
    ros.environment['PYTHONPATH'] = os.pathsep.join(
        [str(tmp_path), *filter(None, [ros.environment.get('PYTHONPATH')])])
    canceled: list[CancelGoal.Request] = []

    def cancel(request: CancelGoal.Request, response: CancelGoal.Response) -> CancelGoal.Response:
        canceled.append(request)
        return response

    # Stands in for the action server's part that is used: it has no goal to cancel.
    ros.node.create_service(CancelGoal, '/navigate_to_pose/_action/cancel_goal', cancel)
    turns: list[Float32] = ros.collect(Float32, '/turns')
    alarm = ros.node.create_publisher(Bool, '/fire_detector/fire_detected', 10)
    process = ros.start_command([sys.executable, str(FOLDER / 'cancel_and_turn.py')])
    ros.wait_for(lambda: alarm.get_subscription_count() == 1
                 and ros.node.count_publishers('/turns') == 1, 'the script')
    alarm.publish(Bool(data=True))
    ros.wait_for(lambda: canceled, 'the request to cancel')
    # Without a goal and a time, which means all: action_msgs/srv/CancelGoal.
    assert canceled == [CancelGoal.Request()]
    alarm.publish(Bool(data=False))
    ros.wait_for(lambda: turns, 'a turn')
    alarm.publish(Bool(data=True))
    ros.wait_for(lambda: 'stopped, with the fire in view' in process.output, 'the end')
    ros.wait_for(lambda: len(turns) == 2, 'the end of the turn')
    assert [each.data for each in turns] == [pytest.approx(0.785, abs=1e-3), 0.0]
    process.end()
    assert 'Traceback' not in process.output


@pytest.mark.skipif(find_spec('launch_ros') is None,
                    reason='launch_ros is not on PyPI: source a ROS 2')
def test_guarded_launch(ros: RosSession, colcon_install: Path) -> None:
    """
    The installed launch file puts the guard on the topics that are asked for.

    When the launch is killed, its nodes end as by Ctrl-C: the last command is zero.
    """
    ros2 = shutil.which('ros2')
    assert ros2 is not None
    file = colcon_install / 'fire_detector/share/fire_detector/integration/guarded.launch.py'
    process = ros.start_command(['sh', '-c', (
        f'. {colcon_install}/local_setup.sh && exec {ros2} launch {file} '
        f'cmd_vel_out:=base/cmd_vel camera:=synthetic')])
    commands = ros.node.create_publisher(Twist, '/cmd_vel', 10)
    out = ros.collect(Twist, '/base/cmd_vel')

    def passes() -> bool:
        commands.publish(Twist(linear=Vector3(x=1.0)))
        return any(each.linear.x == 1.0 for each in out)

    ros.wait_for(passes, 'a command that passes')
    assert ros.node.count_publishers('/cmd_vel_out') == 0
    if shutil.which('setpriv') is None:
        pytest.skip('setpriv, a tool of util-linux, is not installed')
    nodes = psutil.Process(process.popen.pid).children(recursive=True)
    process.popen.kill()
    ros.wait_for(lambda: out[-1] == Twist(), 'a last, zero command')
    _, alive = psutil.wait_procs(nodes, timeout=10)
    assert alive == []
    assert not ros.happens(lambda: out[-1] != Twist(), 0.2)
