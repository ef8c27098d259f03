# SPDX-License-Identifier: Apache-2.0
"""
What a .tflite file expects and means.

A .tflite says what shape its tensors have, not what they mean. The contract carries the rest;
`stored_model` has how it is stored with the file.
"""

from collections.abc import Mapping
import dataclasses
from dataclasses import dataclass, field
import json
import reprlib
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints, TypeVar

from fire_detector.model.preprocessing import InputSpec

FORMAT_VERSION = 1
SOFTMAX, SIGMOID, LOGITS = 'softmax', 'sigmoid', 'logits'
OUTPUTS = (SOFTMAX, SIGMOID, LOGITS)
MAX_WINDOW = 60.0
MAX_MIN_FRAMES = 1000


class ModelError(ValueError):
    """Report a model file that is missing, damaged, or not what its contract says."""


@dataclass(frozen=True)
class AlarmSettings:
    """
    When single probabilities add up to an alarm; `alarm.FireAlarm` has the rule.

    :ivar on_threshold: probability 0..1 at or above which the alarm is raised.
    :ivar off_threshold: probability 0..1 below which it is cleared; at most on_threshold.
    :ivar window: seconds of image time that are looked at; at most MAX_WINDOW.
    :ivar min_frames: images that have to be seen before anything is decided, from 1 to
        MAX_MIN_FRAMES.
    :raises ValueError: when a value is outside its range.
    """

    on_threshold: float = 0.5
    off_threshold: float = 0.3
    window: float = 1.0
    min_frames: int = 3

    def __post_init__(self) -> None:
        """Check what a type annotation cannot say."""
        if not 0.0 <= self.off_threshold <= self.on_threshold <= 1.0:
            raise ValueError(f'alarm thresholds must be 0 <= off <= on <= 1, '
                             f'not off {self.off_threshold}, on {self.on_threshold}')
        if not 0.0 < self.window <= MAX_WINDOW:
            raise ValueError(f'alarm window {self.window} s is not above 0 and '
                             f'at most {MAX_WINDOW} s')
        if not 1 <= self.min_frames <= MAX_MIN_FRAMES:
            raise ValueError(f'alarm min_frames {self.min_frames} is not from 1 '
                             f'to {MAX_MIN_FRAMES}')


