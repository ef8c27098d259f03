# SPDX-License-Identifier: Apache-2.0
"""Clips: frames with the share of each that shows a fire, and predictions for them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fire_detector.images.color_image import ColorImage
from fire_detector.model.classifier import FireClassifier
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

FIRE_KIND = 'fire'
# How much of the fire's image has to be in view for a frame to count as showing the fire.
IN_VIEW = 0.5


@dataclass(frozen=True)
class ClipFrame:
    """
    One frame of a clip.

    :ivar time: seconds since the clip's start.
    :ivar fire_share: share of the frame that is of a scene with fire: 0 without fire, 1 where the
        camera sees nothing else, between while it turns there or away.
    """

    time: float
    fire_share: float
    image: ColorImage


@dataclass(frozen=True)
class Clip:
    """
    A clip, whose frames are made or read each time they are needed.

    :ivar name: its name, which no other clip has.
    :ivar kind: FIRE_KIND, or what disturbs a scene without fire; of a video what it shows.
    :ivar source: the collection that its image, or that of its fire, is from.
    :ivar group: the scene of the image; clips of one group are not independent.
    :ivar frames: yields the frames, in the order of time.
    """

    name: str
    kind: str
    source: str
    group: str
    frames: Callable[[], Iterator[ClipFrame]]


@dataclass(frozen=True)
class ClassifiedClip:
    """
    A clip and the predictions for its frames.

    :ivar stamps: shape (frames,), seconds, ascending; at least two frames.
    :ivar fire_share: shape (frames,), share of each frame that is of a scene with fire.
    :ivar probability: shape (frames,), 0..1.
    """

    clip: Clip
    stamps: NDArray[np.float64]
    fire_share: NDArray[np.float64]
    probability: NDArray[np.float64]


def classify_clips(model: Path, clips: Sequence[Clip]) -> list[ClassifiedClip]:
    """
    Classify every frame of clips by the node's own classifier.

    :param model: the .tflite file, with its contract.
    :raises ModelError: when the model cannot be used.
    :raises RuntimeUnavailableError: when no TFLite runtime can be imported.
    :raises InferenceError: when the model gives no probability.
    :raises ImageFileError: when a still or a video cannot be read.
    """
    classifier = FireClassifier(model)
    # disable=None: no bar where the output is not a terminal.
    return [ClassifiedClip(clip, *np.array([
        (frame.time, frame.fire_share, classifier.probability(frame.image))
        for frame in clip.frames()]).T)
        for clip in tqdm(clips, desc='classifying clips', disable=None)]
