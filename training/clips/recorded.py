# SPDX-License-Identifier: Apache-2.0
"""Clips that are not made from stills: recorded videos, and the rendered room."""

from collections.abc import Iterator, Mapping, Sequence
import functools
from pathlib import Path
from types import MappingProxyType

from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import is_video, read_video
from fire_detector.scene.scene import DURATION, PHASES, SyntheticScene
import numpy as np
from training.clips.camera import HEIGHT, WIDTH
from training.clips.clip import Clip, ClipFrame, FIRE_KIND
from training.data.samples import LEFT_OUT

VIDEO_FOLDER = 'video'
VIDEO_SOURCE, RENDERED_KIND = 'video', 'rendered room'
# What a video shows in every frame, or nearly every one, by the first or last word of its name.
SHOWS = {'fire': 'fire', 'nofire': 'nofire', 'candle': 'benign_flame', 'benign': 'benign_flame'}


def recorded_clips(folders: Sequence[Path], fps: float,
                   corrections: Mapping[Path, str] = MappingProxyType({})) -> list[Clip]:
    """
    Return the videos in data folders whose names begin or end with one of the words of SHOWS.

    :param corrections: what some of them show in truth, one of KINDS or LEFT_OUT, by path.
    :return: clips whose kind is one of KINDS; nobody wants an alarm for any but `fire`.
    """
    clips = []
    for path in (path for folder in folders for path in sorted((folder / VIDEO_FOLDER).glob('*'))):
        words = path.stem.lower().split('_')
        named = next((SHOWS[word] for word in (words[0], words[-1]) if word in SHOWS), None)
        kind = corrections.get(path, named)
        if is_video(path) and kind not in (None, LEFT_OUT):
            clips.append(Clip(path.stem, str(kind), VIDEO_SOURCE, path.stem, functools.partial(
                _thinned, path, float(kind == FIRE_KIND), fps)))
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
