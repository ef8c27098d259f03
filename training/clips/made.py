# SPDX-License-Identifier: Apache-2.0
"""
Make clips from still images, as a small camera on a robot would film them.

The same stills, seed and frame rate make the same frames.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
import functools
import itertools
import math
from pathlib import Path

from fire_detector.images.color_image import ColorImage
import numpy as np
from numpy.typing import NDArray
from training.clips import camera, disturbances
from training.clips.clip import Clip, ClipFrame, FIRE_KIND
from training.clips.disturbances import FLICKER, SUNSET
from training.data.boxes import Box
from training.data.samples import FIRE, Sample

STEADY, RED_LAMP, ODD_FRAMES = 'steady', 'red lamp', 'odd frames'
NOFIRE_KINDS = (STEADY, FLICKER, SUNSET, RED_LAMP, ODD_FRAMES)
# Images of skies, where there is a source of them, for a sunset to happen in.
SUNSET_SOURCE = 'weather'
NOFIRE_SECONDS = 10.0
FIRE_SECONDS, AFTER_SECONDS = 5.0, 4.0
BEFORE_SECONDS = (2.0, 4.0)
TURN_SECONDS = 0.6
# Of all frames, and of the starts of a second in which several in a row are lost.
LOST_SHARE, BURSTS_A_SECOND, BURST_SECONDS = 0.02, 0.08, (0.3, 1.0)
ODD_FRAMES_A_SECOND = 0.5


@dataclass(frozen=True)
class Scene:
    """
    A still in a clip.

    :ivar boxes: where its fire is; empty where that is not known, None without fire.
    :ivar seconds: how long the camera looks at it.
    :ivar turn: how long the camera takes to turn here from the scene before; 0 for a cut.
    """

    sample: Sample
    boxes: tuple[Box, ...] | None
    seconds: float
    turn: float = 0.0


def fire_clips(samples: Sequence[Sample], boxes: Mapping[Path, tuple[Box, ...]], count: int,
               fps: float, seed: int) -> list[Clip]:
    """
    Plan clips in which the camera meets a fire and leaves it again.

    Each shows a scene without fire for some seconds, cuts or turns to a fire, and goes back.

    :param samples: stills of both labels, of one split.
    :param boxes: where the fires are, as far as that is known.
    :param count: number of clips, at most that of the stills of fire.
    """
    rng = np.random.default_rng((seed, 0))
    fires = _spread([sample for sample in samples if sample.label == FIRE], rng)[:count]
    others = itertools.cycle(
        _spread([sample for sample in samples if sample.label != FIRE], rng))
    clips = []
    for number, fire in enumerate(fires):
        other, turn = next(others), TURN_SECONDS * (number % 2)
        scenes = (Scene(other, None, float(rng.uniform(*BEFORE_SECONDS))),
                  Scene(fire, boxes.get(fire.path, ()), FIRE_SECONDS, turn),
                  Scene(other, None, AFTER_SECONDS, turn))
        frames = functools.partial(film_scenes, scenes, FIRE_KIND, fps, (seed, 1, number))
        clips.append(Clip(f'{FIRE_KIND} {number}', FIRE_KIND, fire.source, fire.group, frames))
    return clips


def nofire_clips(samples: Sequence[Sample], seconds: float, fps: float, seed: int) -> list[Clip]:
    """
    Plan clips without fire, disturbed in each way of NOFIRE_KINDS in turn.

    :param samples: stills of both labels, of one split.
    :param seconds: how long the clips are together; rounded up to a whole clip.
    """
    rng = np.random.default_rng((seed, 2))
    stills = [sample for sample in samples if sample.label != FIRE]
    skies = [sample for sample in stills if sample.source == SUNSET_SOURCE] or stills
    next_stills, next_skies = (itertools.cycle(_spread(chosen, rng)) for chosen in (stills, skies))
    clips = []
    for number in range(math.ceil(seconds / NOFIRE_SECONDS)):
        kind = NOFIRE_KINDS[number % len(NOFIRE_KINDS)]
        sample = next(next_skies if kind == SUNSET else next_stills)
        frames = functools.partial(film_scenes, (Scene(sample, None, NOFIRE_SECONDS),), kind, fps,
                                   (seed, 3, number))
        clips.append(Clip(f'{kind} {number}', kind, sample.source, sample.group, frames))
    return clips


def _spread(samples: Sequence[Sample], rng: np.random.Generator) -> list[Sample]:
    """Shuffle samples so that each group is there once before one is there again."""
    seen: dict[str, int] = {}
    ranked = []
    for index in rng.permutation(len(samples)).tolist():
        rank = seen[samples[index].group] = seen.get(samples[index].group, -1) + 1
        ranked.append((rank, samples[index]))
    return [sample for _, sample in sorted(ranked, key=lambda pair: pair[0])]


@dataclass(frozen=True)
class _Shot:
    """A still, and the changes of camera and light over it."""

    scene: Scene
    still: NDArray[np.uint8]
    move: camera.Move
    light: disturbances.Light
    lamp: disturbances.Lamp | None

    def frame(self, time: float) -> NDArray[np.uint8]:
        """Return what the camera sees at a time in seconds since the shot's start."""
        still = self.lamp.scene if self.lamp is not None and self.lamp.is_on(time) else self.still
        return disturbances.expose(camera.film_view(still, self.move.view(time)),
                                   self.light.gains(time))


