# SPDX-License-Identifier: Apache-2.0
"""Select the few images of a recording that a report shows, without keeping all of them."""

from dataclasses import dataclass

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.replay.records import CLEARED, DOUBTFUL, HIGHEST, Prediction, RAISED, Snapshot
import numpy as np
from numpy.typing import NDArray

MAX_WIDTH = 320
JPEG_QUALITY = 85
# Alarms whose images are kept, the first ones, and images of the other kinds.
MAX_ALARMS, MAX_OTHERS = 8, 3
# Seconds that images of one kind lie apart: neighbors look alike.
SPACING = 2.0


@dataclass(frozen=True, eq=False)
class _Candidate:
    """An image that may be shown; those with the largest scores are."""

    score: float
    prediction: Prediction
    pixels: NDArray[np.uint8]


class SnapshotSelector:
    """A selection of images: alarms, the highest probabilities and the most doubtful ones."""

    def __init__(self, threshold: float) -> None:
        """
        Begin with no image.

        :param threshold: probability that is the most doubtful.
        """
        self._threshold = threshold
        self._kept: dict[str, list[_Candidate]] = {
            RAISED: [], CLEARED: [], HIGHEST: [], DOUBTFUL: []}
        self._alarm = False

    def add(self, prediction: Prediction, image: ColorImage) -> None:
        """
        Keep a small copy of an image if it matters.

        :param prediction: for the image, which was not rejected.
        :param image: the image; it is not kept itself.
        """
        assert prediction.probability is not None
        if prediction.alarm != self._alarm:
            self._alarm = prediction.alarm
            kept = self._kept[RAISED if prediction.alarm else CLEARED]
            if len(kept) < MAX_ALARMS:
                kept.append(_Candidate(0.0, prediction, _small_copy(image)))
        self._consider(HIGHEST, prediction.probability, prediction, image)
        self._consider(DOUBTFUL, -abs(prediction.probability - self._threshold), prediction, image)

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return the images that were kept, in the order of the stamps."""
        kept = [(kind, candidate) for kind, candidates in self._kept.items()
                for candidate in candidates]
        kept.sort(key=lambda entry: entry[1].prediction.stamp)
        return tuple(Snapshot(candidate.prediction, kind, _jpeg(candidate.pixels))
                     for kind, candidate in kept)

    def _consider(self, kind: str, score: float, prediction: Prediction,
                  image: ColorImage) -> None:
        """Keep an image if its score is among the best, and above those of its neighbors."""
        kept = self._kept[kind]
        near = [other for other in kept
                if abs(other.prediction.stamp - prediction.stamp) < 1e9 * SPACING]
        # Candidates are sorted: the last one has the lowest score.
        if (any(other.score >= score for other in near)
                or (not near and len(kept) == MAX_OTHERS and score <= kept[-1].score)):
            return
        kept[:] = [other for other in kept if other not in near]
        kept.append(_Candidate(score, prediction, _small_copy(image)))
        kept.sort(key=lambda candidate: candidate.score, reverse=True)
        del kept[MAX_OTHERS:]


def _small_copy(image: ColorImage) -> NDArray[np.uint8]:
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
