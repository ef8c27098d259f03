# SPDX-License-Identifier: Apache-2.0
"""
Paint the still room of the synthetic scene, as a robot's camera sees it.

Room coordinates are meters: x to the right, y up from the floor, z away from the camera. Scene
coordinates are in frame heights: x to the right of the middle, y down from the top.
"""

from collections.abc import Sequence
import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Field = NDArray[np.float32]
Color = tuple[float, float, float]
Pair = tuple[float, float]
Point = tuple[float, float, float]
Extent = float | Pair

TILE = 256  # period of the turbulence, in texels
_EYE = 0.5  # the camera's height above the floor, in meters


def paint_still(name: str, width: int, height: int, seed: int) -> Pixels:
    """Paint the room of a phase, without flames and without sensor noise."""
    room = _Room(width, height, np.random.default_rng(seed))
    fabric, lampshade, curtain = (98, 106, 118), (206, 202, 194), (128, 138, 150)
    sky, land, window_end = ((214, 226, 236), (168, 196, 226)), (112, 130, 104), -0.65
    if name == 'burnt out':
        fabric = (34, 32, 31)
    elif name == 'warm lamp':
        sky, land, lampshade = ((70, 80, 110), (40, 50, 84)), (30, 34, 36), (260, 230, 190)
    elif name == 'sunset':  # above 255, because the room is dimmed afterwards
        sky, land, window_end = ((680, 370, 140), (400, 256, 320)), (60, 45, 50), 1.0
    elif name == 'red things':
        curtain = (176, 26, 30)
    _paint_shell(room)
    _paint_window(room, window_end, sky, land, curtain)
    _paint_furniture(room, fabric, lampshade)
    if name == 'warm lamp':
        room.light(0.12, 2.5, (0.34, 0.38), (0.14, 0.16))
    elif name == 'sunset':
        room.light(0.14, 1.0, (-0.25, 0.33), (0.07, 0.07))
    elif name == 'red things':
        _paint_red_things(room)
    texture = cv2.resize(turbulence(room.rng, 1.3, 1.0, 3), (width, height))
    vignette = 1.04 - 0.35 * (room.x**2 + (room.y - 0.5) ** 2)
    room.image *= ((1 + 0.015 * texture) * vignette)[..., np.newaxis]
    return to_bytes(cv2.GaussianBlur(room.image, (0, 0), 0.0012 * max(width, height)))


def turbulence(rng: np.random.Generator, exponent: float, stretch: float, eddies: int) -> Field:
    """
    Return noise with a power-law spectrum that tiles.

    :param exponent: how fast fine detail fades: 1.4 is ragged, 2.4 is soft.
    :param stretch: how many times taller than wide the eddies are.
    :param eddies: how many of the largest eddies fit side by side.
    :return: (2 * TILE, 2 * TILE) float32 of mean 0 and deviation 1, four tiles, because to
        sample inside the texture is cheaper than to wrap.
    """
    down = np.fft.fftfreq(TILE)[:, np.newaxis] * stretch
    right = np.fft.fftfreq(TILE)[np.newaxis, :]
    frequency = np.maximum(np.hypot(down, right), eddies / TILE)
    spectrum = np.fft.fft2(rng.standard_normal((TILE, TILE))) / frequency**exponent
    spectrum[0, 0] = 0
    noise = np.fft.ifft2(spectrum).real
    return np.tile((noise / noise.std()).astype(np.float32), (2, 2))


def scene_grid(size: tuple[int, int], width: int, height: int) -> tuple[Field, Field]:
    """Compute scene x (1, columns) and y (rows, 1) of a canvas that covers the frame."""
    scale = max(height, 0.75 * width)
    x, y = ((np.arange(count, dtype=np.float32) + 0.5) / count - 0.5 for count in size)
    return (np.asarray(x[np.newaxis, :] * (width / scale), np.float32),
            np.asarray(y[:, np.newaxis] * (height / scale) + 0.5, np.float32))


def falloff(x: Field, y: Field, source: Pair, reach: Pair) -> Field:
    """Compute the share of a source's light each place gets: 1 there, a half at its reach."""
    away = ((x - source[0]) / reach[0]) ** 2 + ((y - source[1]) / reach[1]) ** 2
    return np.asarray(1 / (1 + away), np.float32)


def to_bytes(values: NDArray[Any]) -> Pixels:
    """Cut values to 0..255 and drop their fractions."""
    return np.asarray(np.clip(values, 0, 255), np.uint8)


