# SPDX-License-Identifier: Apache-2.0
"""Declare the parameters of the table on a node, and read them from it."""

from collections.abc import Mapping
from typing import Any

from fire_detector.model_contract import AlarmSettings
from fire_detector.parameter_declaration import declare, unknown, values, warn_of
from fire_detector.parameters import (
    live_settings_of,
    LiveSettings,
    NodeSettings,
    PARAMETERS,
    RELIABILITIES,
    settings_of,
)
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from rclpy.qos import QoSReliabilityPolicy

RELIABILITY: dict[str, QoSReliabilityPolicy] = {
    name: getattr(QoSReliabilityPolicy, name.upper()) for name in RELIABILITIES}
# Not in the table, since nobody sets it: where ~/vision_info says that the labels are.
LABELS = 'labels'
# What rclpy declares or reads by itself, beside the table.
_OF_ROS = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')
# difflib's own.
_LIKENESS = 0.6


def declare_parameters(node: Node) -> None:
    """Declare every parameter of the table on a node, and report those that are not in it."""
    declare(node, PARAMETERS)
    node.declare_parameter(
        LABELS, RosParameter.Type.STRING_ARRAY, ignore_override=True,
        descriptor=ParameterDescriptor(description='The classes of the loaded model.'))
    warn_of(node, {name: alike for name, alike in unknown(node, PARAMETERS, _LIKENESS).items()
                   if not name.startswith(_OF_ROS)})


def read_settings(node: Node) -> NodeSettings:
    """
    Read the values to configure a node with.

    :raises ValueError: when a value is not among those the parameter allows.
    """
    return settings_of(values(node, PARAMETERS))


def read_live_settings(node: Node, of_model: AlarmSettings,
                       changed: Mapping[str, Any] | None = None) -> LiveSettings:
    """
    Read the values that may change at any time.

    :param node: the node with the parameters.
    :param of_model: what the model's contract says of the alarm, for what the user left to it.
    :param changed: values by name that are about to be set.
    :raises ValueError: when a value is not allowed, or they contradict each other.
    """
    return live_settings_of(values(node, PARAMETERS) | dict(changed or {}), of_model)
