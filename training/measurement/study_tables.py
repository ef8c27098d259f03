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
from sklearn.metrics import roc_auc_score, roc_curve
from training.data.boxes import Box, read_boxes, share_covered
from training.data.samples import LABELS
from training.markdown import markdown_table
from training.measurement.calibration import expected_calibration_error

FALSE_ALARMS = 0.02
# Shares of the picture that fires cover, which are asked about apart.
SMALL_FIRE = (0.01, 0.05)
HALF = 0.5


@dataclass(frozen=True)
class Finding:
    """
    Hold what one training answers to the pictures of one split.

    :ivar split: 'test', or 'left_out' where sources were left out.
    :ivar files: the pictures.
    :ivar sources: shape (pictures,), their sources.
    :ivar fire: shape (pictures,), whether they show fire.
    :ivar probability: shape (pictures,), 0..1.
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
        np.array([row['label'] == LABELS[0] for row in chosen]),
        np.array([float(row['probability']) for row in chosen]))


def figures(finding: Finding, boxes: Mapping[Path, tuple[Box, ...]]) -> dict[str, float | None]:
    """
    Measure one training.

    :param finding: its answers.
    :param boxes: where the fire is, by picture.
    :return: figures by name; None for what cannot be measured on these pictures. Of those that
        need a threshold, this is a half where nothing else is said.
    """
    probability, fire = finding.probability, finding.fire
    cair = finding.sources == 'cair'
    small = np.array([SMALL_FIRE[0] <= share_covered(boxes.get(path, ())) < SMALL_FIRE[1]
                      for path in finding.files])
    false_alarms, recalls, thresholds = roc_curve(fire, probability, drop_intermediate=False)
    last = int(np.searchsorted(false_alarms, FALSE_ALARMS, side='right')) - 1
    return {
        'balanced accuracy': _balanced_accuracy(probability, fire),
        'ROC AUC': float(roc_auc_score(fire, probability)),
        'on cair': _balanced_accuracy(probability[cair], fire[cair]),
        'recall': float((probability[fire] >= HALF).mean()),
        'false alarms': float((probability[~fire] >= HALF).mean()),
        'recall at 2 % false alarms': float(recalls[last]),
        'recall of 1 to 5 %': _share(probability[small] >= HALF),
        'the same at 2 % false alarms': _share(probability[small] >= thresholds[last]),
        'ECE': expected_calibration_error(probability, fire),
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


def _balanced_accuracy(probability: NDArray[np.float64], fire: NDArray[np.bool_]) -> float | None:
    if not fire.any() or fire.all():
        return None
    called = probability >= HALF
    return float((called[fire].mean() + (~called[~fire]).mean()) / 2)


def _share(hits: NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if hits.size else None
