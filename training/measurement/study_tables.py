# SPDX-License-Identifier: Apache-2.0
"""What a study found: the figures of each recipe, their mean and spread over the seeds."""

from collections.abc import Mapping, Sequence
import csv
from dataclasses import dataclass
from pathlib import Path
import statistics
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve
from training.data.boxes import Box, read_boxes
from training.data.samples import FIRE, LABELS
from training.markdown import markdown_table
from training.measurement.metrics import last_within, measure, share_of
from training.measurement.small_fires import FALSE_ALARM_LIMIT, size_of_fire, SIZES

# The size of fires that is asked about apart.
SMALL = SIZES[1]
# The source whose images without fire look most like some.
HARD_SOURCE = 'cair'
HALF = 0.5


@dataclass(frozen=True)
class Finding:
    """
    What one training answers to the images of one split.

    :ivar split: 'test', or 'left_out' where sources were left out.
    :ivar files: the images.
    :ivar sources: shape (images,), their sources.
    :ivar fire: shape (images,), whether they show fire.
    :ivar probability: shape (images,), 0..1.
    """

    split: str
    files: tuple[Path, ...]
    sources: NDArray[np.str_]
    fire: NDArray[np.bool_]
    probability: NDArray[np.float64]


def read_finding(predictions: Path) -> Finding:
    """
    Read what a network answered to what was left out or, where nothing was, to `test`.

    :param predictions: the file that `training.train`, or `training.evaluate` for `test`, wrote.
    """
    with predictions.open(newline='', encoding='utf-8') as file:
        rows = [{'split': 'test'} | row for row in csv.DictReader(file)]
    split = 'left_out' if any(row['split'] == 'left_out' for row in rows) else 'test'
    chosen = [row for row in rows if row['split'] == split]
    return Finding(
        split, tuple(Path(row['file']) for row in chosen),
        np.array([row['source'] for row in chosen]),
        np.array([row['label'] == LABELS[FIRE] for row in chosen]),
        np.array([float(row['probability']) for row in chosen]))


def figures(finding: Finding, boxes: Mapping[Path, tuple[Box, ...]]) -> dict[str, float | None]:
    """
    Measure one training.

    :param finding: its answers.
    :param boxes: where the fire is, by image.
    :return: figures by name; None for what cannot be measured on these images. Of those that
        need a threshold, this is a half where nothing else is said.
    """
    probability, fire = finding.probability, finding.fire
    found = measure(probability, fire)
    hard = finding.sources == HARD_SOURCE
    small = np.array([size_of_fire(boxes.get(path, ())) == SMALL for path in finding.files])
    false_alarms, recalls, thresholds = roc_curve(fire, probability, drop_intermediate=False)
    last = last_within(false_alarms, FALSE_ALARM_LIMIT)
    return {
        'balanced accuracy': found.balanced_accuracy,
        'ROC AUC': found.roc_auc,
        f'on {HARD_SOURCE}': measure(probability[hard], fire[hard]).balanced_accuracy
        if hard.any() else None,
        'recall': found.recall,
        'false alarms': found.false_alarm_rate,
        'recall at 2 % false alarms': float(recalls[last]),
        f'recall of {SMALL}': share_of(probability[small] >= HALF),
        'the same at 2 % false alarms': share_of(probability[small] >= thresholds[last]),
        'ECE': found.ece,
    }


def study_tables(findings: Mapping[str, Sequence[Finding]],
                 data: Path) -> tuple[str, dict[str, Any]]:
    """
    Lay out a study.

    :param findings: what the seeds of each row found, by row.
    :param data: the data folder, for its boxes.
    :return: Markdown, and the figures behind it.
    """
    boxes = {path.resolve(): found for path, found in read_boxes(data).items()}
    measured = {name: [figures(one, boxes) for one in trials]
                for name, trials in findings.items()}
    titles = list(next(iter(measured.values()))[0])
    table = markdown_table(['', 'seeds', *titles], [
        [name, str(len(trials)), *(_spread([trial[title] for trial in trials])
                                   for title in titles)]
        for name, trials in measured.items()])
    return table, measured


def _spread(values: Sequence[float | None]) -> str:
    """Write mean and standard deviation; of one seed, what it is."""
    known = [value for value in values if value is not None]
    if not known:
        return '-'
    if len(known) == 1:
        return f'{known[0]:.3f}'
    return f'{statistics.mean(known):.3f} ± {statistics.stdev(known):.3f}'
