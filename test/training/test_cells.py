# SPDX-License-Identifier: Apache-2.0
"""What the cells of a heat map learn follows the boxes, wherever a view puts them."""

import math
from pathlib import Path

import cv2
from fire_detector.model.preprocessing import InputSpec
import numpy as np
import pytest

keras = pytest.importorskip('keras', reason='the extra training is not installed')

from training.data.boxes import Box  # noqa: E402
from training.data.samples import FIRE, Sample  # noqa: E402
from training.learning import views  # noqa: E402
from training.learning.augmentation import draw_placement, place, Placement  # noqa: E402
from training.learning.batches import Batches  # noqa: E402
from training.learning.cells import cell_targets, CellLoss, draw_masks  # noqa: E402
from training.learning.views import augmented_views, Fires  # noqa: E402
from training.run_folder import TrainingConfig  # noqa: E402

GRID = (4, 4)
SPEC = InputSpec(32, 32)
# A wide image of 120x80 pixels, in which a cell of the whole has 30x20.
WIDTH, HEIGHT = 120, 80


def whole(mirrored: bool = False, angle: float = 0.0, size: tuple[float, float] = (WIDTH, HEIGHT),
          center: tuple[float, float] = (WIDTH / 2, HEIGHT / 2)) -> Placement:
    """Return the placement of the whole image, or of a part of it."""
    return Placement(np.array(center), np.array(size), mirrored, angle)


def cells(boxes: list[Box], placement: Placement) -> list[str]:
    """Return the rows of cells: # for burning, . for clear, ? for unknown."""
    found = cell_targets(draw_masks(boxes, HEIGHT, WIDTH), placement, GRID)
    return [''.join({1.0: '#', 0.0: '.', -1.0: '?'}[cell] for cell in row) for row in found]


@pytest.mark.parametrize(('box', 'placement', 'expected'), [
    # In the first two rows and columns. Its inner part, 0.7 of each side, is from 0.06 to 0.34: of
    # the first cell it covers 0.76 * 0.76 = 0.58, of the others 0.27 and 0.13.
    (Box(0.0, 0.0, 0.4, 0.4), whole(), ['#?..', '??..', '....', '....']),
    # Of the inner part of the upper half, 0.075 to 0.425 high, and 0.15 to 0.85 wide, the middle
    # cells have 0.7, the outer ones 0.4 * 0.7 = 0.28.
    (Box(0.0, 0.0, 1.0, 0.5), whole(), ['?##?', '?##?', '....', '....']),
    # A small fire in the third column burns in its cell alone.
    (Box(0.55, 0.30, 0.60, 0.35), whole(), ['....', '..#.', '....', '....']),
    (Box(0.55, 0.30, 0.60, 0.35), whole(mirrored=True), ['....', '.#..', '....', '....']),
    # Turned by a quarter about the center, to the right, what was right of the upper middle is
    # below the right one: x is 0.575 and y 0.325 of the image, (9, -14) pixels from its center.
    # A pixel of the view is that of the image at the angle, so the fire is at (-14, -9) of the
    # square view of 80 pixels: column 1, row 1.
    (Box(0.55, 0.30, 0.60, 0.35), whole(angle=math.pi / 2, size=(80, 80)),
     ['....', '.#..', '....', '....']),
    # The right half, twice as wide: 0.55 of the image is 0.1 of it, 0.60 is 0.2.
    (Box(0.55, 0.30, 0.60, 0.35), whole(size=(60, 80), center=(90, 40)),
     ['....', '#...', '....', '....']),
    # The left half does not show it.
    (Box(0.55, 0.30, 0.60, 0.35), whole(size=(60, 80), center=(30, 40)), ['....'] * 4),
    # A fire at the right rim, seen again where the view is mirrored beyond it: the view is of
    # 60 to 180, cells of 30. Of its 96 to 120, 99.6 to 116.4 is inner, 0.56 of the second column
    # and, mirrored, of the third; of the outer rows, it has 0.4 of that.
    (Box(0.8, 0.0, 1.0, 1.0), whole(center=(120, 40)), ['.??.', '.##.', '.##.', '.??.']),
])
def test_cells_of_a_view(box: Box, placement: Placement, expected: list[str]) -> None:
    """What a cell shows is worked out from the box's place in the view."""
    assert cells([box], placement) == expected


def test_cells_of_two_fires() -> None:
    """Both are drawn; the smaller one, which fills no half of a cell, is unknown."""
    large, small = Box(0.6, 0.6, 1.0, 1.0), Box(0.05, 0.05, 0.15, 0.15)
    assert cells([large, small], whole()) == ['?...', '....', '..??', '..?#']
    assert cells([], whole()) == ['....'] * 4


