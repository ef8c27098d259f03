# SPDX-License-Identifier: Apache-2.0
"""A camera that moves over a still image: pan, zoom, shake, and the grain of its sensor."""

import dataclasses
from dataclasses import dataclass
import functools
import math
from pathlib import Path

import cv2
from fire_detector.images.files import read_image
import numpy as np
from numpy.typing import NDArray
from training.data.boxes import Box

# Small frames cost little, and networks see fewer pixels still.
WIDTH, HEIGHT = 320, 240
# More pixels than this in a still would only be skipped.
MAX_STILL_SIDE = 2 * WIDTH
# The smallest view of a still, as a share of the largest: where a fire is in the image is known
# only by its boxes, and a view of less than nearly everything might lose it.
CLOSEST, CLOSEST_UNKNOWN = 0.65, 0.88
GRAIN_LEVELS = (1.5, 3.0, 5.0)
_GRAIN_MARGIN = 64
_SECONDS_A_MOVE = 6.0


def read_still(path: Path) -> NDArray[np.uint8]:
    """
    Read an image, and shrink it to MAX_STILL_SIDE.

    :return: uint8 of shape (height, width, 3), BGR.
    :raises ImageFileError: when it cannot be read.
    """
    pixels = read_image(path).in_order('BGR')
    scale = MAX_STILL_SIDE / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    height, width = (max(round(scale * side), 1) for side in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True)
class View:
    """The part of a still in view: its middle and width, in pixels of the still."""

    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Move:
    """
    A move of the camera from one view to another and back, with a swing and a tremble.

    :ivar seconds: time from one view to the other.
    :ivar shake: how far the camera sways, as a share of the view's width.
    :ivar phases: of the four waves that it sways in, radians.
    """

    start: View
    end: View
    seconds: float
    shake: float
    phases: tuple[float, ...]

    def view(self, time: float) -> View:
        """Return the view at a time in seconds since the start."""
        progress = 0.5 - 0.5 * math.cos(math.pi * time / self.seconds)
        x, y, width = (start + progress * (end - start) for start, end in zip(
            dataclasses.astuple(self.start), dataclasses.astuple(self.end), strict=True))
        a, b, c, d = self.phases
        # A step of a robot or person, and the tremble of what the camera is mounted on.
        sway_x = math.sin(math.tau * 0.9 * time + a) + 0.4 * math.sin(math.tau * 3.7 * time + b)
        sway_y = math.sin(math.tau * 1.8 * time + c) + 0.4 * math.sin(math.tau * 4.3 * time + d)
        return View(x + self.shake * width * sway_x, y + self.shake * width * sway_y, width)


def plan_move(still: NDArray[np.uint8], boxes: tuple[Box, ...] | None,
              rng: np.random.Generator) -> Move:
    """
    Choose a move over a still.

    :param boxes: where its fire is, the largest of which stays in view; empty where that is not
        known, so that nearly everything stays in view; None for a still without fire.
    """
    closest = CLOSEST_UNKNOWN if boxes == () else CLOSEST
    phases = rng.uniform(0, math.tau, 4).tolist()
    return Move(_plan_view(still, boxes, closest, rng), _plan_view(still, boxes, closest, rng),
                _SECONDS_A_MOVE * float(rng.uniform(0.6, 1.6)), float(rng.uniform(0, 0.012)),
                tuple(phases))


def _plan_view(still: NDArray[np.uint8], boxes: tuple[Box, ...] | None, closest: float,
               rng: np.random.Generator) -> View:
    height, width = still.shape[:2]
    view_width = min(width, height * WIDTH / HEIGHT) * float(rng.uniform(closest, 1.0))
    middle_x, middle_y = None, None
    if boxes:
        box = max(boxes, key=lambda box: (box.right - box.left) * (box.bottom - box.top))
        middle_x, middle_y = (width * (box.left + box.right) / 2,
                              height * (box.top + box.bottom) / 2)
    return View(_place(width, view_width, middle_x, rng),
                _place(height, view_width * HEIGHT / WIDTH, middle_y, rng), view_width)


def _place(side: float, length: float, kept: float | None, rng: np.random.Generator) -> float:
    """Choose the middle of a stretch within 0..side, around a point if there is one."""
    low, high = length / 2, side - length / 2
    if kept is not None:
        reach = 0.35 * length
        low, high = max(low, min(kept - reach, high)), min(high, max(kept + reach, low))
    return float(rng.uniform(low, high))


def film_view(still: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """
    Return what the camera sees of a still; beyond its edges it is mirrored.

    :return: uint8 of shape (HEIGHT, WIDTH, 3).
    """
    step = view.width / WIDTH
    window = np.array([[step, 0, view.x - 0.5 - step * (WIDTH - 1) / 2],
                       [0, step, view.y - 0.5 - step * (HEIGHT - 1) / 2]])
    return np.asarray(cv2.warpAffine(
        still, window, (WIDTH, HEIGHT), None, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        cv2.BORDER_REFLECT_101), np.uint8)


def add_grain(frame: NDArray[np.uint8], level: float,
              rng: np.random.Generator) -> NDArray[np.uint8]:
    """
    Add the noise of a sensor, another for each frame.

    :param level: standard deviation, in steps of brightness.
    """
    left, top = rng.integers(0, _GRAIN_MARGIN, 2)
    brighter, darker = (texture[top:top + HEIGHT, left:left + WIDTH] for texture in _grain(level))
    return np.asarray(cv2.subtract(cv2.add(frame, brighter), darker), np.uint8)


@functools.lru_cache(maxsize=len(GRAIN_LEVELS))
def _grain(level: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return noise to add and to subtract, of which each frame gets another window."""
    shape = HEIGHT + _GRAIN_MARGIN, WIDTH + _GRAIN_MARGIN, 3
    noise = np.rint(level * np.random.default_rng(0).standard_normal(shape))
    return noise.clip(0, 255).astype(np.uint8), (-noise).clip(0, 255).astype(np.uint8)
