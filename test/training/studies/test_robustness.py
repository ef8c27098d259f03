# SPDX-License-Identifier: Apache-2.0
"""Changes of images are what they are called, and what is lost by them is measured right."""

from collections.abc import Callable
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
import pytest

_ = pytest.importorskip('sklearn', reason='the extra training is not installed')

from training.conversion.predict import probabilities  # noqa: E402
from training.data.samples import FIRE, Sample  # noqa: E402
from training.measurement.evaluation import file_sha256  # noqa: E402
from training.measurement.predictions import predictions_of  # noqa: E402
from training.studies.corruptions import (  # noqa: E402
    corrupt,
    CORRUPTIONS,
    from_light,
    to_light,
    UNCHANGED,
)
from training.studies.robustness import (  # noqa: E402
    fragile,
    main,
    measure_loss,
    measure_rows,
    predict_corrupted,
)

Pixels = NDArray[np.uint8]
WriteData = Callable[..., Path]
RANDOM = {'quarter_light', 'tenth_light', 'sensor_noise', 'lens_dirt'}


def flat(*color: int, height: int = 40, width: int = 60) -> Pixels:
    """Return an image of one RGB color."""
    return np.full((height, width, 3), color, np.uint8)


def scene() -> Pixels:
    """Return an image in which no two pixels are alike."""
    return np.random.default_rng(7).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.mark.parametrize('name', CORRUPTIONS)
def test_same_image_same_result(name: str) -> None:
    """
    The result depends on pixels and index alone, and the image is left as it is.

    An image that was decoded as BGR is a view with reversed channels; that must not matter.
    """
    image = scene()
    before = image.copy()
    view = np.ascontiguousarray(image[:, :, ::-1])[:, :, ::-1]
    first, again, other = (corrupt(name, image, 3), corrupt(name, view, 3),
                           corrupt(name, image, 4))
    assert first.dtype == np.uint8
    assert (first == again).all()
    assert (first == other).all() == (name not in RANDOM)
    assert np.array_equal(first, before) == (name == UNCHANGED)
    assert (image == before).all()
    assert first.shape == ((64, 48, 3) if name in ('left', 'right') else before.shape)


def test_light_and_back() -> None:
    """Every code survives; by IEC 61966-2-1, the code 188 is half of the light."""
    codes = np.arange(256, dtype=np.uint8)
    assert (from_light(to_light(codes)) == codes).all()
    assert float(to_light(codes)[188]) == pytest.approx(0.503, abs=1e-3)
    assert from_light(np.array([-0.1, 1.7], np.float32)).tolist() == [0, 255]


def test_turns_are_exact() -> None:
    """
    Check against corners set by hand: 1 2 3 over 4 5 6.

    To the left, the right column becomes the top row: 3 6, 2 5, 1 4.
    """
    image = np.repeat(np.array([[[1], [2], [3]], [[4], [5], [6]]], np.uint8), 3, axis=2)
    assert corrupt('left', image, 0)[:, :, 0].tolist() == [[3, 6], [2, 5], [1, 4]]
    assert corrupt('right', image, 0)[:, :, 0].tolist() == [[4, 1], [5, 2], [6, 3]]
    assert corrupt('upside_down', image, 0)[:, :, 0].tolist() == [[6, 5, 4], [3, 2, 1]]


@pytest.mark.parametrize(('code', 'expected'), [
    (0, 0), (50, 100), (136, 253), (137, 255), (200, 255)])
def test_over_exposure_clips(code: int, expected: int) -> None:
    """
    Four times the light, worked out by hand.

    50 is ((50/255 + 0.055) / 1.055)^2.4 = 0.0319 of the light; 4 * 0.0319 = 0.1276 has the code
    255 * (1.055 * 0.1276^(1/2.4) - 0.055) = 100. 137 is the first above a quarter: white.
    """
    assert np.unique(corrupt('overexposed', flat(code, code, code), 0)).tolist() == [expected]


@pytest.mark.parametrize(('name', 'expected'), [('warm', (156, 128, 99)),
                                                ('cold', (105, 128, 164))])
