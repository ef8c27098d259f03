# SPDX-License-Identifier: Apache-2.0
"""Tensors and outputs, from details as runtimes give them and from numbers worked out by hand."""

import dataclasses
import math
from pathlib import Path
from typing import Any

from fire_detector.model.contract import HeatMap, ModelContract, ModelError
from fire_detector.model.file import StoredModel
from fire_detector.model.preprocessing import InputSpec
from fire_detector.model.tensors import (
    cell_probabilities,
    check_input,
    check_outputs,
    dequantize,
    fire_probability,
    quantize,
)
import numpy as np
import pytest

MODEL, SIDECAR = Path('odd.tflite'), Path('odd.contract.json')
LABELS = ('nofire', 'fire', 'smoke', 'lamp')


def contract(output: str = 'softmax', labels: int = 2, color_order: str = 'RGB') -> ModelContract:
    """Build the contract of a model for images of 8x6 pixels."""
    return ModelContract('odd', '1', LABELS[:labels], InputSpec(6, 8, color_order), output)


def stored(of: ModelContract, contract_path: Path = MODEL) -> StoredModel:
    """Build a model with a contract, inside it or in another file."""
    return StoredModel(MODEL, b'', of, contract_path, '')


def detail(*shape: int, dtype: Any = np.float32, scale: float = 0.0,
           **others: Any) -> dict[str, Any]:
    """Build the detail of a tensor."""
    return {'name': 'tensor', 'shape': np.array(shape, np.int32), 'dtype': dtype,
            'quantization': (scale, 0), **others}


def check_parts(error: pytest.ExceptionInfo[ModelError], *parts: str) -> None:
    """Check that a message has the file and so many parts."""
    assert [part for part in ('odd.tflite', *parts) if part not in str(error.value)] == []


@pytest.mark.parametrize('given', [
    detail(1, 6, 8, 3),
    detail(1, 6, 8, 3, dtype=np.uint8, scale=1 / 255),
    detail(1, 6, 8, 3, dtype=np.int8, scale=1e-9),
    # The number of images is open, and allocated as one.
    detail(1, 6, 8, 3, shape_signature=np.array((-1, 6, 8, 3))),
])
def test_input(given: dict[str, Any]) -> None:
    """The detail of the one input comes back."""
    assert check_input([given], stored(contract())) is given


@pytest.mark.parametrize('shape_signature', [(1, -1, 8, 3), (1, 6, -1, 3), (1, 6, 8, -1)])
def test_input_of_any_size(shape_signature: tuple[int, ...]) -> None:
    """An input whose size is open is refused, however it is allocated at first."""
    given = detail(1, 6, 8, 3, shape_signature=np.array(shape_signature))
    with pytest.raises(ModelError) as error:
        check_input([given], stored(contract()))
    check_parts(error, 'no fixed size', str(shape_signature), '(1, 6, 8, 3)')


@pytest.mark.parametrize(('shape', 'color_order', 'remedy', 'others'), [
    ((1, 3, 6, 8), 'RGB', 'channels come first in it; convert the model', '"height"'),
    ((1, 1, 6, 8), 'GRAY', 'channels come first in it; convert the model', '"height"'),
    ((1, 6, 8, 4), 'RGB', 'NHWC', 'channels come first'),
    ((1, 144), 'RGB', 'NHWC', 'channels come first'),
    ((3, 3), 'RGB', 'NHWC', 'channels come first'),
    ((1, 6, 8, 3, 1), 'RGB', 'NHWC', 'channels come first'),
    ((2, 6, 8, 3), 'RGB', 'NHWC', 'color_order'),
    ((1, 6, 8, 1), 'RGB', '"color_order" in the "input_spec" of', 'NHWC'),
    ((1, 6, 8, 1), 'RGB', 'has to be "GRAY"', '"RGB"'),
    ((1, 6, 8, 3), 'GRAY', 'has to be "RGB" or "BGR"', '"GRAY"'),
    ((1, 8, 6, 3), 'RGB', 'correct "height" and "width" in the "input_spec"', 'color_order'),
])
def test_input_of_another_shape(shape: tuple[int, ...], color_order: str, remedy: str,
                                others: str) -> None:
    """The message has the shape, the expected one and one remedy, with the contract's place."""
    of = contract(color_order=color_order)
    for path, place in ((MODEL, 'the contract inside it'), (SIDECAR, 'odd.contract.json')):
        with pytest.raises(ModelError) as error:
            check_input([detail(*shape)], stored(of, path))
        check_parts(error, f'has shape {shape}', str(of.input_shape), remedy)
        assert others not in str(error.value)
        assert (place in str(error.value)) == ('"input_spec"' in str(error.value))


@pytest.mark.parametrize(('kind', 'given'), [
    ('input', detail(1, 6, 8, 3)), ('output', detail(1, 2))])