@dataclass(frozen=True)
class ModelContract:
    """
    What a model expects and means.

    :ivar name: the model's name.
    :ivar version: the model's version.
    :ivar labels: the classes, in the order of the output tensor.
    :ivar input_spec: what the input tensor holds.
    :ivar output: 'softmax' (a probability for each label), 'sigmoid' (one value, the probability
        of fire) or 'logits' (either of them, before its softmax or sigmoid).
    :ivar fire_label: the one of `labels` that means fire.
    :ivar threshold: probability 0..1 at or above which a single image is called fire; the alarm,
        which sees many images, has its own.
    :ivar alarm: alarm settings that suit the model.
    :ivar trained_on: the data it was trained on, in words.
    :ivar metrics: what was measured of it, by name.
    :ivar model_sha256: SHA-256 of the model's bytes, without the archive, in hexadecimal.
    :ivar format_version: version of this record's layout.
    :raises ValueError: when the values contradict each other.
    """

    name: str
    version: str
    labels: tuple[str, ...]
    input_spec: InputSpec
    output: str
    fire_label: str = 'fire'
    threshold: float = 0.5
    alarm: AlarmSettings = AlarmSettings()
    trained_on: str = ''
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    model_sha256: str = ''
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        """Check what a type annotation cannot say."""
        if self.format_version != FORMAT_VERSION:
            raise ValueError(f'contract format {self.format_version} is not {FORMAT_VERSION}, '
                             f'the one this version of fire_detector reads')
        if self.fire_label not in self.labels or len(set(self.labels)) != len(self.labels):
            raise ValueError(f'labels {self.labels} must be unique and '
                             f'have {self.fire_label!r} among them')
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f'threshold {self.threshold} is not from 0 to 1')
        if self.output not in OUTPUTS:
            raise ValueError(f'output {self.output!r} is not one of {OUTPUTS}')
        if self.output == SOFTMAX and len(self.labels) == 1:
            raise ValueError(f'a softmax over the one label {self.fire_label!r} is always 1; one '
                             f'value that is the probability of fire has output {SIGMOID!r}')

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Return the shape that the input tensor must have: (1, height, width, channels)."""
        spec = self.input_spec
        return (1, spec.height, spec.width, spec.channels)

    @property
    def output_sizes(self) -> tuple[int, ...]:
        """Return how many values the output tensor may have."""
        if self.output == SIGMOID:
            return (1,)
        return (len(self.labels),) if self.output == SOFTMAX else (1, len(self.labels))


def contract_to_json(contract: ModelContract) -> str:
    """Write a contract as JSON text."""
    return json.dumps(dataclasses.asdict(contract), indent=2)


def contract_from_json(text: str, origin: str) -> ModelContract:
    """
    Read a contract from JSON text.

    :param text: what :func:`contract_to_json` wrote.
    :param origin: where the text came from, for the message.
    :raises ModelError: when it is not JSON, lacks a field or has a value that is not allowed.
    """
    try:
        fields = json.loads(text)
        # First, since the fields of another format are others.
        found = fields.get('format_version', FORMAT_VERSION) if isinstance(fields, dict) else None
        if type(found) is int and found != FORMAT_VERSION:
            raise ValueError(f'contract format {found} is not {FORMAT_VERSION}, '
                             f'the one this version of fire_detector reads')
        return read_record(ModelContract, fields)
    # RecursionError: lists within lists, thousands deep.
    except (ValueError, RecursionError) as error:
        raise ModelError(f'{origin}: not a usable contract: {error}') from error


Record = TypeVar('Record')

# How JSON's types are called, so that whoever writes JSON understands the message.
_JSON_NAMES = {str: 'a text', int: 'a whole number', float: 'a number', NoneType: 'null'}


def read_record(kind: type[Record], value: object, name: str = '') -> Record:
    """
    Make a record of a JSON object.

    :param kind: a dataclass whose fields are str, int, float, tuples of them, mappings from texts
        to them, or such dataclasses again.
    :param value: what `json.loads` gave.
    :param name: of the field that is read, for the message; '' for the whole.
    :raises ValueError: when it is no object, when a field is missing, unknown or of another type,
        and when the record refuses its values.
    """
    if not isinstance(value, dict):
        raise ValueError(f'{name or "it"} is {reprlib.repr(value)}, not an object')
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = value.keys() - fields.keys()
    if unknown:
        raise ValueError(f'{_inside(name, min(unknown))} is not one of its fields; '
                         f'they are {", ".join(fields)}')
    hints = get_type_hints(kind)
    for known in fields.values():
        if (known.name not in value and known.default is dataclasses.MISSING
                and known.default_factory is dataclasses.MISSING):
            raise ValueError(f'the field {_inside(name, known.name)} is missing')
    return kind(**{key: _read(hints[key], given, _inside(name, key))
                   for key, given in value.items()})


def _inside(name: str, key: str) -> str:
    return f'{name}.{key}' if name else key


def _read(kind: Any, value: object, name: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return read_record(kind, value, name)  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError(f'{name} is {reprlib.repr(value)}, not a list')
        element = get_args(kind)[0]
        return tuple(_read(element, one, f'{name}[{index}]') for index, one in enumerate(value))
    if get_origin(kind) is Mapping:
        if not isinstance(value, dict):
            raise ValueError(f'{name} is {reprlib.repr(value)}, not an object')
        element = get_args(kind)[1]
        return {key: _read(element, one, _inside(name, key)) for key, one in value.items()}
    kinds = get_args(kind) or (kind,)
    if not any(_is(one, value) for one in kinds):
        raise ValueError(f'{name} is {reprlib.repr(value)}, '
                         f'not {" or ".join(_JSON_NAMES[one] for one in kinds)}')
    return value


def _is(kind: type, value: object) -> bool:
    """Return whether a value has a type; to JSON, 1 is as much a number as 1.0, and true none."""
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)
