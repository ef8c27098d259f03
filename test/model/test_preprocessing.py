# SPDX-License-Identifier: Apache-2.0
"""Preprocessing does what was worked out by hand."""

from typing import Any

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.model.preprocessing import InputSpec, OVERSIZE, preprocess, SMALL
import numpy as np
import pytest

WHITE, BLACK, RED_RGB = (255, 255, 255), (0, 0, 0), (255, 0, 0)


def plain(color: tuple[int, int, int], height: int = 5, width: int = 7,
          order: str = 'RGB') -> ColorImage:
    """Build an image of one color."""
    return ColorImage(np.full((height, width, 3), color, np.uint8), order)


@pytest.mark.parametrize(('color', 'scale', 'offset', 'expected'), [
    (WHITE, 1 / 255, 0.0, 1.0),  # 255 / 255
    (BLACK, 1 / 255, 0.0, 0.0),
    (WHITE, 1 / 127.5, -1.0, 1.0),  # 255 / 127.5 - 1
    (BLACK, 1 / 127.5, -1.0, -1.0),
    (WHITE, 1.0, 0.0, 255.0),
])
def test_scaling(color: tuple[int, int, int], scale: float, offset: float,
                 expected: float) -> None:
    """White and black come out at the ends of the model's range."""
    tensor = preprocess(plain(color), InputSpec(2, 3, scale=scale, offset=offset))
    assert tensor.shape == (1, 2, 3, 3)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor, expected, atol=1e-6)


@pytest.mark.parametrize(('image_order', 'spec_order', 'red_channel'), [
    ('RGB', 'RGB', 0), ('RGB', 'BGR', 2), ('BGR', 'RGB', 2), ('BGR', 'BGR', 0)])
def test_color_order(image_order: str, spec_order: str, red_channel: int) -> None:
    """The first channel of the image ends up where the contract wants it."""
    tensor = preprocess(plain(RED_RGB, order=image_order),
                        InputSpec(4, 4, color_order=spec_order))
    expected = np.zeros(3)
    expected[red_channel] = 1.0
    np.testing.assert_allclose(tensor[0, 2, 2], expected)


@pytest.mark.parametrize('order', ['RGB', 'BGR'])
@pytest.mark.parametrize(('rgb', 'gray'), [
    ((255, 0, 0), 76),  # 0.299 * 255 = 76.2
    ((0, 255, 0), 150),  # 0.587 * 255 = 149.7
    ((0, 0, 255), 29),  # 0.114 * 255 = 29.1
    ((255, 255, 255), 255),
    ((10, 20, 30), 18),  # 2.99 + 11.74 + 3.42 = 18.15
])
def test_gray(order: str, rgb: tuple[int, int, int], gray: int) -> None:
    """A color becomes as gray as it is bright to the eye, in whatever order it came."""
    pixel = rgb if order == 'RGB' else rgb[::-1]
    spec = InputSpec(2, 3, 'GRAY', scale=1 / 127.5, offset=-1.0)
    tensor = preprocess(plain(pixel, order=order), spec)
    assert tensor.shape == (1, 2, 3, 1)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor, gray / 127.5 - 1, atol=1e-6)


