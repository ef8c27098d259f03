# SPDX-License-Identifier: Apache-2.0
"""How much of the small fires a model finds, with and without looking at tiles."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fire_detector.model.tiling import ALL, combine, GRID, Grid, NONE, TURN
import numpy as np
from numpy.typing import NDArray
from training.data.boxes import Box, share_covered
from training.data.samples import FIRE, labels_of, Sample
from training.measurement.intervals import effective_size, Estimate, wilson

# Of the share of the image that the boxes around the fire cover; an edge belongs to the larger.
EDGES = (0.01, 0.05, 0.2)
SIZES = ('under 1 %', '1 to 5 %', '5 to 20 %', 'over 20 %')
NO_BOXES = 'no boxes'
ANY = 'all'
FALSE_ALARM_LIMIT = 0.02
OTHER_GRIDS = (Grid(2, 2, 0.6), Grid(2, 3, 0.6))


@dataclass(frozen=True)
class Recalls:
    """
    What a threshold finds.

    :ivar threshold: probability at or above which an image is called fire; None where nothing
        may be called.
    :ivar recall: of each of SIZES, NO_BOXES and ANY; None where there are no such images.
    :ivar false_alarm_rate: None where no image is without fire.
    """

    threshold: float | None
    recall: dict[str, Estimate | None]
    false_alarm_rate: Estimate | None


@dataclass(frozen=True)
class Way:
    """
    What one way of looking at images finds.

    :ivar name: of the way, one of TILE_MODES or a description.
    :ivar own: at the model's threshold.
    :ivar equal: at the threshold that keeps to FALSE_ALARM_LIMIT in this way; None where no
        image is without fire.
    """

    name: str
    own: Recalls
    equal: Recalls | None


@dataclass(frozen=True)
class Images:
    """
    What is known of the images that were looked at.

    :ivar groups: shape (images,), the name of each image's group.
    :ivar sizes: shape (images,), one of SIZES or NO_BOXES for a fire, and '' for none.
    """

    groups: NDArray[np.str_]
    sizes: NDArray[np.str_]

    def counts(self) -> dict[str, int]:
        """Count the fires of each of SIZES, NO_BOXES and ANY."""
        return {name: int(self.of_size(name).sum()) for name in (*SIZES, NO_BOXES, ANY)}

    def of_size(self, name: str) -> NDArray[np.bool_]:
        """Return which images show a fire of one of SIZES, NO_BOXES or ANY."""
        return np.asarray(self.sizes != '' if name == ANY else self.sizes == name)

    @property
    def calm(self) -> NDArray[np.bool_]:
        """Return which images show no fire."""
        return np.asarray(self.sizes == '')


def size_of_fire(boxes: tuple[Box, ...]) -> str:
    """Return one of SIZES for the boxes around an image's fire, or NO_BOXES."""
    if not boxes:
        return NO_BOXES
    return SIZES[int(np.searchsorted(EDGES, share_covered(boxes), side='right'))]


def describe(samples: Sequence[Sample], boxes: Mapping[Path, tuple[Box, ...]]) -> Images:
    """
    Return what is known of images.

    :param samples: the images.
    :param boxes: the boxes around their fires, by the image's path, where they are known.
    """
    return Images(
        np.array([sample.group for sample in samples]),
        np.array([size_of_fire(boxes.get(sample.path, ())) if label == FIRE else ''
                  for sample, label in zip(samples, labels_of(samples), strict=True)]))


def node_ways(whole: NDArray[np.float64], tiles: NDArray[np.float64], images: Images,
              threshold: float) -> tuple[Way, ...]:
    """
    Measure each of TILE_MODES, as the node has them.

    'turn' is measured on an image's first moment, when one of its tiles has been looked at:
    each tile with the same chance. Once all have been, its answers are those of 'all'.

    :param whole: shape (images,), the probability of each image, 0..1.
    :param tiles: shape (images, GRID.size), those of its tiles.
    :param images: what is known of them.
    :param threshold: the model's own.
    """
    in_turn = np.array([[combine(one, [part]) for part in parts]
                        for one, parts in zip(whole, tiles, strict=True)])
    answers = {NONE: whole[:, np.newaxis], TURN: in_turn, ALL: _combined(whole, tiles, combine)}
    return tuple(_way(name, found, images, threshold) for name, found in answers.items())


