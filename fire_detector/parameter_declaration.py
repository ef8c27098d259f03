# SPDX-License-Identifier: Apache-2.0
"""Declare a table of parameters on a node, and tell of what is not in it."""

from collections.abc import Mapping, Sequence
import difflib
from typing import Any

from fire_detector.parameter_table import AT_START, Parameter
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node


def declare(node: Node, parameters: Sequence[Parameter]) -> None:
    """Declare every parameter of a table, with what ROS can check of it."""
    for parameter in parameters:
        default = parameter.default
        node.declare_parameter(
            parameter.name, list(default) if isinstance(default, tuple) else default,
            _descriptor(parameter))


def values(node: Node, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Give the values of a table's parameters, by name."""
    return {parameter.name: node.get_parameter(parameter.name).value for parameter in parameters}


def unknown(node: Node, parameters: Sequence[Parameter], likeness: float) -> dict[str, str]:
    """
    List what was given in parameter files and on the command line and is not in a table.

    :param node: the node that it was given to.
    :param parameters: the table.
    :param likeness: share of letters in common from which on a name is taken for a misspelled one.
    :return: for each name the one that is most alike; '' where none is.
    """
    names = [parameter.name for parameter in parameters]
    # No public name of rclpy tells what was given.
    return {given: next(iter(difflib.get_close_matches(given, names, 1, likeness)), '')
            for given in node._parameter_overrides if given not in names}


def warn_of(node: Node, given: Mapping[str, str]) -> None:
    """Report names that `unknown` has listed."""
    for name, alike in given.items():
        node.get_logger().warning(f'there is no parameter {name}: its value is not used'
                                  + (f'; did you mean {alike}?' if alike else ''))


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