def test_white_balance_colors_gray(name: str, expected: tuple[int, int, int]) -> None:
    """
    Gray becomes orange or blue, and green stays.

    128 is 0.2159 of the light; 1.53 and 0.578 times that are 0.3303 and 0.1248, with the codes
    156 and 99; divided instead, they are 0.1411 and 0.3735, with 105 and 164.
    """
    assert corrupt(name, flat(128, 128, 128), 0)[5, 5].tolist() == pytest.approx(expected, abs=1)


def test_motion_blur_spreads_along_rows() -> None:
    """
    A white point becomes a streak of 3 / 62.2 of the width, with all of its light.

    Of 622 columns, these are 30; a thirtieth of the light has the code 51. Other rows stay black.
    """
    image = np.zeros((3, 622, 3), np.uint8)
    image[1, 300] = 255
    blurred = corrupt('motion_blur', image, 0)
    assert np.unique(blurred[1]).tolist() == [0, 51]
    lit = np.flatnonzero(blurred[1, :, 0])
    assert (len(lit), lit[-1] - lit[0]) == (30, 29)
    assert not blurred[[0, 2]].any()


@pytest.mark.parametrize(('name', 'code', 'mean', 'deviation'), [
    ('quarter_light', 255, 137, 5.6), ('tenth_light', 255, 89, 6.3),
    ('sensor_noise', 188, 188, 16.2)])
def test_noise_of_little_light(name: str, code: int, mean: float, deviation: float) -> None:
    """
    Electrons are counted: n of them vary by the root of n, and reading adds 3.

    White is 4300 / 8 = 537.5. A quarter is 134.4, which varies by (134.4 + 9)^0.5 / 537.5 =
    0.0223 of the light. There the curve rises by 1.055 / 2.4 * 0.25^(-1.4/2.4) = 0.987: 5.6 codes
    around 137. A tenth: 0.0147 * 1.684 * 255 = 6.3, around 89. At night, half of the light is half
    of 67.2 electrons, which vary by 0.0971, and the curve rises by 0.656 there: 16.2.
    """
    values = corrupt(name, flat(code, code, code, height=200, width=200), 0).astype(float)
    assert values.mean() == pytest.approx(mean, abs=1)
    assert values.std() == pytest.approx(deviation, rel=0.1)
    assert np.corrcoef(values[:, :, 0].ravel(), values[:, :, 1].ravel())[0, 1] < 0.05


def test_jpeg_keeps_colors_apart() -> None:
    """A red image stays red, which it would not were red and blue exchanged on the way."""
    red = corrupt('jpeg', flat(200, 30, 20), 0)
    assert red[10, 10].tolist() == pytest.approx((200, 30, 20), abs=8)
    image = scene()
    assert np.abs(corrupt('jpeg', image, 0).astype(int) - image).mean() > 10


def test_gray_camera() -> None:
    """By the weights of ITU-R BT.601, pure red is 0.299 of white: 76."""
    assert corrupt('gray', flat(255, 0, 0), 0)[0, 0].tolist() == [76, 76, 76]


def test_dirt_blocks_a_part() -> None:
    """On white, grease shows nothing, and specks darken some places, with soft edges."""
    dirty = corrupt('lens_dirt', flat(255, 255, 255, height=240, width=320), 0)
    assert 0.01 < (dirty < 250).mean() < 0.3
    assert dirty.min() < 190
    assert len(np.unique(dirty)) > 50


