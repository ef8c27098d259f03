# SPDX-License-Identifier: Apache-2.0
"""The node's parameters: one table, from which they are declared, checked and documented."""

from dataclasses import dataclass, fields
import math
from typing import Any

from fire_detector.classifier import AUTO, RUNTIMES
from fire_detector.model_contract import AlarmSettings, MAX_MIN_FRAMES, MAX_WINDOW
from fire_detector.model_files import DEFAULT_MODEL
from fire_detector.tiling import NONE, TILE_MODES
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.qos import QoSReliabilityPolicy

RELIABILITY = {
    'reliable': QoSReliabilityPolicy.RELIABLE,
    'best_effort': QoSReliabilityPolicy.BEST_EFFORT,
}
FROM_MODEL = -1


@dataclass(frozen=True)
class Parameter:
    """
    Describe one parameter.

    :ivar name: its name.
    :ivar default: its default, which also gives its type.
    :ivar text: what it does.
    :ivar limits: smallest and largest allowed value of a number.
    :ivar choices: the allowed values of a text.
    :ivar read_only: whether it is fixed once the node has started.
    """

    name: str
    default: bool | int | float | str
    text: str
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = False


PARAMETERS = (
    Parameter('autostart', True,
              'Configure and activate at start; false leaves that to a lifecycle manager.',
              read_only=True),
    Parameter('model', DEFAULT_MODEL,
              'The .tflite file: a path, or the file name of a model of the package.'),
    Parameter('runtime', AUTO,
              'The TFLite runtime; auto takes the first that is installed.',
              choices=(AUTO, *RUNTIMES)),
    Parameter('num_threads', 1, 'Threads that one inference may use.', limits=(1, 64)),
    Parameter('tiles', NONE,
              'Parts of the picture to look at too, for small fires; turn takes one with each '
              'picture.',
              choices=TILE_MODES),
    Parameter('reliability', AUTO,
              'Reliability of the image subscription; auto follows what the publishers offer.',
              choices=(AUTO, *RELIABILITY)),
    Parameter('alarm.on_threshold', float(FROM_MODEL),
              'Median probability at which the alarm is raised; -1: the value in the model.',
              limits=(FROM_MODEL, 1)),
    Parameter('alarm.off_threshold', float(FROM_MODEL),
              'Median probability below which the alarm is cleared; -1: the value in the model.',
              limits=(FROM_MODEL, 1)),
    Parameter('alarm.window', float(FROM_MODEL),
              'Seconds of pictures that the median is taken over; -1: the value in the model.',
              limits=(FROM_MODEL, MAX_WINDOW)),
    Parameter('alarm.min_frames', FROM_MODEL,
              'Pictures needed before anything is decided; -1: the value in the model.',
              limits=(FROM_MODEL, MAX_MIN_FRAMES)),
)


@dataclass(frozen=True)
class NodeSettings:
    """Hold the values that the node is configured with; see PARAMETERS."""

    model: str
    runtime: str
    num_threads: int
    tiles: str
    reliability: str


def declare_parameters(node: Node) -> None:
    """Declare every parameter of the table on a node."""
    for parameter in PARAMETERS:
        node.declare_parameter(parameter.name, parameter.default, _descriptor(parameter))


def read_settings(node: Node) -> NodeSettings:
    """
    Read the values to configure a node with.

    :raises ValueError: when a value is not among those the parameter allows.
    """
    values = {parameter.name: _checked(parameter, node.get_parameter(parameter.name).value)
              for parameter in PARAMETERS}
    return NodeSettings(**{field.name: values[field.name] for field in fields(NodeSettings)})


def read_alarm_settings(node: Node, of_model: AlarmSettings) -> AlarmSettings:
    """
    Read the alarm's settings.

    :param node: the node with the parameters.
    :param of_model: what the model's contract says, for those that the user left to it.
    :raises ValueError: when they contradict each other.
    """
    chosen = {}
    for field in fields(AlarmSettings):
        value = node.get_parameter(f'alarm.{field.name}').value
        chosen[field.name] = getattr(of_model, field.name) if value == FROM_MODEL else value
    return AlarmSettings(**chosen)


def _checked(parameter: Parameter, value: Any) -> Any:
    if parameter.choices and value not in parameter.choices:
        raise ValueError(f'parameter {parameter.name} is {value!r}, '
                         f'not one of {parameter.choices}')
    if isinstance(parameter.default, float):
        low, high = parameter.limits or (-math.inf, math.inf)
        if not isinstance(value, (int, float)) or not low <= value <= high:
            raise ValueError(f'parameter {parameter.name} is {value!r}, '
                             f'not a number from {low} to {high}')
    return value


def _descriptor(parameter: Parameter) -> ParameterDescriptor:
    # A number with decimals may also be written without, which to ROS is another type.
    descriptor = ParameterDescriptor(description=parameter.text, read_only=parameter.read_only,
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