def test_more_tensors_than_one(kind: str, given: dict[str, Any]) -> None:
    """Two, or none, are named; every other fault of a tensor is named with its kind."""
    check = check_input if kind == 'input' else check_outputs
    with pytest.raises(ModelError) as error:
        check([given, given], stored(contract()))
    check_parts(error, f"has 2 {kind} tensors ('tensor', 'tensor'), expected 1")
    with pytest.raises(ModelError) as error:
        check([], stored(contract()))
    check_parts(error, f'has 0 {kind} tensors')
    with pytest.raises(ModelError) as error:
        check([given | {'dtype': np.float16}], stored(contract()))
    check_parts(error, f'its {kind} tensor is float16', 'float32, uint8 or int8')


@pytest.mark.parametrize('scale', [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize('dtype', [np.uint8, np.int8])
def test_scale_that_is_none(dtype: type, scale: float) -> None:
    """Integers need a positive step; a float32 tensor has none, and the scale 0."""
    with pytest.raises(ModelError) as error:
        check_input([detail(1, 6, 8, 3, dtype=dtype, scale=scale)], stored(contract()))
    check_parts(error, f'is {np.dtype(dtype)} with the quantization scale {scale}',
                'or with a float32 input')
    with pytest.raises(ModelError) as error:
        check_outputs([detail(1, 2, dtype=dtype, scale=scale)], stored(contract()))
    check_parts(error, 'or with a float32 output')


@pytest.mark.parametrize(('shape', 'output', 'labels'), [
    ((1, 2), 'softmax', 2), ((2,), 'softmax', 2), ((2, 1), 'logits', 2),
    ((1, 1, 1, 4), 'softmax', 4), ((1, 1), 'sigmoid', 4), ((1,), 'sigmoid', 2), ((), 'sigmoid', 2),
    ((1, 1), 'logits', 4), ((1, 4), 'logits', 4)])
def test_output(shape: tuple[int, ...], output: str, labels: int) -> None:
    """One value, or one for each label, along any axis."""
    given = detail(*shape)
    assert check_outputs([given], stored(contract(output, labels))) == (given, None)


@pytest.mark.parametrize(('shape', 'output', 'labels', 'expected'), [
    ((1, 2), 'sigmoid', 2, '(1, 1) (sigmoid of 2 labels)'),
    ((1, 1), 'softmax', 2, '(1, 2) (softmax of 2 labels)'),
    ((1, 3), 'softmax', 4, '(1, 4) (softmax of 4 labels)'),
    ((1, 3), 'logits', 4, '(1, 1) or (1, 4) (logits of 4 labels)'),
    ((2, 2), 'softmax', 4, '(1, 4)'),
    ((0,), 'sigmoid', 2, '(1, 1)'),
])
def test_output_of_another_shape(shape: tuple[int, ...], output: str, labels: int,
                                 expected: str) -> None:
    """Four values in two by two places are not those of four labels either."""
    with pytest.raises(ModelError) as error:
        check_outputs([detail(*shape)], stored(contract(output, labels), SIDECAR))
    check_parts(error, f'has shape {shape}', expected, '"output" or "labels" in odd.contract.json')


@pytest.mark.parametrize('shape', [(2, 3), (1, 2, 3), (2, 3, 1), (1, 2, 3, 1)])
@pytest.mark.parametrize('place', [0, 1])
def test_heat_map(shape: tuple[int, ...], place: int) -> None:
    """The contract says which output it is; the other one is the probability."""
    of = stored(dataclasses.replace(contract('sigmoid'), heat_map=HeatMap(2, 3, place)))
    probability, heat_map = detail(1, 1), detail(*shape)
    given = [probability, heat_map] if place else [heat_map, probability]
    found = check_outputs(given, of)
    assert found[0] is probability
    assert found[1] is heat_map
    with pytest.raises(ModelError) as error:
        check_outputs(given[::-1], of)
    check_parts(error, f'output tensor {place} has shape (1, 1)', '(1, 2, 3, 1)', '"heat_map" in')


@pytest.mark.parametrize(('given', 'parts'), [
    ([detail(1, 1)], ['has 1 output tensors', 'says 2', '"heat_map" in odd.contract.json']),
    ([detail(1, 1)] * 3, ['has 3 output tensors']),
    ([detail(1, 1), detail(1, 3, 2, 1)], ['shape (1, 3, 2, 1)', '(1, 2, 3, 1)']),
    ([detail(1, 1), detail(6)], ['shape (6,)']),
    ([detail(1, 2), detail(1, 2, 3, 1)], ['shape (1, 2)', '(1, 1)', '"output" or "labels"']),
    ([detail(1, 1), detail(1, 2, 3, 1, dtype=np.float16)], ['output tensor is float16']),
    ([detail(1, 1), detail(1, 2, 3, 1, dtype=np.int8)], ['quantization scale 0.0']),
])
def test_heat_map_that_is_none(given: list[dict[str, Any]], parts: list[str]) -> None:
    """The message has what was found, what the contract says, and what to change."""
    of = dataclasses.replace(contract('sigmoid'), heat_map=HeatMap(2, 3))
    with pytest.raises(ModelError) as error:
        check_outputs(given, stored(of, SIDECAR))
    check_parts(error, *parts)


def test_cells() -> None:
    """Rows come first; a cell that is no number, or far from 0 to 1, is none."""
    values = np.array([[[[0], [0.25], [0.5]], [[0.75], [1], [1.0005]]]], np.float32)
    np.testing.assert_array_equal(cell_probabilities(values, HeatMap(2, 3)),
                                  np.array([[0, 0.25, 0.5], [0.75, 1, 1.0005]], np.float32))
    for value in (math.nan, math.inf, -0.1, 4.0):
        values[0, 0, 0, 0] = value
        with pytest.raises(ValueError, match='no map of probabilities'):
            cell_probabilities(values, HeatMap(2, 3))


@pytest.mark.parametrize(('dtype', 'zero_point', 'values', 'expected'), [
    # q = round(x / 0.5) + zero_point, half to even; beyond the type's range, its end.
    (np.uint8, 10, [0.0, 0.5, 0.76, -1.0, 1.25], [10, 11, 12, 8, 12]),
    (np.uint8, 10, [-5.5, 500.0], [0, 255]),
    (np.int8, -3, [0.0, 1.0, -62.5, -70.0, 65.0, 70.0], [-3, -1, -128, -128, 127, 127]),
])
def test_quantize(dtype: type, zero_point: int, values: list[float],
                  expected: list[int]) -> None:
    """The steps and the zero point are those of the detail."""
    given = {'dtype': dtype, 'quantization': (0.5, zero_point)}
    found = quantize(np.array(values, np.float32), given)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


def test_dequantize() -> None:
    """A value is (q - zero_point) * scale, also where the difference leaves the type's range."""
    given = {'dtype': np.int8, 'quantization': (0.5, -100)}
    found = dequantize(np.array([[-100, 127, -128]], np.int8), given)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[0.0, 113.5, -14.0]])


