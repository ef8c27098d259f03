# SPDX-License-Identifier: Apache-2.0
"""Which room of the package may import which, so that no import runs back up."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / 'fire_detector'
# From the ground up: a room may import those that stand behind it, all of which come before it.
ROOMS: dict[str, set[str]] = {
    'images': set(),
    'guard': set(),
    'scene': set(),
    'bringup': set(),
    'model': {'images'},
    'parameters': {'model', 'guard'},
    'detection': {'model', 'images'},
    'cli': {'detection', 'model', 'images'},
    'ros': {'detection', 'parameters', 'model', 'images', 'cli'},
    'replay': {'cli', 'detection', 'parameters', 'model', 'images'},
    'nodes': {'ros', 'replay', 'parameters', 'detection', 'guard', 'scene', 'images', 'model'},
    'demo': {'ros', 'replay', 'detection', 'scene', 'images', 'cli'},
}
# Others work where ROS is not installed, and on it only through these.
WITH_ROS = {'ros', 'nodes'}
OF_ROS = ('rclpy', 'builtin_interfaces', 'rcl_interfaces', 'std_srvs', 'rosidl_')


def imports(source: str) -> Iterator[str]:
    """Yield the full names of the modules and names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = '.' * node.level + (node.module or '')
            yield from (f'{base}.{alias.name}' for alias in node.names)


def misplaced(room: str, source: str) -> list[str]:
    """List what a module of a room imports and may not."""
    found = []
    for name in imports(source):
        package, _, rest = name.partition('.')
        if package == PACKAGE.name:
            target = rest.partition('.')[0]
            allowed = target == room or target in ROOMS[room]
        else:
            of_ros = package.startswith(OF_ROS) or package.endswith('_msgs')
            # Relative imports would pass by this test.
            allowed = package != '' and (not of_ros or room in WITH_ROS)
        if not allowed:
            found.append(name)
    return found


def test_every_room_is_in_the_table() -> None:
    """Each folder of the package is a room, each room a folder; no module stands outside."""
    assert {path.name for path in PACKAGE.iterdir()
            if path.is_dir() and path.name != '__pycache__'} == ROOMS.keys()
    assert [path.name for path in PACKAGE.glob('*.py')] == ['__init__.py']


def test_no_room_stands_on_one_above() -> None:
    """In the table's order each room imports earlier ones, so that there is no circle."""
    rooms = list(ROOMS)
    for room, allowed in ROOMS.items():
        assert allowed <= set(rooms[:rooms.index(room)]), room


@pytest.mark.parametrize('room', ROOMS)
def test_imports(room: str) -> None:
    """A module imports its own room and those below, and ROS in two rooms only."""
    found = [f'fire_detector/{path.relative_to(PACKAGE)} imports {name}'
             for path in sorted((PACKAGE / room).rglob('*.py'))
             for name in misplaced(room, path.read_text())]
    assert not found, 'to another room, or what is imported further down: ' + '; '.join(found)


@pytest.mark.parametrize(('source', 'expected'), [
    ('import fire_detector.nodes.guard_node', ['fire_detector.nodes.guard_node']),
    ('def f():\n    from fire_detector import ros', ['fire_detector.ros']),
    ('from fire_detector.images import raw', []),
    ('from ..ros import process', ['..ros.process']),
    ('import rclpy.node', ['rclpy.node']),
    ('from sensor_msgs.msg import Image', ['sensor_msgs.msg.Image']),
    ('import numpy', []),
])
def test_misplaced_imports_are_found(source: str, expected: list[str]) -> None:
    """In `model`, which knows `images` and nothing of ROS."""
    assert misplaced('model', source) == expected
