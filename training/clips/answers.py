# SPDX-License-Identifier: Apache-2.0
"""What a model answers to the frames of clips."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fire_detector.model.classifier import FireClassifier
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from training.clips.clip import Clip


@dataclass(frozen=True)
class Answered:
    """
    A clip and what a model answered to its frames.

    :ivar clip: the clip.
    :ivar stamps: shape (frames,), seconds, ascending; at least two frames.
    :ivar shown: shape (frames,), share of each frame that is of a scene with fire.
    :ivar probability: shape (frames,), 0..1.
    """

    clip: Clip
    stamps: NDArray[np.float64]
    shown: NDArray[np.float64]
    probability: NDArray[np.float64]


def answer(model: Path, clips: Sequence[Clip]) -> list[Answered]:
    """
    Ask a model about every frame of clips, through the node's own classifier.

    :param model: the .tflite file, with its contract.
    :param clips: the clips.
    :raises ModelError: when the model cannot be used.
    :raises RuntimeUnavailableError: when no TFLite runtime can be imported.
    :raises InferenceError: when the model gives no probability.
    :raises ImageFileError: when a still or a video cannot be read.
    """
    classifier = FireClassifier(model)
    answers = []
    # disable=None: no bar where the output is not a terminal.
    for clip in tqdm(clips, desc='watching clips', disable=None):
        stamps, shown, probability = np.array([
            (frame.time, frame.shown, classifier.probability(frame.image))
            for frame in clip.frames()]).T
        answers.append(Answered(clip, stamps, shown, probability))
    return answers
