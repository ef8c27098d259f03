# SPDX-License-Identifier: Apache-2.0
"""How good a detector's probabilities are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from training.samples import FIRE, labels_of, Sample


@dataclass(frozen=True)
class Metrics:
    """
    Hold how good a detector was on a set of pictures.

    :ivar fire: number of fire pictures.
    :ivar nofire: number of pictures without fire.
    :ivar accuracy: share of all pictures called right.
    :ivar recall: share of the fire pictures called fire; None without any.
    :ivar false_alarm_rate: share of the no-fire pictures called fire; None without any.
    :ivar roc_auc: chance that a fire picture scores above a no-fire one; None without both.
    """

    fire: int
    nofire: int
    accuracy: float
    recall: float | None
    false_alarm_rate: float | None
    roc_auc: float | None


def measure(probability: NDArray[np.floating], fire: NDArray[np.bool_],
            threshold: float = 0.5) -> Metrics:
    """
    Compare fire probabilities with the truth.

    :param probability: shape (pictures,), 0..1; at least one picture.
    :param fire: shape (pictures,), whether each picture shows fire.
    :param threshold: probability at or above which a picture is called fire.
    """
    called = probability >= threshold
    has_fire, has_nofire = bool(fire.any()), not fire.all()
    return Metrics(
        fire=int(fire.sum()),
        nofire=int((~fire).sum()),
        accuracy=float((called == fire).mean()),
        recall=float(called[fire].mean()) if has_fire else None,
        false_alarm_rate=float(called[~fire].mean()) if has_nofire else None,
        roc_auc=float(roc_auc_score(fire, probability)) if has_fire and has_nofire else None)


def measure_by_source(probability: NDArray[np.floating],
                      samples: Sequence[Sample]) -> dict[str, Metrics]:
    """
    Measure all pictures together, as 'overall', and those of each source.

    :param probability: shape (len(samples),), 0..1.
    :param samples: the pictures they belong to.
    """
    fire = labels_of(samples) == FIRE
    sources = np.array([sample.source for sample in samples])
    return {'overall': measure(probability, fire)} | {
        source: measure(probability[sources == source], fire[sources == source])
        for source in sorted(set(sources.tolist()))}


def format_table(by_source: dict[str, Metrics]) -> str:
    """Lay out the result of :func:`measure_by_source` as a Markdown table."""
    lines = ['| source | fire | no fire | accuracy | recall | false alarms | ROC AUC |',
             '|---|---|---|---|---|---|---|']
    for source, found in by_source.items():
        rates = ('-' if rate is None else f'{rate:.3f}' for rate in (
            found.accuracy, found.recall, found.false_alarm_rate, found.roc_auc))
        lines.append(f'| {source} | {found.fire} | {found.nofire} | {" | ".join(rates)} |')
    return '\n'.join(lines)
