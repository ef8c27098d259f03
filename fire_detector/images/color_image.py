# SPDX-License-Identifier: Apache-2.0
"""Pixels together with the order of their channels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLOR_ORDERS = ('RGB', 'BGR')


@dataclass(frozen=True)
class ColorImage:
    """
    The pixels of one image together with the order of their channels.

    ROS drivers publish either order and OpenCV reads BGR. Carrying the order along means that
    nobody swaps channels at full size: preprocessing does so on the few pixels it keeps.

    :ivar pixels: uint8 array of shape (height, width, 3), 0..255; it may be a view of somebody
        else's buffer and is not to be written to.
    :ivar color_order: 'RGB' or 'BGR'.
    :raises ValueError: when either is something else, or the image is empty.
    """

    pixels: NDArray[np.uint8]
    color_order: str

    def __post_init__(self) -> None:
        """Check what a type annotation cannot say."""
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f'an image is uint8 of shape (height, width, 3), '
                             f'not {dtype} of shape {shape}')
        if self.color_order not in COLOR_ORDERS:
            raise ValueError(f'color order {self.color_order!r} is not one of {COLOR_ORDERS}')

    def in_order(self, color_order: str) -> NDArray[np.uint8]:
        """
        Return the pixels with their channels in an order.

        :param color_order: 'RGB' or 'BGR'.
        :return: uint8 of shape (height, width, 3): the pixels or a view of them, not a copy.
        """
        return self.pixels if color_order == self.color_order else self.pixels[:, :, ::-1]