class _Room:
    """The canvas of a still room, on which surfaces are filled in perspective."""

    def __init__(self, width: int, height: int, rng: np.random.Generator) -> None:
        self.rng = rng
        self.image = np.zeros((height, width, 3), np.float32)
        self.x, self.y = scene_grid((width, height), width, height)
        self._scale, self._middle = max(height, 0.75 * width), np.array((width, height)) / 2

    def fill(self, corners: Sequence[Point], color: Color, tone: float = 1) -> None:
        """Fill a polygon with a shade of a color."""
        x, y, z = np.array(corners).T
        seen = self._middle + np.stack([x, _EYE - y], -1) * (0.9 * self._scale / z)[:, np.newaxis]
        cv2.fillPoly(self.image, [np.asarray(np.round(seen * 16), np.int32)],
                     [tone * value for value in color], cv2.LINE_8, shift=4)

    def face(self, x: Extent, y: Extent, z: Extent, color: Color, tone: float = 1) -> None:
        """Fill the rectangle that two spans and one coordinate make."""
        walks = iter(((0, 1, 1, 0), (0, 0, 1, 1)))
        ways = [[extent[end] for end in next(walks)] if isinstance(extent, tuple) else [extent] * 4
                for extent in (x, y, z)]
        self.fill(list(zip(*ways, strict=True)), color, tone)

    def panel(self, x: Pair, y: Pair, z: float, color: Color, tone: float, radius: float) -> None:
        """Fill a rectangle that faces the camera and has round corners."""
        corners = enumerate(((1, 1), (0, 1), (0, 0), (1, 0)))
        self.fill([(x[right] + radius * (math.cos(turn) + 1 - 2 * right),
                    y[up] + radius * (math.sin(turn) + 1 - 2 * up), z)
                   for quarter, (right, up) in corners
                   for turn in np.linspace(quarter, quarter + 1, 8) * math.pi / 2], color, tone)

    def box(self, x: Pair, y: Pair, z: Pair, color: Color, tone: float = 1,
            radius: float = 0) -> None:
        """Paint a box, its front corners round, lit from above on the left."""
        side, dark = (x[0], 0.8) if x[0] > 0 else (x[1], 0.6)
        self.face(side, (y[0] + radius, y[1] - radius), z, color, dark * tone)
        if y[1] < _EYE:
            self.face((x[0] + radius, x[1] - radius), y[1], z, color, 1.2 * tone)
        self.panel(x, y, z[0], color, tone, radius)

    def shadow(self, x: float, z: float, reach: Pair) -> None:
        """Darken the floor around a place, as far as reach in scene units."""
        share = falloff(self.x, self.y, (0.9 * x / z, 0.5 + 0.9 * _EYE / z), reach)
        self.image *= 1 - 0.7 * share[..., np.newaxis] ** 3

    def light(self, dimmed: float, warm: float, source: Pair, reach: Pair) -> None:
        """Dim the image, then add warm light around a place of the scene."""
        lit = warm * falloff(self.x, self.y, source, reach)
        self.image *= np.sqrt(np.dstack([dimmed + share * lit for share in (1.0, 0.7, 0.4)]))


def _paint_shell(room: _Room) -> None:
    """Paint walls with an image, skirting, a floor of planks and a rug."""
    room.face((-1.95, 1.95), (0, 3), 3.2, (184, 183, 179))
    room.face((-1.95, 1.95), (0, 0.1), 3.2, (216, 215, 211))
    room.face((0.42, 0.92), (1.3, 1.75), 3.2, (48, 48, 50))
    room.face((0.45, 0.89), (1.33, 1.72), 3.2, (122, 146, 152))
    room.face((-3, 3), 0, (0.5, 3.2), (70, 62, 54))
    for x in np.arange(-3, 3, 0.16):
        for z in np.arange(0.8 + room.rng.uniform(-0.4, 0), 3.2, 0.8):
            tone = room.rng.uniform(0.88, 1.1)
            room.face((x, x + 0.155), 0, (z, min(z + 0.79, 3.2)), (124, 113, 100), tone)
    for wall in (-1.95, 1.95):
        room.face(wall, (0, 3), (0.6, 3.2), (160, 160, 157))
        room.face(wall, (0, 0.1), (0.6, 3.2), (205, 204, 200))
    room.face((-1.1, 1.2), 0, (1.45, 2.9), (100, 108, 118))
    room.face((-1.0, 1.1), 0, (1.55, 2.8), (126, 132, 138))