def test_gray_keeps_places() -> None:
    """4x6 pixels shrink to 2x3; the upper right 2x2 are white, so one pixel of the six is 1."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:2, 4:] = WHITE
    tensor = preprocess(ColorImage(pixels, 'BGR'), InputSpec(2, 3, 'GRAY'))
    np.testing.assert_allclose(tensor[0, :, :, 0], [[0, 0, 1], [0, 0, 0]])


def test_area_averages_every_pixel() -> None:
    """
    Shrink an image with one red pixel of four by four: a quarter of red is left in its corner.

    Shrinking 4x4 to 2x2 merges blocks of 2x2 pixels: (255 + 0 + 0 + 0) / 4 = 63.75, which
    OpenCV rounds to 64; 64 / 255 = 0.25098.
    """
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0, 0] = RED_RGB
    tensor = preprocess(ColorImage(pixels, 'RGB'), InputSpec(2, 2, interpolation='area'))
    np.testing.assert_allclose(tensor[0, :, :, 0], [[64 / 255, 0.0], [0.0, 0.0]], atol=1e-6)
    np.testing.assert_allclose(tensor[0, :, :, 1:], 0)


def test_nearest_takes_one_pixel() -> None:
    """The same pixel, nearest: it is the one that is taken, and comes through whole."""
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0, 0] = RED_RGB
    tensor = preprocess(ColorImage(pixels, 'RGB'), InputSpec(2, 2, interpolation='nearest'))
    np.testing.assert_allclose(tensor[0, :, :, 0], [[1, 0], [0, 0]])


def test_linear_interpolates_between_two_pixels() -> None:
    """
    Enlarge two columns, 0 and 200, to four: linear weights, which no cubic curve has.

    The middles of the four columns lie at -0.25, 0.25, 0.75 and 1.25 of the two, where the borders
    are repeated: 0, 0.25 * 200 = 50, 150 and 200. A cubic would overshoot, to below 50.
    """
    pixels = np.zeros((1, 2, 3), np.uint8)
    pixels[0, 1] = 200
    spec = InputSpec(1, 4, scale=1.0, interpolation='linear')
    tensor = preprocess(ColorImage(pixels, 'RGB'), spec)
    np.testing.assert_array_equal(tensor[0, 0, :, 0], [0, 50, 150, 200])


def test_linear_shrinks_by_the_middle_pixels() -> None:
    """
    Shrink 8 columns to 2: linear takes the two pixels about 1.5 and 5.5, and leaves the others.

    Columns 1 and 2 are 100 and 50, so that 75 comes out, whatever columns 0 and 3 are.
    """
    pixels = np.zeros((1, 8, 3), np.uint8)
    pixels[0, :4, :] = np.array([[255], [100], [50], [255]])
    spec = InputSpec(1, 2, scale=1.0, interpolation='linear')
    tensor = preprocess(ColorImage(pixels, 'RGB'), spec)
    np.testing.assert_array_equal(tensor[0, 0, :, 0], [75, 0])


def noise(height: int, width: int) -> ColorImage:
    """Build an image in which every pixel is another."""
    generator = np.random.default_rng(height * width)
    return ColorImage(generator.integers(0, 256, (height, width, 3), np.uint8), 'RGB')


def averaged(image: ColorImage, halvings: int, size: int) -> np.ndarray:
    """Average blocks of 2x2 pixels so many times, rounded, and then all that is left at once."""
    pixels = image.pixels
    for _ in range(halvings):
        height, width = pixels.shape[:2]
        pixels = np.asarray(cv2.resize(pixels, (width // 2, height // 2),
                                       interpolation=cv2.INTER_AREA), np.uint8)
    resized = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.float32)[np.newaxis]


@pytest.mark.parametrize(('height', 'width', 'halvings'), [
    (320, 320, 0),  # as many pixels as are averaged at once
    (320, 322, 1),  # a column more than that; both sides are even
    (321, 322, 0), (322, 321, 0),  # an odd side has no blocks of two
    (644, 642, 1),  # 322x321 after one step: odd
    (480, 640, 1),  # 240 x 320 are few enough
    (1280, 960, 2), (2560, 1920, 3),
])
def test_area_halves_large_images(height: int, width: int, halvings: int) -> None:
    """An image is halved while it has more than SMALL pixels and even sides, to the last bit."""
    assert SMALL == 320 * 320
    image = noise(height, width)
    tensor = preprocess(image, InputSpec(16, 16, scale=1.0))
    np.testing.assert_array_equal(tensor, averaged(image, halvings, 16))
    other = averaged(image, halvings + 1 if halvings == 0 else halvings - 1, 16)
    assert (tensor != other).any()


@pytest.mark.parametrize(('sides', 'halvings'), [
    ((698, 1000), 0), ((1000, 698), 0), ((700, 1000), 1), ((1000, 700), 1), ((700, 700), 1),
    ((1398, 1400), 1), ((1400, 1400), 2)])
def test_area_leaves_so_many_pixels_for_the_last_step(
        sides: tuple[int, int], halvings: int) -> None:
    """
    For an input of 200x200, halving stops where a side would have fewer than 350 pixels.

    350 = 1.75 * 200: 700 may be halved, and 698 may not; both sides count.
    """
    assert OVERSIZE == 1.75
    image = noise(*sides)
    np.testing.assert_array_equal(preprocess(image, InputSpec(200, 200, scale=1.0)),
                                  averaged(image, halvings, 200))


def test_fractions_of_the_least_size_are_rounded_up() -> None:
    """Of 187 rows, 1.75 times as many are 327.25: 654 rows are not halved to 327."""
    for side, halvings in ((654, 0), (656, 1)):
        image = noise(side, side)
        np.testing.assert_array_equal(preprocess(image, InputSpec(187, 187, scale=1.0)),
                                      averaged(image, halvings, 187))


@pytest.mark.parametrize('interpolation', ['nearest', 'linear'])
def test_others_do_not_halve(interpolation: str) -> None:
    """They take single pixels of the whole image, however large."""
    image = noise(1024, 1024)
    flag = {'nearest': cv2.INTER_NEAREST, 'linear': cv2.INTER_LINEAR}[interpolation]
    tensor = preprocess(image, InputSpec(16, 16, scale=1.0, interpolation=interpolation))
    np.testing.assert_array_equal(tensor[0], cv2.resize(image.pixels, (16, 16),
                                                        interpolation=flag))


def test_non_square_image_is_stretched() -> None:
    """4 rows x 8 columns, the left 4 columns white: of 2x2 the left column is white."""
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, :4] = WHITE
    tensor = preprocess(ColorImage(pixels, 'RGB'), InputSpec(2, 2))
    np.testing.assert_allclose(tensor[0, :, :, 0], [[1, 0], [1, 0]])


def test_padded_rows_are_passed_over() -> None:
    """A view whose rows end in padding gives what a compact copy gives."""
    buffer = np.random.default_rng(1).integers(0, 256, (6, 10, 3), dtype=np.uint8)
    view = buffer[:, :7]
    spec = InputSpec(3, 3)
    np.testing.assert_array_equal(preprocess(ColorImage(view, 'RGB'), spec),
                                  preprocess(ColorImage(view.copy(), 'RGB'), spec))


@pytest.mark.parametrize(('height', 'width'), [(1, 1), (1, 40000), (40000, 1), (3, 2)])
def test_extreme_sizes(height: int, width: int) -> None:
    """Images smaller than the input, or longer than OpenCV's short integers, come through."""
    tensor = preprocess(plain(WHITE, height, width), InputSpec(64, 64))
    np.testing.assert_allclose(tensor, 1.0, atol=1e-6)


