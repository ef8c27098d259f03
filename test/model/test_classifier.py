# SPDX-License-Identifier: Apache-2.0
"""The classifier makes the same predictions in every runtime, for every type of tensor."""

import importlib
from pathlib import Path
import sys
from types import SimpleNamespace
from typing import Any

from fire_detector.detection.detector import Detector
from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import read_image
from fire_detector.model import classifier as module
from fire_detector.model.classifier import (
    AUTO,
    FireClassifier,
    InferenceError,
    load_runtime,
    RUNTIMES,
    RuntimeUnavailableError,
)
from fire_detector.model.tensors import dequantize, quantize
import numpy as np
from numpy.typing import NDArray
import pytest

GRAY = ColorImage(np.full((48, 80, 3), 128, np.uint8), 'RGB')


def test_real_images(data: Path, model: Path, runtime: str) -> None:
    """Hundreds of real images: most of them are called right, as the model's metrics say."""
    classifier = FireClassifier(model, runtime)
    right = [(classifier.probability(read_image(path)) >= 0.5) == (kind == 'fire')
             for kind in ('fire', 'nofire')
             for path in sorted((data / 'images' / 'cair' / kind).iterdir())[:100]]
    assert len(right) == 200
    assert np.mean(right) > 0.85


def test_swapped_channels_are_noticed(data: Path, model: Path) -> None:
    """An image whose label of its color order is wrong gets another probability."""
    classifier = FireClassifier(model)
    image = read_image(data / 'images' / 'cair' / 'fire' / '0002.jpg')
    swapped = ColorImage(image.pixels, 'RGB')
    assert classifier.probability(image) > 0.9
    assert classifier.probability(swapped) < 0.5
    assert classifier.probability(ColorImage(image.pixels[:, :, ::-1], 'RGB')) == pytest.approx(
        classifier.probability(image), abs=1e-6)


def test_runtimes_agree(data: Path, model: Path, runtime: str) -> None:
    """No runtime is off by more than float32 arithmetic."""
    reference = FireClassifier(model)
    classifier = FireClassifier(model, runtime)
    for path in sorted((data / 'images' / 'news' / 'fire').iterdir())[:20]:
        image = read_image(path)
        assert classifier.probability(image) == pytest.approx(
            reference.probability(image), abs=1e-5)


def test_same_image_same_probability(model: Path, runtime: str) -> None:
    """Nothing of one image is left in the next prediction."""
    classifier = FireClassifier(model, runtime)
    first = classifier.probability(GRAY)
    classifier.probability(ColorImage(np.full((5, 5, 3), 255, np.uint8), 'RGB'))
    assert classifier.probability(GRAY) == first


def test_probabilities_do_not_depend_on_threads(model: Path, runtime: str) -> None:
    """Two threads are as right as one."""
    assert FireClassifier(model, runtime, num_threads=2).probability(GRAY) == pytest.approx(
        FireClassifier(model, runtime).probability(GRAY), abs=1e-6)


def test_threads_reach_the_runtime(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One, unless more are allowed."""
    name, real = load_runtime(AUTO)
    threads = []

    def interpreter(**options: Any) -> Any:
        threads.append(options['num_threads'])
        return real.Interpreter(**options)

    monkeypatch.setattr(module, 'load_runtime',
                        lambda runtime: (name, SimpleNamespace(Interpreter=interpreter)))
    FireClassifier(model)
    FireClassifier(model, num_threads=2)
    Detector(model)
    Detector(model, num_threads=3)
    assert threads == [1, 2, 1, 3]


def test_unknown_runtime(model: Path) -> None:
    """The message has the name and those that there are."""
    with pytest.raises(ValueError, match=r"'torch' is not one of .*'litert'"):
        FireClassifier(model, 'torch')


def test_no_threads(model: Path) -> None:
    """Zero threads do nothing."""
    with pytest.raises(ValueError, match='num_threads 0'):
        FireClassifier(model, num_threads=0)


def test_no_runtime_installed(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has what to install, and why each one failed."""
    for name in RUNTIMES.values():
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RuntimeUnavailableError, match='install ai-edge-litert') as error:
        FireClassifier(model)
    assert all(name in str(error.value) for name in RUNTIMES.values())


def test_next_runtime_is_taken(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without LiteRT, auto falls back on tflite-runtime where that is installed."""
    pytest.importorskip(RUNTIMES['tflite'])
    monkeypatch.setitem(sys.modules, RUNTIMES['litert'], None)
    assert FireClassifier(model).runtime == 'tflite'


def test_non_finite_output_is_no_probability(model: Path, runtime: str) -> None:
    """A model whose output is nan, here because its input is, raises an error."""
    classifier = FireClassifier(model, runtime)
    with pytest.raises(InferenceError, match='output nan'):
        classifier.predict(np.full(classifier.contract.input_shape, np.nan, np.float32))


@pytest.mark.parametrize(('dtype', 'zero_point', 'quantized'), [
    # q = round(x / (1 / 255)) + zero_point: 0 -> 0, 1 -> 255, 0.4 -> 102; less 128 for int8.
    (np.uint8, 0, [0, 255, 102]),
    (np.int8, -128, [-128, 127, -26]),
])
def test_int8_round_trip(dtype: type, zero_point: int, quantized: list[int]) -> None:
    """Quantized and back, a value is off by at most half a step; beyond the range it is cut."""
    detail = {'dtype': dtype, 'quantization': (1 / 255, zero_point)}
    values: NDArray[np.float32] = np.array([0.0, 1.0, 0.4], np.float32)
    found = quantize(values, detail)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, quantized)
    np.testing.assert_allclose(dequantize(found, detail), values, atol=0.5 / 255 + 1e-6)
    np.testing.assert_array_equal(quantize(np.array([-1.0, 2.0], np.float32), detail),
                                  [np.iinfo(dtype).min, np.iinfo(dtype).max])


def test_runtime_modules_have_an_interpreter(runtime: str) -> None:
    """The table names modules that have what is asked of them."""
    assert hasattr(importlib.import_module(RUNTIMES[runtime]), 'Interpreter')
