# SPDX-License-Identifier: Apache-2.0
"""Clips that are not made from stills: recorded videos, and the rendered room."""

from collections.abc import Iterator
import functools
from pathlib import Path

from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import is_video, read_video
from fire_detector.scene.scene import DURATION, PHASES, SyntheticScene
import numpy as np
from training.clips.camera import HEIGHT, WIDTH
from training.clips.clip import Clip, ClipFrame

VIDEO_FOLDER = 'video'
VIDEO_KIND, RENDERED_KIND = 'video', 'rendered room'
# How the name of a video ends that shows fire in every frame, or in none.
ENDINGS = {'_fire': 1.0, '_nofire': 0.0}


def recorded_clips(data: Path, fps: float) -> list[Clip]:
    """Return the videos in a data folder whose names end in one of ENDINGS."""
    clips = []
    for path in sorted((data / VIDEO_FOLDER).glob('*')):
        for ending, fire_share in ENDINGS.items():
            if is_video(path) and path.stem.endswith(ending):
                clips.append(Clip(path.stem, VIDEO_KIND, VIDEO_KIND, path.stem,
                                  functools.partial(_thinned, path, fire_share, fps)))
    return clips


def _thinned(path: Path, fire_share: float, fps: float) -> Iterator[ClipFrame]:
    taken = -1
    for frame in read_video(path):
        # The frame a slower camera would have taken: the first in each of its intervals.
        time = frame.stamp / 1e9
        interval = int(time * fps + 1e-6)
        if interval > taken:
            taken = interval
            yield ClipFrame(time, fire_share, frame.image)


def rendered_clip(fps: float, seed: int) -> Clip:
    """Return the clip of the rendered room, in which a fire grows and dies."""
    return Clip(RENDERED_KIND, RENDERED_KIND, RENDERED_KIND, RENDERED_KIND,
                functools.partial(_rendered, fps, seed))


def _rendered(fps: float, seed: int) -> Iterator[ClipFrame]:
    scene = SyntheticScene(WIDTH, HEIGHT, seed)
    for time in (np.arange(round(DURATION * fps)) / fps).tolist():
        phase = next(phase for phase in PHASES if time < phase.end)
        yield ClipFrame(time, float(phase.fire), ColorImage(scene.render(time), 'RGB'))
