# SPDX-License-Identifier: Apache-2.0
"""Declare a table of parameters on a node, and read it."""

from collections.abc import Mapping, Sequence
import difflib
from typing import Any

from fire_detector.parameters.table import AT_START, Parameter
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

# What rclpy declares or reads by itself, beside the table.
_OF_RCLPY = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')
# difflib's own.
_SIMILARITY = 0.6


def declare_parameters(node: Node, table: Sequence[Parameter]) -> None:
    """Declare every parameter of a table on a node, with what ROS can check of it."""
    for parameter in table:
        default = parameter.default
        node.declare_parameter(
            parameter.name, list(default) if isinstance(default, tuple) else default,
            _descriptor(parameter))


def read_parameters(node: Node, table: Sequence[Parameter]) -> dict[str, Any]:
    """Return the values of a table's parameters, by name."""
    return {parameter.name: node.get_parameter(parameter.name).value for parameter in table}


def find_undeclared(node: Node, table: Sequence[Parameter],
                    similarity: float = _SIMILARITY) -> dict[str, str]:
    """
    Find what was given in parameter files and on the command line and is not in a table.

    :param node: the node that it was given to.
    :param table: the table.
    :param similarity: share of letters in common from which on a name is taken for a misspelled
        one of the table.
    :return: for each given name the most similar one of the table; '' where none is.
    """
    names = [parameter.name for parameter in table]
    # No public name of rclpy tells what was given.
    return {given: next(iter(difflib.get_close_matches(given, names, 1, similarity)), '')
            for given in node._parameter_overrides
            if given not in names and not given.startswith(_OF_RCLPY)}


def warn_undeclared(node: Node, undeclared: Mapping[str, str]) -> None:
    """Warn of names that :func:`find_undeclared` has found."""
    for name, similar in undeclared.items():
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
