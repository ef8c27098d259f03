# SPDX-License-Identifier: Apache-2.0
"""The detector's parameters: one table, from which they are declared, checked and documented."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from fire_detector.model.classifier import AUTO, RUNTIMES
from fire_detector.model.contract import AlarmSettings, MAX_MIN_FRAMES, MAX_WINDOW
from fire_detector.model.locate import DEFAULT_MODEL
from fire_detector.parameters.table import AT_ANY_TIME, AUTOSTART, check_values, Parameter

RELIABILITIES = ('reliable', 'best_effort')
RAW, COMPRESSED = 'raw', 'compressed'
TRANSPORTS = (RAW, COMPRESSED)
FROM_MODEL = -1
ON_THRESHOLD, OFF_THRESHOLD = THRESHOLDS = 'alarm.on_threshold', 'alarm.off_threshold'
DEFAULT_MAX_AGE = 2.0

PARAMETERS = (
    AUTOSTART,
    Parameter('model', DEFAULT_MODEL,
              'The .tflite file: a path, or the file name of a model of the package.'),
    Parameter('allow_changed_model', False,
              'Load a model whose bytes are not those that its contract names; a damaged one may '
              'crash the process.'),
    Parameter('runtime', AUTO,
              'The TFLite runtime; auto takes the first that is installed.',
              choices=(AUTO, *RUNTIMES)),
    Parameter('num_threads', 1, 'Threads that one inference may use.', limits=(1, 64)),
    Parameter('image_transport', RAW,
              'Images to subscribe to: raw ones on image, or compressed ones on '
              'image/compressed.',
              choices=TRANSPORTS),
    Parameter('reliability', AUTO,
              'Reliability of the image subscription; auto follows what the publishers offer.',
              choices=(AUTO, *RELIABILITIES)),
    Parameter('max_rate', 0.0,
              'Images a second that are processed at most; others are skipped unread. 0: no '
              'limit.',
              limits=(0, 1000), when=AT_ANY_TIME),
    Parameter('image_timeout', 2.0,
              'Seconds without an image after which a warning names the cause; 0: never.',
              limits=(0, 3600), when=AT_ANY_TIME),
    Parameter('max_age', DEFAULT_MAX_AGE,
              "Seconds that an image's stamp may differ from the clock; an image of another time "
              'has a probability, but leads to no alarm. 0: the age is not checked.',
              limits=(0, 3600), when=AT_ANY_TIME),
    Parameter(ON_THRESHOLD, float(FROM_MODEL),
              'Median probability at which the alarm is raised; -1: the value in the model.',
              limits=(FROM_MODEL, 1), when=AT_ANY_TIME),
    Parameter(OFF_THRESHOLD, float(FROM_MODEL),
              'Median probability below which the alarm is cleared; -1: the value in the model.',
              limits=(FROM_MODEL, 1), when=AT_ANY_TIME),
    Parameter('alarm.window', float(FROM_MODEL),
              'Seconds of images that the median is taken over; -1: the value in the model.',
              limits=(FROM_MODEL, MAX_WINDOW), when=AT_ANY_TIME),
    Parameter('alarm.min_frames', FROM_MODEL,
              'Images that the median needs at least, none older than 6 s for each of them; -1: '
              'the value in the model.',
              limits=(FROM_MODEL, MAX_MIN_FRAMES), when=AT_ANY_TIME),
    Parameter('alarm.latch', False,
              'Keep a raised alarm until the service ~/reset_alarm is called.',
              when=AT_ANY_TIME),
    Parameter('annotated.max_rate', 0.0,
              'Images a second that are annotated at most, while somebody subscribes. 0: no '
              'limit.',
              limits=(0, 1000), when=AT_ANY_TIME),
    Parameter('annotated.max_width', 640,
              'Columns that annotated images are shrunk to; 0: full size.',
              limits=(0, 16384), when=AT_ANY_TIME),
)


@dataclass(frozen=True)
class NodeSettings:
    """The values that `configure` reads; PARAMETERS describes them."""

    model: str
    allow_changed_model: bool
    runtime: str
    num_threads: int
    image_transport: str
    reliability: str

    @classmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> 'NodeSettings':
        """
        Read the settings from parameters.

        :param values: of every parameter, by its name.
        :raises ValueError: when a value is not among those the parameter allows.
        """
        check_values(PARAMETERS, values)
        return cls(**{field.name: values[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class LiveSettings:
    """
    The values that may change at any time; PARAMETERS describes them.

    :ivar waiting: why the thresholds are those of before, not those of the parameters; empty where
        they are the parameters'.
    """

    max_rate: float
    image_timeout: float
    max_age: float
    annotated_max_rate: float
    annotated_max_width: int
    alarm_latch: bool
    alarm: AlarmSettings
    waiting: str = ''

    @classmethod
    def from_parameters(cls, values: Mapping[str, Any], of_model: AlarmSettings,
                        in_force: AlarmSettings | None = None) -> 'LiveSettings':
        """
        Read the settings from parameters.

        ROS sets the parameters of a file one by one. Between the two thresholds, the new one may
        contradict the old other: then those in force are kept until both go together.

        :param values: of every parameter, by its name.
        :param of_model: the alarm settings of the model's contract, for those that are not set.
        :param in_force: those whose thresholds are kept where the parameters' contradict each
            other; None to refuse these.
        :raises ValueError: when a value is not allowed, or they contradict each other.
        """
        check_values(PARAMETERS, values)
        chosen = {field.name: values[f'alarm.{field.name}'] for field in fields(AlarmSettings)
                  if values[f'alarm.{field.name}'] != FROM_MODEL}
        on, off = (chosen.get(name, getattr(of_model, name))
                   for name in ('on_threshold', 'off_threshold'))
        waiting = ''
        if in_force is not None and off > on:
            chosen |= {'on_threshold': in_force.on_threshold,
                       'off_threshold': in_force.off_threshold}
            waiting = (f'{ON_THRESHOLD} {on:g} is below {OFF_THRESHOLD} {off:g}: the alarm keeps '
                       f'on {in_force.on_threshold:g}, off {in_force.off_threshold:g} until one '
                       f'of them is set so that they go together')
        return cls(
            max_rate=values['max_rate'], image_timeout=values['image_timeout'],
            max_age=values['max_age'], annotated_max_rate=values['annotated.max_rate'],
            annotated_max_width=values['annotated.max_width'], alarm_latch=values['alarm.latch'],
            alarm=replace(of_model, **chosen), waiting=waiting)


def default_values() -> dict[str, Any]:
    """Return every parameter's default by its name."""
    return {parameter.name: parameter.default for parameter in PARAMETERS}