@pytest.mark.parametrize(('change', 'message'), [
    ({'height': 0}, 'input size 0x4'), ({'width': 0}, 'input size 4x0'),
    ({'height': -1}, 'input size -1x4'), ({'color_order': 'HSV'}, "color_order 'HSV'"),
    ({'resize': 'crop'}, "resize 'crop'"), ({'interpolation': 'cubic'}, "interpolation 'cubic'"),
    ({'scale': 0.0}, r'pixel \* 0.0'), ({'scale': 1e-30}, r'pixel \* 1e-30'),
    ({'scale': 1e30}, r'pixel \* 1e\+30'), ({'scale': float('nan')}, r'pixel \* nan'),
    ({'offset': 1e30}, r'\+ 1e\+30'), ({'offset': -1e30}, r'\+ -1e\+30'),
])
def test_what_is_no_input(change: dict[str, Any], message: str) -> None:
    """Sides, names and numbers that no tensor has are refused by their value."""
    with pytest.raises(ValueError, match=message):
        InputSpec(**({'height': 4, 'width': 4} | change))


def test_smallest_and_largest_input() -> None:
    """One pixel is an input, and so are numbers near the ends of float32."""
    spec = InputSpec(1, 1, 'GRAY', scale=-0.9e30, offset=0.9e30)
    assert preprocess(plain(WHITE), spec).shape == (1, 1, 1, 1)
    assert (spec.channels, InputSpec(1, 1, scale=1.1e-30).channels) == (1, 3)


@pytest.mark.parametrize(('pixels', 'order', 'message'), [
    (np.zeros((2, 2), np.uint8), 'RGB', r'not uint8 of shape \(2, 2\)'),
    (np.zeros((2, 2, 4), np.uint8), 'RGB', r'not uint8 of shape \(2, 2, 4\)'),
    (np.zeros((0, 2, 3), np.uint8), 'RGB', r'not uint8 of shape \(0, 2, 3\)'),
    (np.zeros((2, 0, 3), np.uint8), 'RGB', r'not uint8 of shape \(2, 0, 3\)'),
    (np.zeros((2, 2, 3), np.float32), 'RGB', 'not float32'),
    (np.zeros((2, 2, 3), np.uint8), 'GBR', "color order 'GBR'"),
])
def test_what_is_no_image(pixels: np.ndarray, order: str, message: str) -> None:
    """A wrong array is refused where it is made, not where it is used."""
    with pytest.raises(ValueError, match=message):
        ColorImage(pixels, order)
