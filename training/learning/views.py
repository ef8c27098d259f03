# SPDX-License-Identifier: Apache-2.0
"""What a network sees of an image in one epoch, and what it is to predict for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math
from pathlib import Path

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import read_image
from fire_detector.model.preprocessing import InputSpec, preprocess
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from training.data.boxes import Box
from training.data.loading import load_tensors
from training.data.samples import FIRE, Sample
from training.learning.augmentation import draw_crop, draw_placement, film, place, Placement
from training.learning.cells import BURNING, cell_targets, CLEAR, draw_masks, FINENESS, UNKNOWN
from training.learning.sunsets import add_sunset
from training.run_folder import TrainingConfig

# A crop of half the area still has as many pixels as the network sees.
OVERSIZE = 2
# How often another view of a fire is tried, until it shows any of it.
TRIES = 8
# Side of a crop around a fire, as a multiple of the fire's, and the smallest, as a share of the
# image's, since crops are enlarged.
ZOOM = (1.2, 4.0)
SMALLEST_SIDE = 0.3
# Side of a crop beside a fire, as a share of the image's.
BESIDE = (0.3, 0.7)


@dataclass(frozen=True)
class View:
    """
    What a network sees of an image, and what it is to predict.

    :ivar tensor: float32 of shape (height, width, 3), the network's input.
    :ivar fire: whether it shows fire.
    :ivar cells: float32 of shape (rows, columns, 1), as `cells.cell_targets` returns them.
    """

    tensor: NDArray[np.float32]
    fire: bool
    cells: NDArray[np.float32]


@dataclass(frozen=True)
class Fires:
    """
    Where fires are, and in which cells a network sees them.

    :ivar boxes: the boxes of each image that has some, by its path.
    :ivar grid: rows and columns of the network's heat map; None of one that cannot say where.
    """

    boxes: Mapping[Path, tuple[Box, ...]]
    grid: tuple[int, int] | None

    def cells(self, sample: Sample) -> NDArray[np.float32]:
        """Return what the cells of a whole image show, shape (rows, columns, 1)."""
        boxes = self.boxes.get(sample.path, ())
        if self.grid is None or not boxes or sample.label != FIRE:
            return self.without_boxes(sample)
        # Pixels enough for the smallest box, and as many for each cell.
        height, width = (FINENESS * 4 * cells for cells in self.grid)
        whole = Placement(np.array((width, height)) / 2, np.array((width, height)), False, 0.0)
        return cell_targets(draw_masks(boxes, height, width), whole, self.grid)[..., np.newaxis]

    def without_boxes(self, sample: Sample) -> NDArray[np.float32]:
        """Return what the cells of an image without boxes show, in any view."""
        return np.full((*(self.grid or (1, 1)), 1), UNKNOWN if sample.label == FIRE else CLEAR,
                       np.float32)


NOWHERE = Fires({}, None)
# Returns a view of the sample of an index.
Views = Callable[[int, np.random.Generator], View]


def plain_views(samples: Sequence[Sample], spec: InputSpec, fires: Fires) -> Views:
    """Read and prepare images as the node does; float32 at the input size is kept."""
    tensors = load_tensors(samples, spec)
    cells = [fires.cells(sample) for sample in samples]
    return lambda index, rng: View(tensors[index], samples[index].label == FIRE, cells[index])


def augmented_views(samples: Sequence[Sample], spec: InputSpec, fires: Fires,
                    config: TrainingConfig) -> Views:
    """
    Read images that are varied at random, anew each time; uint8 of twice the input size is kept.

    :param samples: the images.
    :param spec: what the network's input holds.
    :param fires: where fires are.
    :param config: the chances of sunsets and of crops by boxes.
    """
    images = [_read_small(sample, spec)
              for sample in tqdm(samples, desc='reading images', disable=None)]
    sunsets = config.sunsets

    def vary(index: int, rng: np.random.Generator) -> View:
        sample, image = samples[index], images[index]
        fire = sample.label == FIRE
        boxes = fires.boxes.get(sample.path, ()) if fires.grid and fire else ()
        if boxes:
            placement, cells = _place_fire(image, boxes, fires, config.box_crops, rng)
            fire = bool((cells == BURNING).any())
        else:
            placement = draw_placement(image.shape[1::-1], rng)
            cells = fires.without_boxes(sample)
        pixels = place(image, placement, spec.height, spec.width)
        # It could hide a fire.
        if sunsets and rng.random() < sunsets and sample.label != FIRE:
            pixels = add_sunset(pixels, rng)
        tensor = preprocess(ColorImage(film(pixels, rng), 'RGB'), spec)[0]
        return View(np.asarray(tensor), fire, cells)

    return vary


def _place_fire(image: NDArray[np.uint8], boxes: Sequence[Box], fires: Fires, box_crops: float,
                rng: np.random.Generator) -> tuple[Placement, NDArray[np.float32]]:
    """
    Choose a view of a fire whose boxes are known, and return it with what its cells show.

    A view that shows nothing of the fire, or just its rim, would be called one; it is drawn again.
    Of the crops by boxes, half are of the fire and half, where there is room, from beside it: all
    cells CLEAR.
    """
    assert fires.grid is not None
    height, width = image.shape[:2]
    masks = draw_masks(boxes, height, width)
    beside = zoom = False
    if box_crops and rng.random() < box_crops:
        beside = rng.random() < 0.5
        zoom = not beside
    for _ in range(TRIES):
        if zoom:
            box = boxes[rng.integers(len(boxes))]
            side = rng.uniform(*ZOOM) * max(box.right - box.left, box.bottom - box.top)
            middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
            placement = draw_crop((width, height), middle,
                                  min(max(side, SMALLEST_SIDE), 1.0), rng)
        elif beside:
            placement = draw_crop((width, height), (rng.random(), rng.random()),
                                  rng.uniform(*BESIDE), rng)
        else:
            placement = draw_placement((width, height), rng)
        cells = cell_targets(masks, placement, fires.grid)
        if (cells == CLEAR).all() if beside else (cells == BURNING).any():
            return placement, cells[..., np.newaxis]
    whole = Placement(np.array((width, height)) / 2, np.array((width, height)), False, 0.0)
    return whole, cell_targets(masks, whole, fires.grid)[..., np.newaxis]


def _read_small(sample: Sample, spec: InputSpec) -> NDArray[np.uint8]:
    pixels = np.ascontiguousarray(read_image(sample.path).in_order('RGB'))
    height, width = pixels.shape[:2]
    factor = OVERSIZE * max(spec.height / height, spec.width / width)
    if factor >= 1:
        return pixels
    size = (math.ceil(width * factor), math.ceil(height * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
