# SPDX-License-Identifier: Apache-2.0
"""The guard's parameters: one table, from which they are declared, checked and documented."""

from collections.abc import Mapping
from dataclasses import fields
import difflib
from typing import Any

from fire_detector.guard import ACTIONS, GuardSettings, RELEASES
from fire_detector.parameter_declaration import declare, values
from fire_detector.parameter_table import AT_ANY_TIME, AT_START, check, Parameter
from rclpy.node import Node

DEFAULTS = GuardSettings()
# Share of letters in common from which on a given name is taken for a misspelled one. The file
# may hold the detector's parameters too, which are none of the guard's business.
ALIKE = 0.8

PARAMETERS = (
    Parameter('autostart', True,
              'Configure and activate at start; false leaves that to a lifecycle manager.',
              when=AT_START),
    Parameter('detectors', ('fire_detector/fire_detected',),
              'Topics of the alarms, std_msgs/Bool; an alarm of any counts, and the silence of '
              'any.'),
    Parameter('stamped', False,
              'Commands are geometry_msgs/TwistStamped, not geometry_msgs/Twist.'),
    Parameter('action', DEFAULTS.action,
              'What an alarm leads to: zero velocity, that times slow_factor, or nothing.',
              choices=ACTIONS, when=AT_ANY_TIME),
    Parameter('slow_factor', DEFAULTS.slow_factor,
              'What every velocity is multiplied by where action or on_silence is slow.',
              limits=(0, 1), when=AT_ANY_TIME),
    Parameter('release', DEFAULTS.release,
              'What ends a hold after an alarm: time, or the service ~/release alone.',
              choices=RELEASES, when=AT_ANY_TIME),
    Parameter('release_after', DEFAULTS.release_after,
              'Seconds for which every detector has to report no fire before a hold ends by '
              'itself.',
              limits=(0, 3600), when=AT_ANY_TIME),
    Parameter('detector_timeout', DEFAULTS.detector_timeout,
              'Seconds without a report after which a detector counts as silent.',
              limits=(0.05, 3600), when=AT_ANY_TIME),
    Parameter('on_silence', DEFAULTS.on_silence,
              'What a silent detector leads to, also one that was never heard: see action.',
              choices=ACTIONS, when=AT_ANY_TIME),
)


def declare_parameters(node: Node) -> None:
    """Declare every parameter of the table on a node, and report misspelled ones."""
    declare(node, PARAMETERS)
    names = [parameter.name for parameter in PARAMETERS]
    # No public name of rclpy tells what was given in parameter files and on the command line.
    for given in node._parameter_overrides:
        alike = difflib.get_close_matches(given, names, 1, ALIKE)
        if given not in names and alike:
            node.get_logger().warning(f'there is no parameter {given}: its value is not used; '
                                      f'did you mean {alike[0]}?')


def read_detectors(node: Node) -> list[str]:
    """
    Read the topics of the alarms.

    :raises ValueError: when there is none, or one twice.
    """
    topics = list(node.get_parameter('detectors').value or ())
    if not topics or len(set(topics)) < len(topics) or '' in topics:
        raise ValueError(f'parameter detectors is {topics}: expected the topics of at least one '
                         f'detector, each once')
    return topics


def read_settings(node: Node, changed: Mapping[str, Any] | None = None) -> GuardSettings:
    """
    Read what an alarm and silence lead to.

    :param node: the node with the parameters.
    :param changed: values by name that are about to be set.
    :raises ValueError: when a value is not among those the parameter allows.
    """
    given = values(node, PARAMETERS) | dict(changed or {})
    for parameter in PARAMETERS:
        check(parameter, given[parameter.name])
    return GuardSettings(**{field.name: given[field.name] for field in fields(GuardSettings)})
