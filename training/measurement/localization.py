# SPDX-License-Identifier: Apache-2.0
"""How well a heat map says where the fire is, by the boxes of fires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.model.contract import HeatMap
import numpy as np
from numpy.typing import NDArray
import pandas as pd
from training.data.boxes import Box, share_covered
from training.measurement.intervals import effective_size, Estimate, OVERALL, wilson
from training.measurement.predictions import SIZES

# Side of the square on which areas are compared, in pixels.
FINENESS = 240
CELL_THRESHOLDS = tuple(step / 20 for step in range(2, 20))
# Of the heat map's red over an image, at a probability of 1.
OPACITY = 0.6


@dataclass(frozen=True)
class Located:
    """
    The figures of the fires of one size whose boxes are known, also of those that are missed.

    :ivar fires: number of images.
    :ivar inside: share whose highest cell has its center in a box.
    :ivar touching: share whose highest cell touches a box.
    :ivar iou: mean share of what the boxes around the cells at or above the threshold (one for
        those that touch each other) and those of the fires cover together that both cover.
    :ivar horizontal_error: 0..1 of the image's width, median and 90th percentile: from the center
        of the highest cell to that of the nearest box.
    :ivar horizontal_miss: the same to the nearest edge of a box, nothing in between its edges.
    """

    fires: int
    inside: Estimate
    touching: Estimate
    iou: float
    horizontal_error: tuple[float, float]
    horizontal_miss: tuple[float, float]


@dataclass(frozen=True)
class Localization:
    """
    The figures of heat maps.

    :ivar cell_threshold: probability at or above which a cell shows fire.
    :ivar by_size: of the fires of each size, and of all.
    :ivar clear_with_cells: share of the images without fire that have a cell at or above the
        threshold: a map says something only of an image that is called fire.
    """

    cell_threshold: float
    by_size: dict[str, Located]
    clear_with_cells: float | None


def measure_localization(predictions: pd.DataFrame, heat_maps: NDArray[np.float32],
                         boxes: Mapping[Path, tuple[Box, ...]], spec: HeatMap) -> Localization:
    """
    Measure heat maps.

    :param predictions: the table of images and predictions.
    :param heat_maps: of the same images, shape (images, rows, columns).
    :param boxes: around the fires of each image that has some, by its path.
    :param spec: what the contract says about them.
    """
    known = {path.resolve(): found for path, found in boxes.items()}
    fire = predictions['fire'].to_numpy()
    rows = []
    for index, (file, group) in enumerate(zip(predictions['file'], predictions['group'],
                                              strict=True)):
        found = known.get(Path(file).resolve(), ())
        if fire[index] and found:
            rows.append((group, share_covered(found),
                         *_locate(heat_maps[index], found, spec.threshold)))
    table = pd.DataFrame(rows, columns=['group', 'share', 'inside', 'touching', 'iou', 'error',
                                        'miss'])
    sizes = pd.cut(table['share'], [0.0, *SIZES.values()], right=False, labels=list(SIZES))
    parts = {str(size): part for size, part in table.groupby(sizes, observed=True)}
    if rows:
        parts[OVERALL] = table
    clear = heat_maps[~fire].max((1, 2)) if (~fire).any() else None
    return Localization(
        spec.threshold, {size: _summarize(part) for size, part in parts.items()},
        None if clear is None else float((clear >= spec.threshold).mean()))


def _locate(heat_map: NDArray[np.float32], boxes: Sequence[Box],
            threshold: float) -> tuple[bool, bool, float, float, float]:
    """Return whether the highest cell is in a box, touches one, and IoU and errors of the map."""
    rows, columns = heat_map.shape
    row, column = np.unravel_index(heat_map.argmax(), heat_map.shape)
    x, y = (float(column) + 0.5) / columns, (float(row) + 0.5) / rows
    inside = any(box.left <= x <= box.right and box.top <= y <= box.bottom for box in boxes)
    touching = any(box.left < (column + 1) / columns and column / columns < box.right
                   and box.top < (row + 1) / rows and row / rows < box.bottom for box in boxes)
    error = min(abs(x - (box.left + box.right) / 2) for box in boxes)
    miss = min(max(box.left - x, x - box.right, 0.0) for box in boxes)
    return inside, touching, _iou(boxes_of(heat_map, threshold), boxes), error, miss


def boxes_of(heat_map: NDArray[np.float32], threshold: float) -> list[Box]:
    """Return a box around each group of cells at or above a threshold that touch each other."""
    rows, columns = heat_map.shape
    count, _, found, _ = cv2.connectedComponentsWithStats(
        (heat_map >= threshold).astype(np.uint8), connectivity=8)
    return [Box(left / columns, top / rows, (left + width) / columns, (top + height) / rows)
            for left, top, width, height, _ in found[1:count].tolist()]


def choose_cell_threshold(heat_maps: NDArray[np.float32],
                          boxes: Sequence[Sequence[Box]]) -> float:
    """
    Choose the threshold of a cell by which boxes are most like those of the fires.

    :param heat_maps: of images that were not trained on, shape (images, rows, columns).
    :param boxes: around the fires of each of them; at least one of them has some.
    :return: one of CELL_THRESHOLDS, with the largest mean IoU; the lowest of equals.
    """
    known = [(heat_map, found) for heat_map, found in zip(heat_maps, boxes, strict=True) if found]
    return max(CELL_THRESHOLDS, key=lambda threshold: np.mean([
        _iou(boxes_of(heat_map, threshold), found) for heat_map, found in known]))


def _iou(one: Sequence[Box], other: Sequence[Box]) -> float:
    areas = [_drawn(boxes) for boxes in (one, other)]
    return float((areas[0] & areas[1]).sum() / (areas[0] | areas[1]).sum())


def _drawn(boxes: Sequence[Box]) -> NDArray[np.bool_]:
    area = np.zeros((FINENESS, FINENESS), bool)
    for box in boxes:
        left, top, right, bottom = (round(FINENESS * edge) for edge in
                                    (box.left, box.top, box.right, box.bottom))
        area[top:max(bottom, top + 1), left:max(right, left + 1)] = True
    return area


def _summarize(part: pd.DataFrame) -> Located:
    size = effective_size(part['group'].to_numpy())
    (error, far_error), (miss, far_miss) = (
        part[name].quantile([0.5, 0.9]).tolist() for name in ('error', 'miss'))
    return Located(len(part), wilson(float(part['inside'].mean()), size),
                   wilson(float(part['touching'].mean()), size), float(part['iou'].mean()),
                   (error, far_error), (miss, far_miss))


def draw_heat_map(image: ColorImage, heat_map: NDArray[np.float32]) -> ColorImage:
    """
    Draw a heat map over an image.

    :param image: the image.
    :param heat_map: float32 of shape (rows, columns), 0..1.
    :return: the image with red where the map is high.
    """
    pixels = image.in_order('RGB')
    height, width = pixels.shape[:2]
    share = OPACITY * cv2.resize(heat_map, (width, height), interpolation=cv2.INTER_LINEAR)
    red = np.array((255, 0, 0), np.float32)
    drawn = pixels + share[:, :, np.newaxis] * (red - pixels)
    return ColorImage(np.asarray(np.clip(np.rint(drawn), 0, 255), np.uint8), 'RGB')
