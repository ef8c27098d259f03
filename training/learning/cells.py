# SPDX-License-Identifier: Apache-2.0
"""What each cell of a heat map is to learn: from the boxes of fires, in every view of an image."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from training.data.boxes import Box
from training.learning.augmentation import place, Placement

# What a cell shows; the rim of a box is neither, since flames fill no rectangle.
BURNING, CLEAR, UNKNOWN = 1.0, 0.0, -1.0
# Side of the inner part of a box, as a share of the box's.
INNER = 0.7
# Share of a cell that inner parts cover, from which on it burns.
COVERED = 0.5
# Of a cell without fire that is surely taken for none, to one that is surely taken for a fire.
LEAST_WEIGHT = 0.05
# Pixels of a cell's side, in which it is measured how much of it is covered.
FINENESS = 4
_SMALLEST = 1e-7

Masks = NDArray[np.uint8]


def draw_masks(boxes: Sequence[Box], height: int, width: int) -> Masks:
    """
    Draw the fires of an image.

    :param boxes: around the fires.
    :param height: rows of the image, in pixels.
    :param width: columns of the image.
    :return: uint8 of shape (height, width, 2), 0 or 255: the boxes, every pixel that they touch,
        and their inner parts.
    """
    masks = np.zeros((height, width, 2), np.uint8)
    for box in boxes:
        for channel, share, low, high in ((0, 1.0, np.floor, np.ceil),
                                          (1, INNER, np.round, np.round)):
            (top, bottom), (left, right) = (
                _pixels((first + last) / 2, share * (last - first) / 2, side, low, high)
                for first, last, side in ((box.top, box.bottom, height),
                                          (box.left, box.right, width)))
            masks[top:bottom, left:right, channel] = 255
    return masks


def _pixels(middle: float, half: float, side: int, low: Any, high: Any) -> tuple[int, int]:
    """Return the first pixel and the one after the last; at least one."""
    first = min(int(low((middle - half) * side)), side - 1)
    return first, max(int(high((middle + half) * side)), first + 1)


def cell_targets(masks: Masks, placement: Placement, grid: tuple[int, int]) -> NDArray[np.float32]:
    """
    Return what each cell of a view shows.

    :param masks: of the image, as :func:`draw_masks` returns them.
    :param placement: the part of the image that is seen.
    :param grid: rows and columns of cells.
    :return: float32 of shape grid: BURNING where inner parts cover half of the cell, and where
        they cover most, CLEAR where no box touches it, or else UNKNOWN.
    """
    rows, columns = grid
    placed = place(masks, placement, FINENESS * rows, FINENESS * columns)
    boxes, inner = np.moveaxis(placed.reshape(rows, FINENESS, columns, FINENESS, 2).mean(
        (1, 3), dtype=np.float32) / 255, -1, 0)
    targets = np.where(boxes > 0, UNKNOWN, CLEAR).astype(np.float32)
    targets[inner >= COVERED] = BURNING
    if inner.any():
        # Also of a fire that is smaller than a cell.
        targets.flat[inner.argmax()] = BURNING
    return targets


@keras.saving.register_keras_serializable(package='fire_detector')
class CellLoss(keras.losses.Loss):
    """
    The cross-entropy of burning cells, and of clear ones, each kind as much as the other.

    Most cells are clear, and easily seen to be: each counts by how far it is taken for a fire.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """
        Return the loss of a batch.

        :param y_true: shape (batch, rows, columns, 1): BURNING, CLEAR or UNKNOWN.
        :param y_pred: the same shape, 0..1.
        :return: a scalar.
        """
        ops = keras.ops
        predicted = ops.clip(y_pred, _SMALLEST, 1 - _SMALLEST)
        burning = ops.cast(ops.equal(y_true, BURNING), predicted.dtype)
        clear = ops.cast(ops.equal(y_true, CLEAR), predicted.dtype)
        clear = clear * (ops.stop_gradient(predicted) + LEAST_WEIGHT)
        return (ops.sum(-ops.log(predicted) * burning) / ops.maximum(ops.sum(burning), 1)
                + ops.sum(-ops.log(1 - predicted) * clear)
                / ops.maximum(ops.sum(clear), _SMALLEST))