def other_ways(whole: NDArray[np.float64], tiles: dict[Grid, NDArray[np.float64]],
               images: Images, threshold: float) -> tuple[Way, ...]:
    """
    Measure other grids, and other ways to make one probability of several, with all tiles.

    :param whole: shape (images,), the probability of each image, 0..1.
    :param tiles: for each grid those of its tiles, of shape (images, grid.size).
    :param images: what is known of them.
    :param threshold: the model's own.
    """
    return tuple(_way(f'{grid}, {name}', _combined(whole, found, rule), images, threshold)
                 for grid, found in tiles.items() for name, rule in COMBINATIONS.items())


def recalls(answers: NDArray[np.float64], images: Images, threshold: float | None) -> Recalls:
    """
    Measure what a threshold finds.

    :param answers: shape (images, looks), 0..1: what may be answered about each image, each
        with the same chance.
    :param images: what is known of them.
    :param threshold: probability at or above which an image is called fire; None for never.
    """
    called = np.full(answers.shape, False) if threshold is None else answers >= threshold

    def rate(chosen: NDArray[np.bool_]) -> Estimate | None:
        if not chosen.any():
            return None
        return wilson(float(called[chosen].mean()), effective_size(images.groups[chosen]))

    return Recalls(threshold, {name: rate(images.of_size(name)) for name in
                               (*SIZES, NO_BOXES, ANY)}, rate(images.calm))


def threshold_within(answers: NDArray[np.float64], calm: NDArray[np.bool_],
                     limit: float) -> float | None:
    """
    Find the smallest of the answers that is a threshold with few enough false alarms.

    :param answers: shape (images, looks), 0..1.
    :param calm: shape (images,), which images show no fire; at least one does not.
    :param limit: share of the answers about those that may be false alarms, below 1.
    :return: the threshold; None when even the largest answer is none.
    """
    alarms = np.sort(answers[calm], axis=None)[::-1]
    # The first that may not be called; 0.02 * 50 may be a little less than 1.
    barred = alarms[int(limit * len(alarms) + 1e-9)]
    allowed = answers[answers > barred]
    return float(allowed.min()) if allowed.size else None


def largest(whole: float, tiles: Sequence[float]) -> float:
    """Return the largest of the probabilities of an image and its tiles."""
    return max(whole, *tiles)


def mean_odds(whole: float, tiles: Sequence[float]) -> float:
    """Return the probability whose odds are the geometric mean of whole and largest tile's."""
    odds = [one / (1 - one) for one in np.clip([whole, max(tiles)], 1e-6, 1 - 1e-6).tolist()]
    mean = float(np.sqrt(odds[0] * odds[1]))
    return mean / (1 + mean)


COMBINATIONS = {'largest of all': largest, 'mean of whole and largest tile': combine,
                'mean odds of both': mean_odds}


def compared_grids() -> tuple[Grid, ...]:
    """List the node's grid and others."""
    return (GRID, *OTHER_GRIDS)


def _combined(whole: NDArray[np.float64], tiles: NDArray[np.float64],
              rule: Callable[[float, Sequence[float]], float]) -> NDArray[np.float64]:
    """Make one answer about each image, as an array of shape (images, 1)."""
    return np.array([[rule(one, parts)] for one, parts in
                     zip(whole.tolist(), tiles.tolist(), strict=True)])


def _way(name: str, answers: NDArray[np.float64], images: Images, threshold: float) -> Way:
    equal = None
    if images.calm.any():
        equal = recalls(answers, images,
                        threshold_within(answers, images.calm, FALSE_ALARM_LIMIT))
    return Way(name, recalls(answers, images, threshold), equal)
