# SPDX-License-Identifier: Apache-2.0
"""
Check a model's tensors against its contract, and convert their values.

A detail is an element of what `get_input_details` returns in every TFLite runtime.
"""

from collections.abc import Sequence
import math
from typing import Any

from fire_detector.model.contract import HeatMap, LOGITS, ModelContract, ModelError
from fire_detector.model.file import StoredModel
from fire_detector.model.preprocessing import GRAY
import numpy as np
from numpy.typing import NDArray

TYPES = (np.float32, np.uint8, np.int8)
# How far from 0..1 rounding may take a probability.
TOLERANCE = 1e-3


def check_input(details: list[dict[str, Any]], model: StoredModel) -> dict[str, Any]:
    """
    Check that a model's input is one image, as its contract says.

    :param details: of all inputs.
    :param model: the model and its contract.
    :return: the detail of the one input.
    :raises ModelError: when it does not; the message has the remedy.
    """
    detail = _only(details, model, 'input')
    found, expected = _shape(detail), model.contract.input_shape
    # The first is the number of images, which is one here.
    if -1 in tuple(detail.get('shape_signature', ()))[1:]:
        raise ModelError(f'{model.path}: its input tensor has no fixed size, but shape '
                         f'{tuple(int(size) for size in detail["shape_signature"])}; convert the '
                         f'model with an input of shape {expected}')
    if found != expected:
        raise ModelError(f'{model.path}: its input tensor has shape {found}, its contract says '
                         f'{expected}; {_remedy(found, expected, model)}')
    _check_type(detail, model, 'input')
    return detail


def check_outputs(details: list[dict[str, Any]], model: StoredModel
                  ) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """
    Check that a model's outputs are the probability and, where its contract has one, a heat map.

    :param details: of all outputs.
    :param model: the model and its contract.
    :return: the detail of the probability, whose values may be along any axis, and that of the
        heat map, if there is one.
    :raises ModelError: when they are not; the message has the remedy.
    """
    heat_map = model.contract.heat_map
    if heat_map is None:
        return _check_output(_only(details, model, 'output'), model), None
    if len(details) != 2:
        raise ModelError(f'{model.path}: has {_named(details, "output")}, its contract says 2, '
                         f'of which one is a heat map; correct "heat_map" in {_place(model)}')
    detail = details[heat_map.output]
    grid = (heat_map.rows, heat_map.columns)
    found = _shape(detail)
    if found not in (grid, (1, *grid), (*grid, 1), (1, *grid, 1)):
        raise ModelError(f'{model.path}: its output tensor {heat_map.output} has shape {found}, '
                         f'its contract says a heat map of shape {(1, *grid, 1)}; correct '
                         f'"heat_map" in {_place(model)}')
    _check_type(detail, model, 'output')
    return _check_output(details[1 - heat_map.output], model), detail


def _check_output(detail: dict[str, Any], model: StoredModel) -> dict[str, Any]:
    """Check that an output has as many values as the contract says; return it."""
    found, contract = _shape(detail), model.contract
    size = math.prod(found)
    if size not in contract.output_sizes or max(found, default=1) != size:
        expected = ' or '.join(str((1, size)) for size in contract.output_sizes)
        raise ModelError(f'{model.path}: its output tensor has shape {found}, its contract says '
                         f'{expected} ({contract.output} of {len(contract.labels)} labels); '
                         f'correct "output" or "labels" in {_place(model)}')
    _check_type(detail, model, 'output')
    return detail


def quantize(tensor: NDArray[np.float32], detail: dict[str, Any]) -> NDArray[Any]:
    """
    Convert values to the type of a tensor.

    q = round(x / scale) + zero_point, https://ai.google.dev/edge/litert/models/quantization_spec.

    :param tensor: float32 of any shape.
    :param detail: of the tensor.
    :return: the same shape in the tensor's type; beyond its range, the end of the range.
    """
    if detail['dtype'] == np.float32:
        return tensor
    scale, zero_point = detail['quantization']
    limits = np.iinfo(detail['dtype'])
    quantized = np.rint(tensor / scale) + zero_point
    return np.asarray(np.clip(quantized, limits.min, limits.max), dtype=detail['dtype'])


