# SPDX-License-Identifier: Apache-2.0
"""
The contract of a model: what its tensors expect and mean.

A .tflite file has the shapes of its tensors, not their meaning. The contract carries the rest;
`model.file` stores it with the model.
"""

from collections.abc import Mapping
import dataclasses
from dataclasses import dataclass, field
import json

from fire_detector.model.preprocessing import InputSpec
from fire_detector.model.record import read_record

# From format 2 on, a model may have a heat map beside its probability.
FORMATS = (1, 2)
FORMAT_VERSION = FORMATS[-1]
SOFTMAX, SIGMOID, LOGITS = 'softmax', 'sigmoid', 'logits'
OUTPUTS = (SOFTMAX, SIGMOID, LOGITS)
MAX_WINDOW = 60.0
MAX_MIN_FRAMES = 1000


class ModelError(ValueError):
    """The error of a model file that is missing, damaged, or not what its contract says."""


@dataclass(frozen=True)
class AlarmSettings:
    """
    The settings of the alarm; `detection.alarm.FireAlarm` has the rule.

    :ivar on_threshold: probability 0..1 at or above which the alarm is raised.
    :ivar off_threshold: probability 0..1 below which it is cleared; at most on_threshold.
    :ivar window: seconds of image time that are looked at; at most MAX_WINDOW.
    :ivar min_frames: images that have to be seen before anything is decided, none older than 6 s
        for each of them; from 1 to MAX_MIN_FRAMES.
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
class HeatMap:
    """
    The output that says where the fire is: for each cell of a grid, the probability of fire there.

    It has a meaning only in an image that is called fire.

    :ivar output: place of the output tensor among the model's two, 0 or 1; the other is
        `ModelContract.output`.
    :ivar rows: rows of cells, from the top of the image.
    :ivar columns: columns of cells, from its left.
    :ivar threshold: probability 0..1 at or above which a cell shows fire.
    :raises ValueError: when a value is outside its range.
    """

    rows: int
    columns: int
    output: int = 1
    threshold: float = 0.5

    def __post_init__(self) -> None:
        """Check what a type annotation cannot say."""
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f'heat map of {self.rows}x{self.columns} cells is not positive')
        if self.output not in (0, 1):
            raise ValueError(f'heat map output {self.output} is not 0 or 1, the first or the '
                             f'second of two')
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f'heat map threshold {self.threshold} is not from 0 to 1')


@dataclass(frozen=True)
class ModelContract:
    """
    The meaning of a model's tensors, and what else travels with it.

    :ivar name: the model's name.
    :ivar version: the model's version.
    :ivar labels: the classes, in the order of the output tensor.
    :ivar input_spec: what the input tensor holds.
    :ivar output: 'softmax' (a probability for each label), 'sigmoid' (one value, the probability
        of fire) or 'logits' (either of them, before its softmax or sigmoid).
    :ivar heat_map: the second output; None for a model of one, which cannot say where.
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
    heat_map: HeatMap | None = None
    fire_label: str = 'fire'
    threshold: float = 0.5
    alarm: AlarmSettings = AlarmSettings()
    trained_on: str = ''
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    model_sha256: str = ''
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        """Check what a type annotation cannot say."""
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
        if self.heat_map is not None and self.format_version < 2:
            raise ValueError(f'a heat_map needs format_version 2, not {self.format_version}')

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
    """Return a contract as JSON text, without a heat map that it does not have."""
    fields = dataclasses.asdict(contract)
    if contract.heat_map is None:
        # Format 1 knows no such field.
        del fields['heat_map']
    return json.dumps(fields, indent=2)


def contract_from_json(text: str, origin: str) -> ModelContract:
    """
    Read a contract from JSON text.

    :param text: as from :func:`contract_to_json`.
    :param origin: where the text came from, for the message.
    :return: the contract.
    :raises ModelError: when it is not JSON, lacks a field or has a value that is not allowed.
    """
    try:
        fields = json.loads(text)
        # First, since the fields of another format are others.
        found = fields.get('format_version', FORMAT_VERSION) if isinstance(fields, dict) else None
        if type(found) is int and found not in FORMATS:
            raise ValueError(f'contract format {found} is not one of {FORMATS}, '
                             f'those that this version of fire_detector reads')
        return read_record(ModelContract, fields)
    # RecursionError: lists within lists, thousands deep.
    except (ValueError, RecursionError) as error:
        raise ModelError(f'{origin}: not a usable contract: {error}') from error