def test_boxes_follow_the_image() -> None:
    """
    Compare the cells with where the pixels of a bright fire are in two hundred random views.

    The image is black but for the fire, which fills the inner part of its box: cells that are
    half bright burn, and no clear one has any light.
    """
    box = Box(0.3, 0.2, 0.7, 0.6)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[draw_masks([box], HEIGHT, WIDTH)[:, :, 1] > 0] = 255
    masks, rng = draw_masks([box], HEIGHT, WIDTH), np.random.default_rng(0)
    burning = 0
    for _ in range(200):
        placement = draw_placement((WIDTH, HEIGHT), rng)
        targets = cell_targets(masks, placement, GRID)
        light = cv2.resize(place(image, placement, 64, 64)[:, :, 0], GRID,
                           interpolation=cv2.INTER_AREA) / 255
        assert light[targets == 0].max(initial=0) < 0.01
        if (targets == 1).sum() > 1:
            assert light[targets == 1].min() > 0.4
        if light.max() > 0.05:
            assert light[targets == 1].max() > 0.7 * light.max()
        assert (targets[light > 0.65] == 1).all()
        burning += (targets == 1).sum()
    assert burning > 200


def test_loss_by_hand() -> None:
    """
    Work out the loss of two images of 2x2 cells.

    Burning: 0.5 and 0.25, mean of -log: (0.693147 + 1.386294) / 2 = 1.039721. Clear: 0.75, 0.05
    and 0.15, with the weights 0.8, 0.1 and 0.2 and -log(1 - p) of 1.386294, 0.051293 and 0.162519:
    (1.109035 + 0.005129 + 0.032504) / 1.1 = 1.042426. The rest is unknown.
    """
    expected = np.array([[[1, 0], [-1, -1]], [[1, 0], [0, -1]]], np.float32)[..., np.newaxis]
    predicted = np.array([[[.5, .75], [.9, .1]], [[.25, .05], [.15, .5]]],
                         np.float32)[..., np.newaxis]
    assert float(CellLoss()(expected, predicted)) == pytest.approx(1.039721 + 1.042426, abs=1e-5)
    # Neither kind there is: nothing to learn, and nothing infinite.
    assert float(CellLoss()(np.full((2, 2, 2, 1), -1.0), predicted)) == 0
    certain = np.array([[[[0.0], [1.0]]]], np.float32)
    assert 10 < float(CellLoss()(1 - certain, certain)) < 40


@pytest.fixture
def fires(tmp_path: Path) -> tuple[list[Sample], Fires]:
    """
    Write an image with a red fire in a blue room, the same without a box, and one without fire.

    :return: the samples, and the box of the first.
    """
    samples = []
    for name, label in (('boxed', FIRE), ('unboxed', FIRE), ('clear', 1 - FIRE)):
        image = np.full((HEIGHT, WIDTH, 3), (200, 0, 0), np.uint8)
        if label == FIRE:
            image[8:24, 12:36] = (0, 0, 255)
        path = tmp_path / f'{name}.png'
        cv2.imwrite(str(path), image)
        samples.append(Sample(path, label, 'a', name, 'train'))
    return samples, Fires({samples[0].path: (Box(0.1, 0.1, 0.3, 0.3),)}, GRID)


def test_batches_with_cells(fires: tuple[list[Sample], Fires]) -> None:
    """Unvaried, cells are those of the whole image; unknown without a box, clear without fire."""
    samples, where = fires
    config = TrainingConfig((), augment=False, balance='none', group_cap=0)
    inputs, (whole_image, found) = Batches(samples, 1, SPEC, config, where)[0]
    assert inputs.shape == (3, 32, 32, 3)
    assert found.shape == (3, 4, 4, 1)
    order = np.argsort(found.sum((1, 2, 3)))
    assert whole_image[order].ravel().tolist() == [1, 1, 0]
    assert (found[order[0]] == -1).all()
    assert (found[order[2]] == 0).all()
    # From 0.4 to 1.2 cells, 0.52 to 1.08 inside: 0.48 of the first one's side.
    assert found[order[1], :, :, 0].tolist() == [[1, -1, 0, 0], [-1, -1, 0, 0]] + [[0] * 4] * 2


def test_views_of_fires(fires: tuple[list[Sample], Fires],
                        monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Views always show the fire; of those by boxes, half show nothing of it, and half more cells.

    What is called fire has red pixels; what is called clear has none, but for one at the rim.
    """
    monkeypatch.setattr(views, 'film', lambda pixels, rng: pixels)
    samples, where = fires
    burning = {}
    for box_crops in (0.0, 1.0):
        vary = augmented_views(samples, SPEC, where, TrainingConfig((), box_crops=box_crops))
        found = [vary(0, np.random.default_rng(seed)) for seed in range(200)]
        for seen in found:
            red = seen.tensor[:, :, 0]
            assert seen.fire == bool((seen.cells == 1).any())
            assert seen.fire == bool((seen.cells != 0).any())
            assert red.max() > 0 if seen.fire else (red > 0.5).mean() < 0.004
        assert np.mean([view.fire for view in found]) == pytest.approx(
            1 - box_crops / 2, abs=0.1 * box_crops)
        burning[box_crops] = np.mean([(view.cells == 1).sum() for view in found if view.fire])
        for seed in range(3):
            assert (vary(1, np.random.default_rng(seed)).cells == -1).all()
            assert (vary(2, np.random.default_rng(seed)).cells == 0).all()
    assert burning[1.0] > 1.2 * burning[0.0]
