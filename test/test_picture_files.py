# SPDX-License-Identifier: Apache-2.0
"""Files are read as what they are."""

from pathlib import Path

import cv2
from fire_detector.picture_files import find_files, PictureFileError, read_picture
import numpy as np
import pytest

RED_BGR = (0, 0, 255)


@pytest.mark.parametrize('suffix', ['.png', '.bmp', '.tif', '.webp'])
def test_color_order(tmp_path: Path, suffix: str) -> None:
    """Red in the file is red in the picture."""
    path = tmp_path / f'red{suffix}'
    cv2.imwrite(str(path), np.full((4, 6, 3), RED_BGR, np.uint8))
    picture = read_picture(path)
    assert picture.color_order == 'BGR'
    assert picture.pixels.shape == (4, 6, 3)
    assert picture.pixels[1, 1, 2] > 200
    assert picture.pixels[1, 1, 0] < 50


def test_gray_and_16_bit_files(tmp_path: Path) -> None:
    """Whatever the file holds, the picture has three channels of eight bits."""
    cv2.imwrite(str(tmp_path / 'gray.png'), np.full((4, 6), 128, np.uint8))
    cv2.imwrite(str(tmp_path / 'deep.png'), np.full((4, 6, 3), 0x8000, np.uint16))
    for name in ('gray.png', 'deep.png'):
        np.testing.assert_array_equal(read_picture(tmp_path / name).pixels, 128)


def test_names_outside_ascii(tmp_path: Path) -> None:
    """A file may be named in any script."""
    path = tmp_path / 'пожар 火.png'
    path.write_bytes(cv2.imencode('.png', np.zeros((2, 2, 3), np.uint8))[1].tobytes())
    assert read_picture(path).pixels.shape == (2, 2, 3)


def test_folder_given_as_picture(tmp_path: Path) -> None:
    """A folder is named as the wrong thing."""
    with pytest.raises(PictureFileError, match=str(tmp_path)):
        read_picture(tmp_path)


def test_single_file_stands_for_itself(tmp_path: Path) -> None:
    """Also under a name that no picture has: reading it will tell."""
    path = tmp_path / 'frame.bin'
    path.touch()
    assert find_files(path) == [path]