def film_scenes(scenes: Sequence[Scene], kind: str, fps: float,
                seed: tuple[int, ...]) -> Iterator[ClipFrame]:
    """
    Yield the frames of scenes, one scene after the other.

    :param scenes: at least one.
    :param fps: frames a second; lost ones leave a gap.
    :return: frames of camera.WIDTH x HEIGHT, the first at time 0.
    :raises ImageFileError: when a still cannot be read.
    """
    rng = np.random.default_rng(seed)
    shots = [_plan_shot(scene, kind, rng, first=index == 0)
             for index, scene in enumerate(scenes)]
    grain = camera.GRAIN_LEVELS[rng.integers(len(camera.GRAIN_LEVELS))]
    times = np.arange(round(fps * sum(scene.seconds for scene in scenes))) / fps
    kept = _choose_kept(times, rng)
    starts = [0.0, *itertools.accumulate(scene.seconds for scene in scenes)]
    for time in times[kept].tolist():
        number = max(index for index in range(len(shots)) if starts[index] <= time)
        frame, fire_share = _through_turn(shots, number, time - starts[number])
        if kind == ODD_FRAMES and rng.random() < ODD_FRAMES_A_SECOND / fps:
            frame = disturbances.spoil(frame, rng)
        yield ClipFrame(time, fire_share, ColorImage(camera.add_grain(frame, grain, rng), 'BGR'))


def _plan_shot(scene: Scene, kind: str, rng: np.random.Generator, first: bool) -> _Shot:
    still = camera.read_still(scene.sample.path)
    # A camera that was set to another scene starts with the wrong exposure.
    step = None if first else math.exp(float(rng.uniform(-0.4, 0.4)))
    return _Shot(scene, still, camera.plan_move(still, scene.boxes, rng),
                 disturbances.plan_light(kind, scene.seconds, rng, step),
                 disturbances.plan_lamp(still, rng) if kind == RED_LAMP else None)


def _through_turn(shots: Sequence[_Shot], number: int,
                  time: float) -> tuple[NDArray[np.uint8], float]:
    """Return the frame at a time since a shot's start, and its share that is of a fire."""
    shot = shots[number]
    frame, fire = shot.frame(time), float(shot.scene.sample.label == FIRE)
    if number == 0 or time >= shot.scene.turn:
        return frame, fire
    before = shots[number - 1]
    progress = 0.5 - 0.5 * math.cos(math.pi * time / shot.scene.turn)
    column = round(progress * camera.WIDTH)
    both = np.concatenate((before.frame(before.scene.seconds + time)[:, column:],
                           frame[:, :column]), axis=1)
    return both, fire * progress + float(before.scene.sample.label == FIRE) * (1 - progress)


def _choose_kept(times: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose the frames that arrive: some are lost alone, some in bursts; never the first."""
    kept = rng.random(len(times)) >= LOST_SHARE
    for start in rng.uniform(0, times[-1], rng.poisson(BURSTS_A_SECOND * times[-1])):
        kept &= (times < start) | (times >= start + rng.uniform(*BURST_SECONDS))
    kept[0] = True
    return np.asarray(kept, np.bool_)
