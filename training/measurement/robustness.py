# SPDX-License-Identifier: Apache-2.0
"""What a model loses when something happens to its images: the record of it, and its text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from training.data.samples import FIRE, labels_of, Sample
from training.markdown import markdown_table
from training.measurement.corruptions import CORRUPTIONS, UNCHANGED
from training.measurement.evaluation import estimate_text, left_out_text, split_text
from training.measurement.intervals import (
    effective_size,
    Estimate,
    Figures,
    figures,
    resamples,
    TAIL,
    wilson,
)

# Points of balanced accuracy; more than this is called too much.
TOLERATED_LOSS = 0.1
COLUMNS = {'recall': 'recall', 'false_alarm_rate': 'false alarms',
           'balanced_accuracy': 'balanced accuracy', 'roc_auc': 'ROC AUC'}


@dataclass(frozen=True)
class Row:
    """
    What was measured of images to which one thing has happened.

    :ivar figures: what was measured.
    :ivar lost: balanced accuracy that the unchanged images have more, with the interval of this
        difference; None for themselves, and with images of one label.
    """

    figures: Figures
    lost: Estimate | None


@dataclass(frozen=True)
class Robustness:
    """
    What was measured of a model, on which images.

    :ivar command: the command line that measured it.
    :ivar model: the model's path, as the command line had it.
    :ivar model_sha256: SHA-256 of the file, or of the listing of a folder's files, in hexadecimal.
    :ivar data: the folder of the images, absolute.
    :ivar sources: the sources that were chosen; empty for all.
    :ivar split: a member of SPLITS, or ALL.
    :ivar threshold: probability at or above which an image is called fire.
    :ivar rows: what was measured, for names of CORRUPTIONS, UNCHANGED first.
    :ivar unreadable: one message for each image that was left out.
    """

    command: str
    model: str
    model_sha256: str
    data: str
    sources: tuple[str, ...]
    split: str
    threshold: float
    rows: dict[str, Row]
    unreadable: tuple[str, ...]


def measure_rows(probabilities: Mapping[str, NDArray[np.floating]], samples: Sequence[Sample],
                 threshold: float) -> dict[str, Row]:
    """
    Measure the answers to images as they are, and after something has happened to them.

    :param probabilities: for names of CORRUPTIONS, among them UNCHANGED, fire probabilities of
        shape (len(samples),).
    :param samples: the images; at least one.
    :param threshold: probability at or above which an image is called fire.
    """
    fire = labels_of(samples) == FIRE
    groups = np.array([sample.group for sample in samples])
    right = {name: (found >= threshold) == fire for name, found in probabilities.items()}
    return {name: Row(figures(found, fire, groups, threshold),
                      None if name == UNCHANGED else
                      loss(right[UNCHANGED], right[name], fire, groups))
            for name, found in probabilities.items()}


def loss(before: NDArray[np.bool_], after: NDArray[np.bool_], fire: NDArray[np.bool_],
         groups: NDArray[np.str_]) -> Estimate | None:
    """
    Return how much balanced accuracy is lost on the same images.

    The interval is that of the difference, by the bootstrap over groups: it is narrower than
    those of the two figures suggest, since most images are called alike both times.

    :param before: shape (images,), whether each image was called right.
    :param after: the same, after something has happened to them.
    :param fire: shape (images,), whether each image shows fire.
    :param groups: shape (images,), the name of each image's group.
    :return: the difference, above 0 for a loss; None with images of one label.
    """
    if fire.all() or not fire.any():
        return None
    change: NDArray[np.float64] = before.astype(np.float64) - after
    value = _balanced(change, fire)
    found = [_balanced(change[drawn], fire[drawn]) for drawn in resamples(groups)
             if 0 < fire[drawn].sum() < len(drawn)]
    low, high = np.quantile(found or [value], (TAIL, 1 - TAIL)).tolist()
    if low == high:
        # All agree, which does not prove that others would: as a share of 0 has an interval.
        reach = sum(wilson(0.0, effective_size(groups[mask])).high for mask in (fire, ~fire)) / 2
        low, high = max(-1.0, value - reach), min(1.0, value + reach)
    return Estimate(value, low, high)


def _balanced(change: NDArray[np.float64], fire: NDArray[np.bool_]) -> float:
    return float(change[fire].mean() + change[~fire].mean()) / 2


def robustness_table(rows: Mapping[str, Row]) -> str:
    """Lay out what was measured, and what is lost against the unchanged images."""
    return markdown_table(['images', *COLUMNS.values(), 'points lost'], [
        [name_of(name), *(estimate_text(row.figures.estimates[column]) for column in COLUMNS),
         _points_text(row.lost)]
        for name, row in rows.items()])


def name_of(name: str) -> str:
    """Explain what has happened to images, and how much of it."""
    found = CORRUPTIONS[name]
    return f'{found.title}: {found.detail}' if found.detail else found.title


def _points_text(lost: Estimate | None) -> str:
    if lost is None:
        return '-'
    value, low, high = (f'{100 * number + 0:.1f}' for number in (lost.value, lost.low, lost.high))
    return f'{value} ({low} to {high})'


def verdict(rows: Mapping[str, Row]) -> str:
    """Name in one sentence what the model cannot take, and which of its mistakes it makes then."""
    if all(row.lost is None for row in rows.values()):
        return ('The images are of one label, so that what it cannot take does not follow '
                'from them.')
    named = list(_too_much(rows))
    limit = f'{100 * TOLERATED_LOSS:g} points of balanced accuracy'
    if not named:
        return f'Nothing of this costs more than {limit}.'
    return f'More than {limit} are lost, the worst first, to: {"; ".join(named)}.'


def _too_much(rows: Mapping[str, Row]) -> Iterator[str]:
    """Name what costs too much, the worst first, and the rate that suffers most from it."""
    before = rows[UNCHANGED]
    losses = {name: row.lost.value for name, row in rows.items()
              if row.lost is not None and row.lost.value > TOLERATED_LOSS}
    for name in sorted(losses, key=lambda name: -losses[name]):
        recall, alarms = ((_value(before, rate), _value(rows[name], rate))
                          for rate in ('recall', 'false_alarm_rate'))
        misses_more = recall[0] - recall[1] >= alarms[1] - alarms[0]
        words, (old, new) = (('recall falls', recall) if misses_more
                             else ('false alarms rise', alarms))
        yield f'{CORRUPTIONS[name].title} ({words} from {old:.3f} to {new:.3f})'


def _value(row: Row, name: str) -> float:
    estimate = row.figures.estimates[name]
    return math.nan if estimate is None else estimate.value


def summary(found: Robustness) -> str:
    """Write the results for people, without a heading."""
    figures_of = found.rows[UNCHANGED].figures
    split, left_out = split_text(found.split, found.sources), left_out_text(found.unreadable)
    return '\n\n'.join((
        f'{figures_of.fire} images of fire and {figures_of.nofire} without, of {split}, as they '
        'are and after what may happen to the camera of a robot; called fire at a probability of '
        f'{found.threshold:g} or more.{left_out}',
        robustness_table(found.rows), verdict(found.rows),
        'Points lost are hundredths of balanced accuracy, against the images as they are. In '
        'brackets, 95 % intervals that count the images of one group as one; that of the loss '
        'is of the difference on the same images.'))
