# SPDX-License-Identifier: Apache-2.0
"""Which answer is to which image, and how long it took."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
import itertools
import math


@dataclass(frozen=True)
class Answer:
    """
    An answer of a node.

    :ivar time: seconds, when it was published.
    :ivar probability: what it says.
    """

    time: float
    probability: float


def ages_in_order(stamps: Sequence[float], answers: Sequence[Answer]) -> list[float]:
    """
    Return how old each image was when it was answered, where each was.

    :param stamps: of the images, in seconds.
    :param answers: to the images, in their order.
    :return: seconds, one for each answer.
    :raises ValueError: when there are not as many answers as images.
    """
    if len(stamps) != len(answers):
        raise ValueError(f'{len(answers)} answers to {len(stamps)} images')
    return [answer.time - stamp for stamp, answer in zip(stamps, answers, strict=True)]


def ages_by_probability(stamps: Sequence[float], answers: Sequence[Answer],
                        probabilities: Sequence[float]) -> list[float]:
    """
    Return how old each answered image was, where some were passed over.

    The images are shown in turn, each known by the probability of its answer; an answer is to
    the newest image that it can be to.

    :param stamps: of the images, in seconds.
    :param answers: to some of them, in their order.
    :param probabilities: of the first images, until they come again; no two the same.
    :return: seconds, one for each answer.
    :raises ValueError: when an answer is to no image that was shown before.
    """
    ages, turn = [], len(probabilities)
    for answer in answers:
        which = min(range(turn),
                    key=lambda number: abs(probabilities[number] - answer.probability))
        newest = bisect_right(stamps, answer.time) - 1
        shown = newest - (newest - which) % turn
        if shown < 0:
            raise ValueError(f'probability {answer.probability} is that of image {which}, '
                             f'which was not shown before')
        ages.append(answer.time - stamps[shown])
    return ages


def smallest_difference(probabilities: Sequence[float]) -> float:
    """Return how far apart the closest two of several probabilities are."""
    ordered = sorted(probabilities)
    return min((after - before for before, after in itertools.pairwise(ordered)),
               default=math.inf)
