# SPDX-License-Identifier: Apache-2.0
"""The classifier makes the same predictions in every runtime, for every type of tensor."""

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
import numpy as np
import pytest

GRAY = ColorImage(np.full((48, 80, 3), 128, np.uint8), 'RGB')


def test_real_images(data: Path, model: Path, runtime: str) -> None:
    """Hundreds of real images: most are classified right, as the model's metrics say."""
    classifier = FireClassifier(model, runtime)
    right = [(classifier.probability(read_image(path)) >= 0.5) == (kind == 'fire')
             for kind in ('fire', 'nofire')
             for path in sorted((data / 'images' / 'cair' / kind).iterdir())[:100]]
    assert len(right) == 200
    assert np.mean(right) > 0.85


@pytest.mark.parametrize('num_threads', [1, 2])
def test_runtimes_agree(data: Path, model: Path, runtime: str, num_threads: int) -> None:
    """No runtime and no number of threads is off by more than float32 arithmetic."""
    reference = FireClassifier(model)
    classifier = FireClassifier(model, runtime, num_threads)
    assert classifier.runtime == runtime
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


def test_bad_arguments(model: Path) -> None:
    """Zero threads do nothing; the message of a runtime has those that there are."""
    with pytest.raises(ValueError, match='num_threads 0'):
        FireClassifier(model, num_threads=0)
    with pytest.raises(ValueError, match=r"'torch' is not one of .*'litert'"):
        FireClassifier(model, 'torch')


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
