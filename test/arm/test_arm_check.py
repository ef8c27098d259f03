# SPDX-License-Identifier: Apache-2.0
"""What `make arm-check` finds in numbers made by hand; nothing is emulated here."""

from pathlib import Path
from typing import Any

from arm.check import choose, HEIGHT, make_cases, PADDING, WIDTH
from arm.comparison import compare, compare_images, FLOAT_BOUND, OWN_BOUND
from arm.emulation import EmulationError, find_tools, PYTHON
from arm.worker import Case, JPEG
import cv2
from fire_detector.images.raw import convert_raw, ENCODINGS
import numpy as np
from numpy.typing import NDArray
import pytest
from raw_frames import raw_frame


def written(*probabilities: list[float], quantized: bool = False) -> dict[str, Any]:
    """Return what the worker writes of a model whose threshold is 0.5."""
    return {'threshold': 0.5, 'quantized': quantized,
            'probabilities': list(probabilities)}


def test_differences_of_probabilities() -> None:
    """
    The largest of each kind is found, and decisions are counted for each input.

    Image 0 differs by 0.25 for its own input, 1 by 0.125 for the same; 2 changes from no fire
    to fire at exactly the threshold for both, 0 from no fire to fire for its own; 3 was fire at
    exactly the threshold, and stays it.
    """
    row = compare(written([0.375, 1.0, 0.4375, 0.5]),
                  written([0.375, 0.875, 0.5, 0.5625], [0.625, 1.0, 0.5, 0.5625], quantized=True))
    assert (row.images, row.same_input, row.own_input) == (4, 0.125, 0.25)
    assert (row.same_changed, row.own_changed) == (1, 2)
    assert not row.quantized, 'this machine says what the model is'


@pytest.mark.parametrize(('same', 'own', 'quantized', 'missed'), [
    (0.49, 0.49, False, False),
    (0.49 + FLOAT_BOUND / 2, 0.49, False, False),
    (0.49 + FLOAT_BOUND * 2, 0.49, False, True),
    (0.49 + FLOAT_BOUND * 2, 0.49, True, False),
    # Nothing excuses another decision about the same input, whatever the difference.
    (0.5, 0.49, True, True),
    # Pixels rounded the other way are not the runtime's doing.
    (0.49, 0.49 + OWN_BOUND / 2, False, False),
    (0.49, 0.49 - OWN_BOUND * 2, False, True),
    (0.49, 0.49 - OWN_BOUND * 2, True, True),
    (float('nan'), 0.49, False, True),
    (0.49, float('nan'), True, True),
])
def test_bounds_of_probabilities(same: float, own: float, quantized: bool, missed: bool) -> None:
    """Decisions and floats are bound for the same input, for own input how far they are."""
    row = compare(written([0.49], quantized=quantized), written([same], [own]))
    assert row.misses_bound == missed


@pytest.mark.parametrize('there', [([0.5], [0.5, 0.5]), ([0.5], [])])
def test_missing_probabilities(there: tuple[list[float], list[float]]) -> None:
    """An image without a probability is no agreement."""
    with pytest.raises(ValueError, match=r'1 probabilities here, 1 and . there'):
        compare(written([0.5]), written(*there))
    with pytest.raises(ValueError, match='0 probabilities here'):
        compare(written([]), written([], []))


@pytest.mark.parametrize(('pixel', 'value', 'missed'), [
    (0, 1, False), (0, 2, True), (1, 0, True),
])
def test_differences_of_images(pixel: int, value: int, missed: bool) -> None:
    """
    Each encoding has its largest difference, in levels, and the share of values that differ.

    50 is made less, where uint8 has no negative difference. The tensors are scaled by 1 / 255.
    One of mono8's two images differs, in one of its two values: in a quarter of the four.
    """
    cases = [Case('mono8', ''), Case(JPEG, ''), Case('mono8', '')]
    values = np.array([50, 200], np.uint8)
    here: dict[str, NDArray[Any]] = {}
    for number in range(3):
        here |= {f'image/{number}': values, f'm/{number}': values / np.float32(255)}
    there = here | {'image/2': values - np.array([pixel, 0], np.uint8),
                    'm/2': (values - np.array([value, 0], np.uint8)) / np.float32(255)}
    gray, jpeg = compare_images(cases, {'m': 1 / 255}, here, there)
    assert (gray.encoding, gray.images, gray.pixels) == ('mono8', 2, pixel)
    assert (gray.tensors, gray.share) == (value, 0.25 if value else 0)
    assert gray.misses_bound == missed
    assert (jpeg.encoding, jpeg.images, jpeg.pixels, jpeg.share) == (JPEG, 1, 0, 0)
    assert not jpeg.misses_bound


def smooth() -> NDArray[np.uint8]:
    """Return a BGR image whose neighboring pixels are nearly equal, each color its own way."""
    y, x = np.mgrid[0:60, 0:80]
    return np.asarray(np.stack((2 * x + 20, 2 * y + 60, 220 - x - y), axis=-1), np.uint8)


@pytest.mark.parametrize('padding', [0, PADDING])
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_raw_frames(encoding: str, padding: int) -> None:
    """What is laid out in an encoding comes back: what YUV and Bayer share is within 4 levels."""
    pixels = smooth()
    step, data = raw_frame(encoding, pixels, padding)
    image = convert_raw(encoding, 60, 80, step, data).in_order('BGR')
    if encoding in ('mono8', 'mono16'):
        pixels = np.repeat(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[:, :, np.newaxis], 3, axis=2)
    # At the edge, a Bayer mosaic has neighbors on one side only.
    np.testing.assert_allclose(image[1:-1, 1:-1].astype(int), pixels[1:-1, 1:-1], atol=4)


def test_cases_cover_every_encoding(data: Path, tmp_path: Path) -> None:
    """Real images of every source and label come as every kind of message."""
    files = choose(48)
    assert len(set(files)) == 48
    assert {file.parent.parent.name for file in files} == {
        folder.name for folder in (data / 'images').iterdir()}
    cases = list(make_cases(files, tmp_path))
    raw, jpeg = cases[::2], cases[1::2]
    assert [case.encoding for case in raw[:len(ENCODINGS)]] == list(ENCODINGS)
    assert all(case.image(96, 96).pixels.shape[:2] == (HEIGHT, WIDTH) for case in raw)
    # The camera's are decoded at a quarter of their size, which is enough; files are small.
    assert jpeg[0].image(96, 96).pixels.shape[:2] == (HEIGHT // 4, WIDTH // 4)
    assert [case.file for case in jpeg[1::2]] == [str(file) for file in files[3::4]]
    assert {case.encoding for case in jpeg} == {JPEG}


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An error names the package that has QEMU."""
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(EmulationError, match=r'sudo apt install .*qemu-user-static'):
        find_tools()
    assert PYTHON == '3.11', 'the newest with wheels of both runtimes'
