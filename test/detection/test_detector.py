# SPDX-License-Identifier: Apache-2.0
"""One message in, a detection or a rejection out; the alarm follows the detections alone."""

from array import array
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
from fire_detector.detection import detector as module
from fire_detector.detection.detector import Detection, Detector, Inference, Rejection
from fire_detector.detection.image_statistics import (
    DATA,
    DECODE,
    ENCODING,
    INFERENCE,
    OTHER,
    REASONS,
    SIZE,
)
from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import Frame
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.contract import (
    AlarmSettings,
    contract_to_json,
    ModelContract,
    ModelError,
    SIGMOID,
)
from fire_detector.model.file import append_contract, read_model, sidecar_path
from fire_detector.model.preprocessing import InputSpec
from fire_detector.scene.scene import SyntheticScene
from image_messages import compressed_message, header, raw_message
import numpy as np
from numpy.typing import NDArray
import pytest

Pixels = NDArray[np.uint8]


@pytest.fixture(scope='module')
def fire() -> Pixels:
    """Render RGB pixels that the model takes for fire."""
    return SyntheticScene(160, 120).render(12.0)


@pytest.fixture(scope='module')
def room() -> Pixels:
    """Render RGB pixels that the model takes for none."""
    return SyntheticScene(160, 120).render(2.0)


@pytest.fixture
def detector(model: Path) -> Detector:
    """Return a detector whose alarm is that of the last image alone."""
    detector = Detector(model)
    detector.alarm.settings = AlarmSettings(0.5, 0.5, window=0.01, min_frames=1)
    return detector


def frame(pixels: Pixels, stamp: float) -> Frame:
    """Build a frame of a file."""
    return Frame(3, round(1e9 * stamp), ColorImage(pixels, 'RGB'))


def detection(result: Detection | Rejection) -> Detection:
    """Return the result, which has to be a detection."""
    assert isinstance(result, Detection), result
    return result


@pytest.mark.parametrize('make', [raw_message, compressed_message, frame])
def test_image(detector: Detector, fire: Pixels, make: Any) -> None:
    """Whatever brings the pixels, the probability is that of the classifier, bit by bit."""
    expected = FireClassifier(detector.model).probability(ColorImage(fire, 'RGB'))
    found = detection(detector.process(make(fire, 12.25)))
    assert found.stamp == 12_250_000_000
    assert found.probability == expected > 0.5
    np.testing.assert_array_equal(found.image.in_order('RGB'), fire)
    assert (found.alarm, found.alarm_changed) == (True, True)
    assert 0 < found.seconds < 10


def test_alarm_follows_the_images(detector: Detector, fire: Pixels, room: Pixels) -> None:
    """It changes with the first image of fire and with the first calm one after it."""
    images = [room, fire, fire, room, room]
    found = [detection(detector.process(raw_message(pixels, 10.0 + number)))
             for number, pixels in enumerate(images)]
    assert [each.alarm for each in found] == [False, True, True, False, False]
    assert [each.alarm_changed for each in found] == [False, True, False, True, False]


def test_alarm_is_that_of_the_contract(model: Path) -> None:
    """A detector begins with the alarm's settings in its model, and with no alarm."""
    detector = Detector(model)
    assert detector.alarm.settings == detector.classifier.contract.alarm
    assert not detector.alarm.active


def test_inference_alone_leaves_the_alarm(detector: Detector, fire: Pixels) -> None:
    """The model is run without the alarm; decide() makes the same detection of it later."""
    inference = detector.infer(raw_message(fire, 1.0))
    assert isinstance(inference, Inference)
    assert not isinstance(inference, Detection)
    assert not detector.alarm.active
    found = detector.decide(inference)
    assert (found.stamp, found.probability, found.seconds) == (
        inference.stamp, inference.probability, inference.seconds)
    assert found.image is inference.image
    assert (found.alarm, found.alarm_changed) == (True, True)


