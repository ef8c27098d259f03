# SPDX-License-Identifier: Apache-2.0
"""Declare a table of parameters on a node."""

from collections.abc import Sequence
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
