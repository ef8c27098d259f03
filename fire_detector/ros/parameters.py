# SPDX-License-Identifier: Apache-2.0
"""Declare a table of parameters on a node, and read it."""

from collections.abc import Sequence
import difflib
from typing import Any

from fire_detector.parameters.table import AT_START, check, Parameter
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

# What rclpy declares or reads by itself, beside the table.
_OF_RCLPY = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')
# The classes of the loaded model, which ~/vision_info refers to. Not in the table, since nobody
# sets it; but `ros2 param dump` writes it into files.
LABELS = 'labels'
# Share of letters in common from which on a name is taken for a misspelled one: difflib's own, and
# one for a node whose parameter file has those of other nodes, too.
_SIMILAR, _VERY_SIMILAR = 0.6, 0.8


def declare_parameters(node: Node, table: Sequence[Parameter]) -> dict[str, str]:
    """
    Declare every parameter of a table on a node, with what ROS can check of it.

    :return: what is wrong with values from files and the command line, by the parameters' names.
        Of what ROS checks itself, such a parameter has its default.
    """
    problems = {}
    for parameter in table:
        default = parameter.default
        value = list(default) if isinstance(default, tuple) else default
        try:
            node.declare_parameter(parameter.name, value, _descriptor(parameter))
        except ParameterException as error:
            node.declare_parameter(parameter.name, value, _descriptor(parameter),
                                   ignore_override=True)
            problems[parameter.name] = str(error)
        override = node._parameter_overrides.get(parameter.name)
        try:
            check(parameter, default if override is None else override.value)
        except ValueError as error:
            problems[parameter.name] = str(error)
    return problems


def read_parameters(node: Node, table: Sequence[Parameter]) -> dict[str, Any]:
    """Return the values of a table's parameters, by name."""
    return {parameter.name: node.get_parameter(parameter.name).value for parameter in table}


def warn_undeclared(node: Node, table: Sequence[Parameter]) -> None:
    """Warn of parameters in files and on the command line that are not in a table."""
    for name in _undeclared(node, table):
        _warn(node, name, _most_similar(name, table, _SIMILAR))


def warn_misspelled(node: Node, table: Sequence[Parameter]) -> None:
    """Warn only of those that are not in a table and very similar to one that is."""
    for name in _undeclared(node, table):
        if similar := _most_similar(name, table, _VERY_SIMILAR):
            _warn(node, name, similar)


def _undeclared(node: Node, table: Sequence[Parameter]) -> list[str]:
    names = {parameter.name for parameter in table}
    # rclpy has no public name for these.
    return [name for name in node._parameter_overrides
            if name not in names and name != LABELS and not name.startswith(_OF_RCLPY)]


def _most_similar(name: str, table: Sequence[Parameter], similarity: float) -> str:
    return next(iter(difflib.get_close_matches(
        name, [parameter.name for parameter in table], 1, similarity)), '')


def _warn(node: Node, name: str, similar: str) -> None:
    node.get_logger().warning(f'there is no parameter {name}: its value is not used'
                              + (f'; did you mean {similar}?' if similar else ''))


def _descriptor(parameter: Parameter) -> ParameterDescriptor:
    # A number with decimals may also be written without, which to ROS is another type.
    descriptor = ParameterDescriptor(description=parameter.text,
                                     read_only=parameter.when == AT_START,
                                     dynamic_typing=isinstance(parameter.default, float))
    if parameter.choices:
        descriptor.additional_constraints = f'One of: {", ".join(parameter.choices)}.'
    if parameter.limits is not None:
        low, high = parameter.limits
        if isinstance(parameter.default, int):
            descriptor.integer_range = [
                IntegerRange(from_value=int(low), to_value=int(high), step=0)]
        else:
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(low), to_value=float(high), step=0.0)]
    return descriptor