@pytest.mark.parametrize('size', [(960, 2560), (2560, 960), (1344, 1336), (1336, 1344)])
def test_jpeg_is_decoded_no_larger_than_needed(detector: Detector, fire: Pixels,
                                               size: tuple[int, int]) -> None:
    """
    A quarter of each size is enough; an eighth of one side, 120 or 167 pixels, would not be.

    1.75 times the model's 96x96 pixels are 168x168.
    """
    assert detector.classifier.contract.input_shape == (1, 96, 96, 3)
    large = np.asarray(cv2.resize(fire, size), np.uint8)
    found = detection(detector.process(compressed_message(large, 1.0, '.jpg')))
    assert found.image.pixels.shape == (size[1] // 4, size[0] // 4, 3)


NO_SIZE = {'height': 0, 'width': 0, 'step': 0}


@pytest.mark.parametrize(('changes', 'reason', 'detail'), [
    ({'encoding': '32FC1'}, ENCODING, "encoding '32FC1'"),
    (NO_SIZE, SIZE, '0x0 is not an image size'),
    ({'step': 1}, DATA, 'step 1 is less than'),
    ({'data': array('B', bytes(7))}, DATA, '7 bytes of data'),
])
def test_rejected_raw_image(detector: Detector, fire: Pixels, changes: dict[str, Any],
                            reason: str, detail: str) -> None:
    """The reason is a word that statistics count, and the detail has what is wrong."""
    found = detector.process(raw_message(fire, 5.5, **changes))
    assert isinstance(found, Rejection)
    assert (found.stamp, found.reason) == (5_500_000_000, reason)
    assert reason in REASONS
    assert detail in found.detail


@pytest.mark.parametrize(('file', 'reason'), [
    (b'GIF89a', ENCODING), (b'\xff\xd8\xff\xd9', DECODE), (b'', ENCODING)])
def test_rejected_compressed_image(detector: Detector, file: bytes, reason: str) -> None:
    """A file that is none, or is damaged, is as much a rejection."""
    message = SimpleNamespace(header=header(5.5), format='jpeg', data=array('B', file))
    found = detector.process(message)
    assert isinstance(found, Rejection)
    assert (found.stamp, found.reason) == (5_500_000_000, reason)


@pytest.mark.parametrize(('error', 'detail'), [
    (cv2.error('assertion failed'), 'assertion failed'), (MemoryError(), 'MemoryError')])
def test_other_errors_are_rejections(detector: Detector, fire: Pixels, error: Exception,
                                     detail: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What OpenCV and the memory refuse is no image either; an error without words is named."""
    def refuse(*arguments: object) -> ColorImage:
        raise error

    monkeypatch.setattr(module, 'decode_message', refuse)
    assert detector.process(raw_message(fire, 5.5)) == Rejection(5_500_000_000, OTHER, detail)


def test_errors_of_the_code_are_not_hidden(detector: Detector, fire: Pixels,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is no rejection."""
    def fail(*arguments: object) -> ColorImage:
        raise AttributeError('typo')

    monkeypatch.setattr(module, 'decode_message', fail)
    with pytest.raises(AttributeError, match='typo'):
        detector.process(raw_message(fire, 5.5))


def test_model_without_a_probability(models: Path, tmp_path: Path) -> None:
    """A model whose output for white is not a number: no probability is made up, and none lost."""
    path = tmp_path / 'not_a_number.tflite'
    path.write_bytes((models / path.name).read_bytes())
    append_contract(path, ModelContract('odd', '1', ('nofire', 'fire'), InputSpec(6, 8), SIGMOID))
    detector = Detector(path)
    black = np.zeros((30, 40, 3), np.uint8)
    for _ in range(2):
        found = detection(detector.process(raw_message(black, 1.0)))
        assert found.probability == pytest.approx(0.5)
        rejection = detector.process(raw_message(np.full_like(black, 255), 2.0))
        assert isinstance(rejection, Rejection)
        assert (rejection.stamp, rejection.reason) == (2_000_000_000, INFERENCE)
        assert 'nan' in rejection.detail


@pytest.mark.parametrize('raised', [False, True])
def test_rejection_leaves_the_alarm(detector: Detector, fire: Pixels, room: Pixels,
                                    raised: bool) -> None:
    """Neither its state nor the images that it remembers change."""
    detector.alarm.settings = AlarmSettings(0.5, 0.5, window=10.0, min_frames=2)
    pixels = fire if raised else room
    detector.process(raw_message(pixels, 1.0))
    for number in range(5):
        rejection = detector.process(raw_message(fire, 1.1, encoding='none'))
        assert isinstance(rejection, Rejection), number
    assert not detector.alarm.active
    found = detection(detector.process(raw_message(pixels, 1.2)))
    assert (found.alarm, found.alarm_changed) == (raised, raised)
    detector.process(raw_message(fire, 1e9, **NO_SIZE))
    assert detector.alarm.active is raised


def test_changed_model_needs_permission(model: Path, tmp_path: Path, room: Pixels) -> None:
    """A model that its contract does not name is refused, unless that is allowed."""
    stored = read_model(model)
    path = tmp_path / 'changed.tflite'
    path.write_bytes(stored.content + bytes(16))
    sidecar_path(path).write_text(contract_to_json(stored.contract))
    with pytest.raises(ModelError, match='changed'):
        Detector(path)
    detector = Detector(path, allow_changed_model=True)
    assert detector.classifier.model_changed
    assert detection(detector.process(raw_message(room, 1.0))).probability < 0.5
