# SPDX-License-Identifier: Apache-2.0
"""Choose the few images that a report shows, while all of them go by."""

from dataclasses import dataclass
import math

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.replay.records import CLEARED, DOUBTFUL, HIGHEST, Prediction, RAISED, Snapshot
import numpy as np
from numpy.typing import NDArray

MAX_WIDTH = 320
JPEG_QUALITY = 85
# Alarms whose images are kept, the first ones, and images of the other kinds.
MOST_EDGES, MOST_OTHERS = 8, 3
# Seconds that images of one kind lie apart: neighbors look alike.
SPACING = 2.0


@dataclass(frozen=True, eq=False)
class _Candidate:
    """An image that may be shown: the better one has the larger score."""

    score: float
    answer: Prediction
    pixels: NDArray[np.uint8]


class Album:
    """Keep the images of alarms, of the highest probabilities and of the most doubtful ones."""

    def __init__(self, threshold: float) -> None:
        """
        Begin empty.

        :param threshold: probability that is the most doubtful.
        """
        self._threshold = threshold
        self._edges: dict[str, list[_Candidate]] = {RAISED: [], CLEARED: []}
        self._others: dict[str, list[_Candidate]] = {HIGHEST: [], DOUBTFUL: []}
        self._alarm = False

    def add(self, answer: Prediction, image: ColorImage) -> None:
        """Look at an image that was answered, and keep a small copy of it where it matters."""
        assert answer.probability is not None
        if answer.alarm != self._alarm:
            self._alarm = answer.alarm
            kept = self._edges[RAISED if answer.alarm else CLEARED]
            if len(kept) < MOST_EDGES:
                kept.append(_Candidate(0.0, answer, _small(image)))
        self._consider(HIGHEST, answer.probability, answer, image)
        self._consider(DOUBTFUL, -abs(answer.probability - self._threshold), answer, image)

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return what was kept, in the order of the stamps."""
        kept = [(why, candidate) for why, candidates in (self._edges | self._others).items()
                for candidate in candidates]
        kept.sort(key=lambda one: one[1].answer.stamp)
        return tuple(Snapshot(one.answer, why, _jpeg(one.pixels)) for why, one in kept)

    def _consider(self, why: str, score: float, answer: Prediction, image: ColorImage) -> None:
        kept = self._others[why]
        near = [one for one in kept if abs(one.answer.stamp - answer.stamp) < SPACING]
        lowest = min((one.score for one in kept), default=-math.inf)
        if (any(one.score >= score for one in near)
                or (not near and len(kept) == MOST_OTHERS and score <= lowest)):
            return
        kept[:] = [one for one in kept if one not in near]
        kept.append(_Candidate(score, answer, _small(image)))
        kept.sort(key=lambda one: one.score, reverse=True)
        del kept[MOST_OTHERS:]


def _small(image: ColorImage) -> NDArray[np.uint8]:
    pixels = image.in_order('BGR')
    height, width = pixels.shape[:2]
    # A copy in any case: the pixels may be a view of the message.
    if width <= MAX_WIDTH:
        return np.array(pixels)
    size = MAX_WIDTH, max(1, round(height * MAX_WIDTH / width))
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), size,
                                 interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    _, encoded = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()
