# SPDX-License-Identifier: Apache-2.0
"""
Write docs/parameters.md from the tables of parameters: `python test/parameter_reference.py`.

A test fails while the page is not up to date.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fire_detector.parameters import guard as guard_parameters
from fire_detector.parameters.cameras import FILE_CAMERA, SYNTHETIC_CAMERA
from fire_detector.parameters.detector import PARAMETERS
from fire_detector.parameters.table import AT_ANY_TIME, AT_START, Parameter, UNCONFIGURED

PAGE = Path(__file__).resolve().parents[1] / 'docs' / 'parameters.md'
HEAD = """# Parameters

<!-- Written by test/parameter_reference.py from the tables in the code: change it there. -->

Set them in a parameter file (`params_file:=`, see [detect.yaml](../launch/detect.yaml)), on a
command line (`--ros-args -p max_rate:=5.0`), or on a running node
(`ros2 param set /fire_detector max_rate 5.0`). A value that is not allowed is refused with the
reason. A name that is none of these is reported in the log, by `fire_guard` only where it looks
like a misspelling of its own, since it may share a file with the detector. `file_camera` and
`synthetic_camera` are [cameras without hardware](reference.md#cameras-without-hardware).
"""
WHEN = {
    AT_START: 'at start only',
    UNCONFIGURED: 'while the node is unconfigured',
    AT_ANY_TIME: 'at any time, at once',
}
TYPES = {bool: 'bool', int: 'integer', float: 'double', str: 'string', tuple: 'string array'}


@dataclass(frozen=True)
class Table:
    """
    The parameters of one node.

    :ivar node: the node's name.
    :ivar parameters: its table.
    """

    node: str
    parameters: Sequence[Parameter]


# Every node that has a table.
TABLES = (Table('fire_detector', PARAMETERS),
          Table('fire_guard', guard_parameters.PARAMETERS),
          Table('file_camera', FILE_CAMERA),
          Table('synthetic_camera', SYNTHETIC_CAMERA))


def reference(tables: Sequence[Table]) -> str:
    """Write the page: a chapter for each table, a row for each parameter."""
    chapters = [HEAD]
    for table in tables:
        rows = ['| name | type | default | allowed | can be changed | what |',
                '|---|---|---|---|---|---|', *map(_row, table.parameters)]
        chapters.append(f'## `{table.node}`\n\n' + '\n'.join(rows) + '\n')
    return '\n'.join(chapters)


def _row(parameter: Parameter) -> str:
    default: object = parameter.default
    written = str(default).lower() if isinstance(default, bool) else str(default) or "''"
    if isinstance(default, tuple):
        written = f'[{", ".join(default)}]'
    return (f'| `{parameter.name}` | {TYPES[type(default)]} | `{written}` '
            f'| {_allowed(parameter)} | {WHEN[parameter.when]} | {parameter.text} |')


def _allowed(parameter: Parameter) -> str:
    if parameter.choices:
        return ', '.join(f'`{choice}`' for choice in parameter.choices)
    if parameter.limits is not None:
        low, high = parameter.limits
        return f'{low:.10g} to {high:.10g}'
    return ''


if __name__ == '__main__':
    PAGE.write_text(reference(TABLES))