def _paint_window(room: _Room, right: float, sky: tuple[Color, Color], land: Color,
                  curtain: Color) -> None:
    """Paint sky, from the horizon up, and land behind a window that ends at x, and curtains."""
    left, low, high = -1.45, 0.7, 2.4
    room.face((left - 0.06, right + 0.06), (low - 0.06, high), 3.2, (222, 222, 219))
    for up in np.linspace(0, 1, 50):
        red, green, blue = (a + (b - a) * up for a, b in zip(*sky, strict=True))
        room.face((left, right), (low + (high - low) * up, high), 3.2, (red, green, blue))
    hills = [(x, 0.98 + 0.06 * math.sin(5 * x) + 0.02 * math.sin(23 * x), 3.2)
             for x in np.linspace(left, right, 80)]
    room.fill([*hills, (right, low, 3.2), (left, low, 3.2)], land)
    for bar in np.linspace(left, right, 1 + round((right - left) / 0.4))[1:-1]:
        room.face((bar - 0.015, bar + 0.015), (low, high), 3.2, (205, 205, 202))
    for start in (left - 0.3, right + 0.02):
        for fold in range(14):
            x, tone = start + 0.02 * fold, 0.85 + 0.2 * math.sin(1.7 * fold + start)
            room.face((x, x + 0.021), (0.06, 2.6), 3.1, curtain, tone)


def _paint_furniture(room: _Room, fabric: Color, lampshade: Color) -> None:
    """Paint a bookcase, a side table with a lamp and, nearest, an armchair."""
    room.shadow(1.6, 2.9, (0.15, 0.02))
    room.box((1.35, 1.93), (0, 1.9), (2.9, 3.18), (118, 108, 96))
    for shelf in np.arange(0.1, 1.8, 0.36):
        room.face((1.39, 1.89), (shelf, shelf + 0.32), 2.9, (58, 53, 48))
        for x in np.arange(1.4, 1.84, 0.05):
            red, green, blue = room.rng.uniform(60, 180) * room.rng.uniform(0.75, 1.0, 3)
            top = shelf + room.rng.uniform(0.2, 0.29)
            room.face((x, x + 0.045), (shelf, top), 2.9, (red, green, blue))
    room.shadow(1.05, 2.5, (0.12, 0.02))
    room.box((0.82, 1.2), (0, 0.5), (2.5, 2.8), (104, 92, 80))
    room.face((0.995, 1.025), (0.5, 0.75), 2.6, (60, 60, 60))
    room.fill([(0.84, 0.74, 2.6), (1.18, 0.74, 2.6), (1.1, 1.04, 2.6), (0.92, 1.04, 2.6)],
              lampshade)
    room.shadow(0.05, 2.05, (0.36, 0.045))
    room.box((-0.42, 0.50), (0.1, 0.98), (2.5, 2.75), fabric, 1, 0.09)
    room.box((-0.34, 0.42), (0.06, 0.38), (2.0, 2.5), fabric, 0.88, 0.03)
    room.box((-0.34, 0.42), (0.33, 0.47), (1.95, 2.5), fabric, 1.06, 0.05)
    for x in (-0.52, 0.40):
        room.box((x, x + 0.20), (0.03, 0.6), (1.9, 2.6), fabric, 1, 0.07)


def _paint_red_things(room: _Room) -> None:
    """Paint a cushion on the armchair and shiny balls on the floor."""
    for inset, tone in ((0, 0.8), (0.02, 0.95), (0.07, 1.02)):
        room.panel((-0.18 + inset, 0.24 - inset), (0.47 + inset, 0.8 - inset), 2.3,
                   (190, 32, 36), tone, 0.1 - inset)
    for x, z in ((-0.8, 1.5), (-0.62, 1.35), (0.75, 1.4)):
        room.shadow(x + 0.02, z, (0.06, 0.02))
        for size, off, tone in ((8, 0, 0.6), (6.5, 1, 0.8), (4.5, 2, 1.0), (1.2, 4, 1.7)):
            room.panel((x - (size + off) / 100, x + (size - off) / 100),
                       ((8 - size + off) / 100, (8 + size + off) / 100), z,
                       (200, 40, 28), tone, size / 100)