def test_floats_are_left() -> None:
    """A float32 tensor is the values themselves, not a copy."""
    values = np.array([0.25, 2.5], np.float32)
    assert quantize(values, detail(2)) is values
    assert dequantize(values, detail(2)) is values


@pytest.mark.parametrize(('output', 'labels', 'values', 'expected'), [
    ('sigmoid', 2, [0.25], 0.25),
    ('softmax', 2, [0.75, 0.25], 0.25),
    ('softmax', 4, [0.1, 0.2, 0.3, 0.4], 0.2),
    # 1 / (1 + exp(-x)): of 0, 1/2; of ln 3, 3/4.
    ('logits', 4, [0.0], 0.5),
    ('logits', 2, [math.log(3)], 0.75),
    ('logits', 2, [-math.log(3)], 0.25),
    # exp(x) by the sum of all: 3 / (1 + 3), and 2 / (1 + 2 + 3 + 4).
    ('logits', 2, [0.0, math.log(3)], 0.75),
    ('logits', 4, [0.0, math.log(2), math.log(3), math.log(4)], 0.2),
    # Neither exp overflows, and both probabilities are exact.
    ('logits', 2, [1e6], 1.0), ('logits', 2, [-1e6], 0.0),
    ('logits', 2, [1e6, -1e6], 0.0), ('logits', 2, [-1e6, 1e6], 1.0),
    ('logits', 2, [1e6, 1e6], 0.5),
])
def test_probability(output: str, labels: int, values: list[float], expected: float) -> None:
    """The second label is fire, wherever there is one value for each."""
    assert fire_probability(values, contract(output, labels)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(('value', 'expected'), [
    (-0.001, 0.0), (-0.0005, 0.0), (0.0, 0.0), (0.0005, 0.0005), (0.9995, 0.9995), (1.0, 1.0),
    (1.0005, 1.0), (1.001, 1.0)])
def test_rounding_is_clamped(value: float, expected: float) -> None:
    """What rounding took out of 0..1, by a thousandth at most, becomes 0 or 1."""
    assert fire_probability([value], contract('sigmoid')) == expected
    assert fire_probability([0.5, value], contract('softmax')) == expected


@pytest.mark.parametrize('value', [-0.0011, 1.0011, 4.0])
def test_what_is_no_probability(value: float) -> None:
    """Beyond a thousandth it is no probability; of the other labels, nothing is expected."""
    with pytest.raises(ValueError, match=rf'{value:g} is no probability; .*"output": "logits"'):
        fire_probability([0.5, value], contract())
    assert fire_probability([value, 0.5], contract()) == 0.5


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize('output', ['softmax', 'logits'])
def test_what_is_not_finite(output: str, value: float) -> None:
    """Neither fire's value nor another's may be no number."""
    for values in ([value, 0.5], [0.5, value]):
        with pytest.raises(ValueError, match=f'{value} is no number'):
            fire_probability(values, contract(output))
