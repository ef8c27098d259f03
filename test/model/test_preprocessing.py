# SPDX-License-Identifier: Apache-2.0
"""Preprocessing does what was worked out by hand."""

from fire_detector.images.color_image import ColorImage
from fire_detector.model.preprocessing import InputSpec, preprocess
import numpy as np
import pytest

WHITE, BLACK, RED_RGB = (255, 255, 255), (0, 0, 0), (255, 0, 0)


def plain(color: tuple[int, int, int], height: int = 5, width: int = 7,
          order: str = 'RGB') -> ColorImage:
    """Make an image of one color."""
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
    """
    Check that the gray of each pixel stays where the pixel was.

    4x6 pixels shrink to 2x3; the upper right 2x2 are white, so one pixel of the six is 1.
    """
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:2, 4:] = WHITE
    tensor = preprocess(ColorImage(pixels, 'BGR'), InputSpec(2, 3, 'GRAY'))
    np.testing.assert_allclose(tensor[0, :, :, 0], [[0, 0, 1], [0, 0, 0]])


def test_area_averages_every_pixel() -> None:
    """
    Check that one red pixel of four by four leaves a quarter of red in its corner.

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


def test_non_square_image_is_stretched() -> None:
    """
    Check that the left half of a wide image becomes the left half of a square tensor.

    4 rows x 8 columns, the left 4 columns white: of 2x2 the left column is white.
    """
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


@pytest.mark.parametrize(('pixels', 'order', 'message'), [
    (np.zeros((2, 2), np.uint8), 'RGB', r'not uint8 of shape \(2, 2\)'),
    (np.zeros((2, 2, 4), np.uint8), 'RGB', r'not uint8 of shape \(2, 2, 4\)'),
    (np.zeros((0, 2, 3), np.uint8), 'RGB', r'not uint8 of shape \(0, 2, 3\)'),
    (np.zeros((2, 2, 3), np.float32), 'RGB', 'not float32'),
    (np.zeros((2, 2, 3), np.uint8), 'GBR', "color order 'GBR'"),
])
def test_what_is_no_image(pixels: np.ndarray, order: str, message: str) -> None:
    """A wrong array is refused where it is made, not where it is used."""
    with pytest.raises(ValueError, match=message):
        ColorImage(pixels, order)
