# SPDX-License-Identifier: Apache-2.0
"""
Render a room with a fire, and with things that only look like one, to try a robot safely.

The still room is painted once for each phase; a frame adds flames, smoke, firelight and sensor
noise. Flames are torn turbulence that rises, rendered small and scaled up, because the camera
shares its processor with the node it feeds.

Scene coordinates are in frame heights: x to the right of the middle, y down from the top. The
scene is composed for 4:3 and cropped to other shapes.
"""

from dataclasses import dataclass
import math
from typing import Any

import cv2
from fire_detector.scene.room import (
    falloff,
    paint_still,
    Pixels,
    scene_grid,
    TILE,
    to_bytes,
    turbulence,
)
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Phase:
    """A stretch of the timeline, in seconds from start up to end, with or without fire."""

    name: str
    start: float
    end: float
    fire: bool


PHASES = (
    Phase('calm room', 0.0, 4.0, False),
    Phase('fire grows', 4.0, 9.0, True),
    Phase('full fire', 9.0, 16.0, True),
    Phase('fire dies', 16.0, 20.0, True),
    Phase('burnt out', 20.0, 23.0, False),
    Phase('warm lamp', 23.0, 28.0, False),
    Phase('sunset', 28.0, 33.0, False),
    Phase('red things', 33.0, 38.0, False),
    Phase('calm again', 38.0, 40.0, False),
)
DURATION = PHASES[-1].end
MIN_SIZE = 64

_EFFECT_PIXELS = 320 * 240  # flames are soft: more only costs time
# What a camera exposed for the room makes of heat 0..1: color and opacity.
_HEAT = (0.0, 0.10, 0.28, 0.5, 0.72, 1.0)
_RED = (70, 150, 240, 255, 255, 255)
_GREEN = (8, 30, 95, 170, 226, 252)
_BLUE = (0, 2, 8, 32, 110, 226)
_OPACITY = (0.0, 0.30, 0.72, 0.92, 1.0, 1.0)


class SyntheticScene:
    """The room at any time; the same seed, size and time give the same frame."""

    def __init__(self, width: int = 640, height: int = 480, seed: int = 0) -> None:
        """
        Paint the still images and prepare the noise, so that a frame costs little.

        :param width: frame width in pixels, from 64 on.
        :param height: frame height in pixels, from 64 on.
        :param seed: seeds textures, flames and sensor noise, from 0 on.
        :raises ValueError: a size is not a whole number from 64 on.
        """
        for name, value in (('width', width), ('height', height)):
            if not isinstance(value, int) or value < MIN_SIZE:
                raise ValueError(f'{name} is {value!r}, expected a whole number of pixels '
                                 f'from {MIN_SIZE} on')
        rng = np.random.default_rng(seed)
        self._seed, self._shape = seed, (height, width)
        self._stills = {phase.name: paint_still(phase.name, width, height, seed)
                        for phase in PHASES}
        self._flames = _Flames(width, height, rng)
        padded = (height + MIN_SIZE, width + MIN_SIZE)
        noise = 2.0 * rng.standard_normal((*padded, 1)) + 1.5 * rng.standard_normal((*padded, 3))
        self._grain = to_bytes(noise), to_bytes(-noise)

    def render(self, time: float) -> Pixels:
        """
        Render the camera's frame.

        :param time: seconds since the start, told apart by the millisecond; wraps around.
        :return: (height, width, 3) uint8 RGB.
        :raises ValueError: time is not finite.
        """
        if not math.isfinite(time):
            raise ValueError(f'time is {time!r}, expected a finite number of seconds')
        tick = round(time * 1000) % round(DURATION * 1000)
        now = tick / 1000
        phase = next(phase for phase in PHASES if now < phase.end)
        frame = self._stills[phase.name]
        if phase.fire:
            charred = float(np.interp(now, (7, 15), (0, 1)))
            room = cv2.addWeighted(self._stills['burnt out'], charred, frame, 1 - charred, 0)
            frame = self._flames.over(room, now)
        left, top = np.random.default_rng((self._seed, tick)).integers(0, MIN_SIZE, 2)
        window = (slice(top, top + self._shape[0]), slice(left, left + self._shape[1]))
        brighter, darker = (texture[window] for texture in self._grain)
        return np.asarray(cv2.subtract(cv2.add(frame, brighter), darker), np.uint8)


def _fire_size(now: float) -> float:
    """Compute how grown the fire is, 0..1."""
    return float(np.interp(now, (4.0, 5.5, 9.0, 16.0, 19.0, 20.0), (0.1, 0.25, 1, 1, 0.25, 0.08)))


def _flicker(now: float) -> float:
    """Compute the fire's brightness about 1: breathing, puffs near 2.6 Hz and jitter."""
    waves = ((1.1, 0.06, 0.0), (2.6, 0.09, 1.3), (4.3, 0.05, 4.1), (7.9, 0.04, 2.2))
    return 1 + sum(size * math.sin(math.tau * hertz * now + lag) for hertz, size, lag in waves)


