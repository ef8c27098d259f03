# SPDX-License-Identifier: Apache-2.0
"""Files are read as what they are."""

from pathlib import Path

import cv2
from fire_detector.images.files import find_files, ImageFileError, read_image
import numpy as np
import pytest

RED_BGR = (0, 0, 255)


@pytest.mark.parametrize('suffix', ['.png', '.bmp', '.tif', '.webp'])
def test_color_order(tmp_path: Path, suffix: str) -> None:
    """Red in the file is red in the image."""
    path = tmp_path / f'red{suffix}'
    cv2.imwrite(str(path), np.full((4, 6, 3), RED_BGR, np.uint8))
    image = read_image(path)
    assert image.color_order == 'BGR'
    assert image.pixels.shape == (4, 6, 3)
    assert image.pixels[1, 1, 2] > 200
    assert image.pixels[1, 1, 0] < 50


def test_gray_and_16_bit_files(tmp_path: Path) -> None:
    """Whatever the file holds, the image has three channels of eight bits."""
    cv2.imwrite(str(tmp_path / 'gray.png'), np.full((4, 6), 128, np.uint8))
    cv2.imwrite(str(tmp_path / 'deep.png'), np.full((4, 6, 3), 0x8000, np.uint16))
    for name in ('gray.png', 'deep.png'):
        np.testing.assert_array_equal(read_image(tmp_path / name).pixels, 128)


def test_names_outside_ascii(tmp_path: Path) -> None:
    """A file may be named in any script."""
    path = tmp_path / 'пожар 火.png'
    path.write_bytes(cv2.imencode('.png', np.zeros((2, 2, 3), np.uint8))[1].tobytes())
    assert read_image(path).pixels.shape == (2, 2, 3)


def test_folder_given_as_image(tmp_path: Path) -> None:
    """A folder is named as the wrong thing."""
    with pytest.raises(ImageFileError, match=str(tmp_path)):
        read_image(tmp_path)


def test_single_file_stands_for_itself(tmp_path: Path) -> None:
    """Also under a name that no image has: reading it will tell."""
    path = tmp_path / 'frame.bin'
    path.touch()
    assert find_files(path) == [path]
