# SPDX-License-Identifier: Apache-2.0
"""Print `--help` and `--version` of a ROS node, before ROS is started."""

from collections.abc import Sequence
from dataclasses import dataclass
import sys
import textwrap

from fire_detector.parameters.table import Parameter

ROS_ARGUMENTS = '--ros-args'
WIDTH = 90


@dataclass(frozen=True)
class NodeHelp:
    """
    The help page of a node's program.

    :ivar program: its name, as `ros2 run fire_detector` takes it.
    :ivar purpose: what the node does.
    :ivar examples: arguments to run it with.
    :ivar parameters: its ROS parameters.
    """

    program: str
    purpose: str
    examples: Sequence[str]
    parameters: Sequence[Parameter]

    def print_if_requested(self, args: Sequence[str] | None) -> bool:
        """
        Print the help page or the version, where the arguments ask for them.

        Those from `--ros-args` on are ROS's; a launch file passes no others.

        :param args: as rclpy.init takes them; None for those of this process.
        :return: whether one was printed: the program is then to end.
        """
        own = list(sys.argv[1:] if args is None else args)
        if ROS_ARGUMENTS in own:
            own = own[:own.index(ROS_ARGUMENTS)]
        if '--help' in own or '-h' in own:
            print(self)
        elif '--version' in own:
            from fire_detector.cli.command_line import version
            print(f'{self.program} {version()}')
        else:
            return False
        return True

    def __str__(self) -> str:
        """Return the help page."""
        command = f'ros2 run fire_detector {self.program}'
        lines = [f'usage: {command} [--help] [--version] '
                 f'[{ROS_ARGUMENTS} -p NAME:=VALUE -r FROM:=TO ...]',
                 '', *textwrap.wrap(self.purpose, WIDTH), '', 'parameters (with their defaults):']
        for parameter in self.parameters:
            choices = f' One of: {", ".join(parameter.choices)}.' if parameter.choices else ''
            lines.append(f'  {parameter.name}:={_as_yaml(parameter.default)}')
            lines += textwrap.wrap(parameter.text + choices, WIDTH, initial_indent=8 * ' ',
                                   subsequent_indent=8 * ' ')
        return '\n'.join([*lines, '', 'examples:',
                          *(f'  {command} {example}'.rstrip() for example in self.examples)])


def _as_yaml(value: bool | int | float | str | tuple[str, ...]) -> str:
    """Return a value as ROS reads it on a command line."""
    if isinstance(value, tuple):
        return f'[{",".join(value)}]'
    return "''" if value == '' else str(value).lower() if isinstance(value, bool) else str(value)