def forty_samples() -> list[Sample]:
    """Return 20 fires and then 20 images without."""
    return [Sample(Path(str(number)), number // 20, 'here', str(number), 'test')
            for number in range(40)]


def called(missed: int, alarms: int) -> NDArray[np.float64]:
    """Predict 0.9 for fire and 0.1 otherwise, but for some of 20 fires and of 20 without."""
    return np.array([*[0.1] * missed, *[0.9] * (20 - missed),
                     *[0.9] * alarms, *[0.1] * (20 - alarms)])


def test_loss_by_hand() -> None:
    """
    Of two fires one is missed afterwards: recall falls by 0.5, balanced accuracy by 0.25.

    Where nothing changes, resamples all agree; a share of 0 in 2 images reaches, by hand, to
    3.841 / (2 + 3.841) = 0.6577. With images of one label there is no balanced accuracy.
    """
    samples = [Sample(Path(name), number // 2, 'here', name, 'test')
               for number, name in enumerate('abcd')]
    before = predictions_of(samples, [0.9, 0.9, 0.1, 0.9])
    after = predictions_of(samples, [0.9, 0.1, 0.1, 0.9])
    found = measure_loss(before, after, 0.5)
    assert found is not None
    assert (found.value, found.low, found.high) == (0.25, 0.0, 0.5)
    same = measure_loss(before, before, 0.5)
    assert same is not None
    assert (same.value, same.low, same.high) == pytest.approx((0, -0.6577, 0.6577), abs=1e-4)
    assert measure_loss(before[:2], after[:2], 0.5) is None


@pytest.mark.usefixtures('few_resamples')
def test_fragile_models() -> None:
    """
    What costs more than 10 points is named, the worst first.

    As they are: recall 19 / 20, false alarms 1 / 20, balanced accuracy 0.95. Gray: 9 / 20 and
    0 / 20 give 0.725, lost are 22.5 points. Warm: 19 / 20 and 9 / 20 give 0.75, lost are 20. JPEG:
    17 / 20 and 1 / 20 give 0.9, lost are 5.
    """
    rows = measure_rows({UNCHANGED: called(1, 1), 'jpeg': called(3, 1), 'warm': called(1, 9),
                         'gray': called(11, 0)}, forty_samples(), 0.5)
    assert {name: row.lost.value for name, row in rows.items() if row.lost} == pytest.approx(
        {'jpeg': 0.05, 'warm': 0.2, 'gray': 0.225})
    assert rows[UNCHANGED].lost is None
    recall = rows['jpeg'].figures.estimates['recall']
    assert recall is not None
    assert recall.value == pytest.approx(0.85)
    assert fragile(rows) == ['gray', 'warm']
    one_label = measure_rows({UNCHANGED: called(1, 0)[:20], 'gray': called(9, 0)[:20]},
                             forty_samples()[:20], 0.5)
    assert (one_label['gray'].lost, fragile(one_label)) == (None, [])


@pytest.mark.usefixtures('few_resamples')
def test_study(model: Path, tmp_path: Path, write_data: WriteData,
               capsys: pytest.CaptureFixture[str]) -> None:
    """Table, record and contact sheet are written, for the very bytes of the model."""
    data, out = write_data(('here', 'there')), tmp_path / 'out'
    (data / 'here_test_fire_1.png').write_bytes(b'')
    words = [str(model), '--data', str(data), '--out', str(out), '--source', 'here']
    assert main(words) == 0
    assert str(data / 'here_test_fire_1.png') in capsys.readouterr().err
    record = json.loads((out / 'robustness.json').read_text())
    assert record['model_sha256'] == file_sha256(model)
    assert record['command'].split()[3:] == words
    assert record['sources'] == ['here']
    assert list(record['rows']) == list(CORRUPTIONS)
    unchanged = record['rows'][UNCHANGED]
    assert (unchanged['figures']['fire'], unchanged['figures']['nofire']) == (1, 2)
    text = (out / 'robustness.md').read_text()
    assert sum(line.startswith('| ') for line in text.splitlines()) == 2 + len(CORRUPTIONS)
    assert cv2.imread(str(out / 'robustness.png')) is not None


def test_model_predicts_for_the_changed_images(model: Path, tmp_path: Path,
                                               write_data: WriteData) -> None:
    """The prediction for an image upside down is that for a file of it upside down."""
    path, turned = write_data() / 'here_test_fire_0.png', tmp_path / 'turned.png'
    cv2.imwrite(str(turned), np.asarray(cv2.imread(str(path)))[::-1, ::-1])
    whole, expected = probabilities(model, [
        Sample(file, FIRE, 'here', file.name, 'test') for file in (path, turned)])
    samples = [Sample(path, FIRE, 'here', 'g', 'test')]
    assert predict_corrupted(model, samples, UNCHANGED).tolist() == [whole]
    assert predict_corrupted(model, samples, 'upside_down').tolist() == [expected]
    assert whole != expected


@pytest.mark.parametrize('name', ['missing.tflite', 'missing.keras'])
def test_missing_model(tmp_path: Path, write_data: WriteData, name: str,
                       capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the file, and nothing is written."""
    out = tmp_path / 'out'
    assert main([str(tmp_path / name), '--data', str(write_data()), '--out', str(out)]) == 1
    assert str((tmp_path / name).with_suffix('')) in capsys.readouterr().err
    assert not out.exists()