def dequantize(tensor: NDArray[Any], detail: dict[str, Any]) -> NDArray[np.float32]:
    """
    Convert values of a tensor back to float32: x = (q - zero_point) * scale.

    :param tensor: of any shape, in the tensor's type.
    :param detail: of the tensor.
    :return: float32 of the same shape.
    """
    if detail['dtype'] == np.float32:
        return np.asarray(tensor, dtype=np.float32)
    scale, zero_point = detail['quantization']
    return np.asarray((tensor.astype(np.int32) - zero_point) * scale, dtype=np.float32)


def _only(details: list[dict[str, Any]], model: StoredModel, kind: str) -> dict[str, Any]:
    if len(details) != 1:
        raise ModelError(f'{model.path}: has {_named(details, kind)}, expected 1; convert the '
                         f'part of the model that makes one prediction of one image')
    return details[0]


def _named(details: list[dict[str, Any]], kind: str) -> str:
    names = ', '.join(repr(detail['name']) for detail in details)
    return f'{len(details)} {kind} tensors ({names})'


def _shape(detail: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(size) for size in detail['shape'])


def _remedy(found: tuple[int, ...], expected: tuple[int, ...], model: StoredModel) -> str:
    if len(found) != 4 or found[0] != 1 or found[3] not in (1, 3):
        channels_first = len(found) == 4 and found[1] in (1, 3)
        return (f'{"channels come first in it; " if channels_first else ""}convert the model '
                f'with an input of one image, channels last (NHWC)')
    if found[3] != expected[3]:
        color_order = f'"{GRAY}"' if found[3] == 1 else '"RGB" or "BGR"'
        return f'"color_order" in the "input_spec" of {_place(model)} has to be {color_order}'
    return f'correct "height" and "width" in the "input_spec" of {_place(model)}'


def _check_type(detail: dict[str, Any], model: StoredModel, kind: str) -> None:
    if detail['dtype'] not in TYPES:
        raise ModelError(f'{model.path}: its {kind} tensor is {np.dtype(detail["dtype"])}, '
                         f'expected float32, uint8 or int8; convert the model with one of them')
    scale, _ = detail['quantization']
    if detail['dtype'] != np.float32 and not (math.isfinite(scale) and scale > 0):
        raise ModelError(f'{model.path}: its {kind} tensor is {np.dtype(detail["dtype"])} with '
                         f'the quantization scale {scale}, expected one above 0; convert the '
                         f'model with calibrated quantization, or with a float32 {kind}')


def _place(model: StoredModel) -> str:
    """Return the file of the contract, for a message."""
    if model.contract_path == model.path:
        return 'the contract inside it'
    return str(model.contract_path)


def fire_probability(values: Sequence[float], contract: ModelContract) -> float:
    """
    Compute the probability of fire from a model's output.

    One value is that of fire; of several, each is that of the label in its place. One logit goes
    through a sigmoid, several through a softmax; neither overflows, since every exponent is at
    most 0.

    :param values: the model's output for one image, dequantized; Python's own floats, which for
        so few are ten times as fast as arrays.
    :param contract: of the model.
    :return: probability, 0..1.
    :raises ValueError: when a value is not finite, or not from 0 to 1 where it has to be.
    """
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f'output {value} is no number')
    place = 0 if len(values) == 1 else contract.labels.index(contract.fire_label)
    if contract.output != LOGITS:
        value = values[place]
        if not -TOLERANCE <= value <= 1 + TOLERANCE:
            raise ValueError(f'output {value:g} is no probability; a model without '
                             f'{contract.output} at its end has "output": "{LOGITS}" in its '
                             f'contract')
        return min(max(value, 0.0), 1.0)
    # A sigmoid is the softmax over the value and 0.
    logits = [*values, 0.0] if len(values) == 1 else values
    largest = max(logits)
    powers = [math.exp(logit - largest) for logit in logits]
    return powers[place] / sum(powers)


def cell_probabilities(values: NDArray[np.float32], heat_map: HeatMap) -> NDArray[np.float32]:
    """
    Return the cells of a heat map.

    :param values: the model's output for one image, dequantized.
    :param heat_map: what the contract says about it.
    :return: float32 of shape (rows, columns), 0..1 but for rounding.
    :raises ValueError: when a value is not from 0 to 1.
    """
    # In this way, since a comparison with what is not a number is false.
    if not (values.min() >= -TOLERANCE and values.max() <= 1 + TOLERANCE):
        raise ValueError(f'heat map from {values.min():g} to {values.max():g} is no map of '
                         f'probabilities')
    return values.reshape(heat_map.rows, heat_map.columns)
