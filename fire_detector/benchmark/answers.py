# SPDX-License-Identifier: Apache-2.0
"""Which answer is to which picture, and how long it took."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
import itertools
import math


@dataclass(frozen=True)
class Answer:
    """
    Hold an answer of a node.

    :ivar time: seconds, when it was published.
    :ivar probability: what it says.
    """

    time: float
    probability: float


def ages_in_order(stamps: Sequence[float], answers: Sequence[Answer]) -> list[float]:
    """
    Tell how old each picture was when it was answered, where each was.

    :param stamps: of the pictures, in seconds.
    :param answers: to the pictures, in their order.
    :return: seconds, one for each answer.
    :raises ValueError: when there are not as many answers as pictures.
    """
    if len(stamps) != len(answers):
        raise ValueError(f'{len(answers)} answers to {len(stamps)} pictures')
    return [answer.time - stamp for stamp, answer in zip(stamps, answers, strict=True)]


def ages_by_probability(stamps: Sequence[float], answers: Sequence[Answer],
                        probabilities: Sequence[float]) -> list[float]:
    """
    Tell how old each answered picture was, where some were passed over.

    The pictures are shown in turn, each known by the probability of its answer; an answer is to
    the newest picture that it can be to.

    :param stamps: of the pictures, in seconds.
    :param answers: to some of them, in their order.
    :param probabilities: of the first pictures, until they come again; no two the same.
    :return: seconds, one for each answer.
    :raises ValueError: when an answer is to no picture that was shown before.
    """
    ages, turn = [], len(probabilities)
    for answer in answers:
        which = min(range(turn),
                    key=lambda number: abs(probabilities[number] - answer.probability))
        newest = bisect_right(stamps, answer.time) - 1
        shown = newest - (newest - which) % turn
        if shown < 0:
            raise ValueError(f'probability {answer.probability} is that of picture {which}, '
                             f'which was not shown before')
        ages.append(answer.time - stamps[shown])
    return ages


def smallest_difference(probabilities: Sequence[float]) -> float:
    """Tell how far apart the closest two of several probabilities are."""
    ordered = sorted(probabilities)
    return min((after - before for before, after in itertools.pairwise(ordered)),
               default=math.inf)