class _Flames:
    """The flames, smoke and firelight over an image of the still room."""

    def __init__(self, width: int, height: int, rng: np.random.Generator) -> None:
        shrink = max(1.0, math.sqrt(width * height / _EFFECT_PIXELS))
        self._size = (width, height)
        self._small = (round(width / shrink), round(height / shrink))
        self._tiny = (math.ceil(self._small[0] / 4), math.ceil(self._small[1] / 4))
        self._per_unit = max(height, 0.75 * width) / shrink  # small pixels a scene unit
        self._x, self._y = scene_grid(self._small, width, height)
        self._sway = cv2.merge([turbulence(rng, 2.4, 1.0, 2) for _ in range(2)])
        self._tongues = turbulence(rng, 1.55, 3.0, 6)
        self._smoke = turbulence(rng, 1.8, 0.8, 3)
        self._reached = falloff(*scene_grid(self._tiny, width, height), (0.02, 0.5), (0.32, 0.3))
        heat = np.linspace(0, 1, 256)
        opacity = np.interp(heat, _HEAT, _OPACITY)
        colors = [np.interp(heat, _HEAT, channel) * opacity for channel in (_RED, _GREEN, _BLUE)]
        self._glow_of_heat = to_bytes(np.stack(colors, -1)[:, np.newaxis])
        self._seen_through_heat = to_bytes(255 * (1 - opacity))

    def over(self, room: NDArray[Any], now: float) -> Pixels:
        """
        Add the fire to the room.

        :param room: (height, width, 3) uint8 RGB.
        :param now: seconds since the start of the timeline.
        :return: (height, width, 3) uint8 RGB.
        """
        size, flicker = _fire_size(now), _flicker(now)
        heat = self._heat(size, flicker, now)
        gain, haze = self._light_and_smoke(heat, size, flicker, now)
        seen = self._enlarge(cv2.LUT(heat, self._seen_through_heat))
        flames = self._enlarge(cv2.applyColorMap(heat, self._glow_of_heat))
        frame = cv2.add(cv2.multiply(room, self._enlarge(gain), scale=1 / 64), self._enlarge(haze))
        frame = cv2.multiply(frame, cv2.merge([seen, seen, seen]), scale=1 / 255)
        return np.asarray(cv2.add(frame, flames), np.uint8)

    def _enlarge(self, small: NDArray[Any]) -> NDArray[Any]:
        return cv2.resize(small, self._size, interpolation=cv2.INTER_LINEAR)

    def _drift(self, texture: NDArray[Any], zoom: float, left: float, top: float) -> NDArray[Any]:
        """Sample a texture evenly, zoom texels a scene unit, from a start in texels."""
        step = zoom / self._per_unit
        window = np.array([[step, 0, left % TILE], [0, step, top % TILE]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(texture, window, self._small, None, flags, cv2.BORDER_WRAP)

    def _heat(self, size: float, flicker: float, now: float) -> Pixels:
        """
        Return how hot each place looks, 0..255, on the small canvas.

        A hill of heat is torn by tall turbulence, which rises faster than the eddies that bend
        both. All of that grows with height, so that the foot stays whole and the top tears off.
        """
        half, tall = 0.07 + 0.19 * size, 0.16 + 0.42 * size
        up = (0.56 + 0.17 * size - self._y) / tall
        rise = np.clip(up, 0, 1.8)
        sway_x, sway_y = cv2.split(self._drift(self._sway, 70 / tall, 17, 80 * now))
        across = (self._x - 0.02) / half + 0.16 * rise * sway_x
        torn = np.zeros_like(across)
        for zoom, speed, share in ((1.0, 150, 0.30), (2.2, 240, 0.18)):
            map_x = 128 + zoom * 100 / tall * self._x + 9 * zoom * (0.3 + rise) * sway_x
            map_y = speed * now % TILE + zoom * 100 * (1.8 - rise**0.85) + 6 * sway_y
            torn += share * (0.8 + rise) * cv2.remap(self._tongues, map_x, map_y, cv2.INTER_LINEAR,
                                                     None, cv2.BORDER_WRAP)
        hill = 0.75 * flicker - across**2 * (0.9 + 0.5 * rise) - 0.66 * rise**2.2
        foot = np.clip(0.6 + 10 * up - across**2, 0, 1)
        return to_bytes(280 * (hill + torn) * foot)

    def _light_and_smoke(self, heat: Pixels, size: float, flicker: float,
                         now: float) -> tuple[Pixels, Pixels]:
        """Compute what to multiply the room by, in 64ths, and what to add to it."""
        coarse = cv2.resize(heat, self._tiny, interpolation=cv2.INTER_AREA)
        bloom = cv2.GaussianBlur(coarse.astype(np.float32), (0, 0), 0.012 * self._per_unit)
        billows = self._drift(self._smoke, 130, 90 + 9 * now, 60 * now)
        billows = np.clip((0.62 - self._y) * (0.8 + 0.25 * billows), 0, 1)
        smoke = size * cv2.resize(billows, self._tiny, interpolation=cv2.INTER_AREA)
        fire = 2.2 * size * flicker * self._reached
        dimmed = 1 - 0.85 * size  # the camera's exposure gives way to the fire
        gain = [np.sqrt(dimmed + share * fire) * (1 - smoke) for share in (1.0, 0.42, 0.12)]
        haze = [lit * bloom + smoke * (8 + gray * fire)
                for lit, gray in ((0.5, 75), (0.22, 40), (0.05, 18))]
        return to_bytes(64 * np.dstack(gain)), to_bytes(np.dstack(haze))
