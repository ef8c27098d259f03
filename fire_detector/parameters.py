# SPDX-License-Identifier: Apache-2.0
"""The node's parameters: one table, from which they are declared, checked and documented."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
import difflib
import math
from typing import Any

from fire_detector.classifier import AUTO, RUNTIMES
from fire_detector.model_contract import AlarmSettings, MAX_MIN_FRAMES, MAX_WINDOW
from fire_detector.model_files import DEFAULT_MODEL
from fire_detector.tiling import NONE, TILE_MODES
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from rclpy.qos import QoSReliabilityPolicy

RELIABILITY = {
    'reliable': QoSReliabilityPolicy.RELIABLE,
    'best_effort': QoSReliabilityPolicy.BEST_EFFORT,
}
RAW, COMPRESSED = 'raw', 'compressed'
TRANSPORTS = (RAW, COMPRESSED)
FROM_MODEL = -1
# Not in the table, since nobody sets it: where ~/vision_info says that the labels are.
LABELS = 'labels'
# What rclpy declares or reads by itself, beside the table.
_OF_ROS = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')


AT_START, UNCONFIGURED, AT_ANY_TIME = 'at start', 'unconfigured', 'at any time'


@dataclass(frozen=True)
class Parameter:
    """
    Describe one parameter.

    :ivar name: its name.
    :ivar default: its default, which also gives its type.
    :ivar text: what it does.
    :ivar limits: smallest and largest allowed value of a number.
    :ivar choices: the allowed values of a text.
    :ivar when: when a change of it can be made: AT_START alone, while the node is UNCONFIGURED
        since it is read by the transition, or AT_ANY_TIME.
    """

    name: str
    default: bool | int | float | str
    text: str
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    when: str = UNCONFIGURED


PARAMETERS = (
    Parameter('autostart', True,
              'Configure and activate at start; false leaves that to a lifecycle manager.',
              when=AT_START),
    Parameter('model', DEFAULT_MODEL,
              'The .tflite file: a path, or the file name of a model of the package.'),
    Parameter('allow_changed_model', False,
              'Load a model whose bytes are not those that its contract names; a damaged one may '
              'end the process.'),
    Parameter('runtime', AUTO,
              'The TFLite runtime; auto takes the first that is installed.',
              choices=(AUTO, *RUNTIMES)),
    Parameter('num_threads', 1, 'Threads that one inference may use.', limits=(1, 64)),
    Parameter('tiles', NONE,
              'Parts of the picture to look at too, for small fires; turn takes one with each '
              'picture.',
              choices=TILE_MODES),
    Parameter('image_transport', RAW,
              'Pictures to subscribe to: raw ones on image, or compressed ones on '
              'image/compressed.',
              choices=TRANSPORTS),
    Parameter('reliability', AUTO,
              'Reliability of the image subscription; auto follows what the publishers offer.',
              choices=(AUTO, *RELIABILITY)),
    Parameter('max_rate', 0.0,
              'Pictures a second that are looked at, at most; others are passed over unread. 0: '
              'no limit.',
              limits=(0, 1000), when=AT_ANY_TIME),
    Parameter('image_timeout', 2.0,
              'Seconds without a picture after which a warning says why; 0: never.',
              limits=(0, 3600), when=AT_ANY_TIME),
    Parameter('alarm.on_threshold', float(FROM_MODEL),
              'Median probability at which the alarm is raised; -1: the value in the model.',
              limits=(FROM_MODEL, 1), when=AT_ANY_TIME),
    Parameter('alarm.off_threshold', float(FROM_MODEL),
              'Median probability below which the alarm is cleared; -1: the value in the model.',
              limits=(FROM_MODEL, 1), when=AT_ANY_TIME),
    Parameter('alarm.window', float(FROM_MODEL),
              'Seconds of pictures that the median is taken over; -1: the value in the model.',
              limits=(FROM_MODEL, MAX_WINDOW), when=AT_ANY_TIME),
    Parameter('alarm.min_frames', FROM_MODEL,
              'Pictures needed before anything is decided; -1: the value in the model.',
              limits=(FROM_MODEL, MAX_MIN_FRAMES), when=AT_ANY_TIME),
    Parameter('alarm.latch', False,
              'Keep a raised alarm until the service ~/reset_alarm is called.',
              when=AT_ANY_TIME),
    Parameter('annotated.max_rate', 0.0,
              'Pictures a second that are drawn on, at most, while somebody listens. 0: no limit.',
              limits=(0, 1000), when=AT_ANY_TIME),
    Parameter('annotated.max_width', 640,
              'Columns that annotated pictures are shrunk to; 0: as large as they come.',
              limits=(0, 16384), when=AT_ANY_TIME),
)


@dataclass(frozen=True)
class NodeSettings:
    """Hold the values that the node is configured with; see PARAMETERS."""

    model: str
    allow_changed_model: bool
    runtime: str
    num_threads: int
    tiles: str
    image_transport: str
    reliability: str


@dataclass(frozen=True)
class LiveSettings:
    """Hold the values that may change at any time; see PARAMETERS for what they mean."""

    max_rate: float
    image_timeout: float
    annotated_max_rate: float
    annotated_max_width: int
    alarm_latch: bool
    alarm: AlarmSettings


def declare_parameters(node: Node) -> None:
    """Declare every parameter of the table on a node, and report those that are not in it."""
    for parameter in PARAMETERS:
        node.declare_parameter(parameter.name, parameter.default, _descriptor(parameter))
    node.declare_parameter(
        LABELS, RosParameter.Type.STRING_ARRAY, ignore_override=True,
        descriptor=ParameterDescriptor(description='The classes of the loaded model.'))
    names = [parameter.name for parameter in PARAMETERS]
    # No public name of rclpy tells what was given in parameter files and on the command line.
    for given in node._parameter_overrides:
        if given not in names and not given.startswith(_OF_ROS):
            alike = difflib.get_close_matches(given, names, 1)
            node.get_logger().warning(
                f'there is no parameter {given}: its value is not used'
                + (f'; did you mean {alike[0]}?' if alike else ''))


def read_settings(node: Node) -> NodeSettings:
    """
    Read the values to configure a node with.

    :raises ValueError: when a value is not among those the parameter allows.
    """
    values = _checked_values(_values(node))
    return NodeSettings(**{field.name: values[field.name] for field in fields(NodeSettings)})


def read_live_settings(node: Node, of_model: AlarmSettings,
                       changed: Mapping[str, Any] | None = None) -> LiveSettings:
    """
    Read the values that may change at any time.

    :param node: the node with the parameters.
    :param of_model: what the model's contract says of the alarm, for what the user left to it.
    :param changed: values by name that are about to be set.
    :raises ValueError: when a value is not allowed, or they contradict each other.
    """
    values = _checked_values(_values(node) | dict(changed or {}))
    alarm = {}
    for field in fields(AlarmSettings):
        value = values[f'alarm.{field.name}']
        alarm[field.name] = getattr(of_model, field.name) if value == FROM_MODEL else value
    return LiveSettings(
        max_rate=values['max_rate'], image_timeout=values['image_timeout'],
        annotated_max_rate=values['annotated.max_rate'],
        annotated_max_width=values['annotated.max_width'],
        alarm_latch=values['alarm.latch'], alarm=AlarmSettings(**alarm))


def why_not_now(changed: Collection[str], configured: bool) -> str:
    """
    Say why parameters cannot be changed now.

    :param changed: names of the parameters.
    :param configured: whether the node has been configured.
    :return: the reason; empty where they can.
    """
    for parameter in PARAMETERS:
        if parameter.name in changed and configured and parameter.when == UNCONFIGURED:
            return (f'{parameter.name} is read when the node is configured: deactivate and clean '
                    f'up first, then set it, and configure and activate again')
    return ''


def _values(node: Node) -> dict[str, Any]:
    return {parameter.name: node.get_parameter(parameter.name).value for parameter in PARAMETERS}


def _checked_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {parameter.name: _checked(parameter, values[parameter.name])
            for parameter in PARAMETERS}


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
