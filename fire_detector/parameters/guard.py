# SPDX-License-Identifier: Apache-2.0
"""The guard's parameters: one table, from which they are declared, checked and documented."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fire_detector.guard.guard import ACTIONS, GuardSettings, RELEASES
from fire_detector.parameters.table import AT_ANY_TIME, AUTOSTART, check_values, Parameter

DEFAULTS = GuardSettings()

PARAMETERS = (
    AUTOSTART,
    Parameter('detectors', ('fire_detector/alarm',),
              'Topics of the alarms, diagnostic_msgs/DiagnosticArray; the alarm or silence of any '
              'one counts.'),
    Parameter('stamped', False,
              'Commands are geometry_msgs/TwistStamped, not geometry_msgs/Twist.'),
    Parameter('action', DEFAULTS.action,
              'Reaction to an alarm: zero velocity, velocity times slow_factor, or none.',
              choices=ACTIONS, when=AT_ANY_TIME),
    Parameter('slow_factor', DEFAULTS.slow_factor,
              'Factor for every velocity where action or on_silence is slow.',
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
    Parameter('max_age', DEFAULTS.max_age,
              'Seconds by which the stamp of a report may be older or newer than the clock; past '
              'that it does not count as heard, though its alarm does. A command that was sent as '
              'long ago goes out as zero. 0: ages are not checked.',
              limits=(0, 3600), when=AT_ANY_TIME),
    Parameter('on_silence', DEFAULTS.on_silence,
              'Reaction to a silent detector, also one that has never reported; as for action.',
              choices=ACTIONS, when=AT_ANY_TIME),
)


def detector_topics(values: Mapping[str, Any]) -> list[str]:
    """
    Return the topics of the alarms.

    :param values: of every parameter, by its name.
    :raises ValueError: when there is none, or one twice, also with and without a / in front.
    """
    topics = list(values['detectors'] or ())
    names = {topic.lstrip('/') for topic in topics}
    if not topics or len(names) < len(topics) or '' in names:
        raise ValueError(f'parameter detectors is {topics}: expected the topics of at least one '
                         f'detector, each once')
    return topics


def guard_settings(values: Mapping[str, Any]) -> GuardSettings:
    """
    Return the guard's settings.

    :param values: of every parameter, by its name.
    :raises ValueError: when a value is not among those the parameter allows.
    """
    check_values(PARAMETERS, values)
    return GuardSettings(**{field.name: values[field.name] for field in fields(GuardSettings)})
