# SPDX-License-Identifier: Apache-2.0
"""The evaluation of a model, and its record as JSON."""

from collections.abc import Mapping, Sequence
import dataclasses
from dataclasses import dataclass
from datetime import datetime, timezone
import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
from training.command import CommandError
from training.data.samples import KINDS
from training.measurement.calibration import calibration_bins
from training.measurement.intervals import (
    effective_size,
    Estimate,
    Figures,
    figures_by_source,
    OVERALL,
    wilson,
)
from training.measurement.localization import Localization
from training.measurement.metrics import operating_points, OperatingPoint
from training.measurement.mistakes import find_mistakes, MISTAKES
from training.measurement.predictions import fire_sizes, labeled

# Mistakes of each kind that are listed by name.
NAMED = 12


class RecordError(CommandError):
    """Report a record that is missing, cannot be read, or is of another file."""


@dataclass(frozen=True)
class CalledFire:
    """
    How often images of one kind are called fire.

    :ivar counts_as: the label of such images in the other figures; `apart` for none.
    """

    counts_as: str
    images: int
    groups: int
    share: Estimate


@dataclass(frozen=True)
class Evaluation:
    """
    The figures of a model's predictions.

    :ivar threshold: probability at or above which an image is called fire.
    :ivar figures: the figures, overall and by source.
    :ivar called_fire: how often images of each kind are called fire, also of those that are set
        apart and in no other figure.
    :ivar operating_points: recall, false alarms and precision at other thresholds, overall.
    :ivar calibration: the bins of the fire probability, overall.
    :ivar recall_by_size: number and recall of the fires of each size, where boxes are known.
    :ivar mistakes: the number of mistakes of each kind.
    :ivar worst_mistakes: the most confident of them, at most NAMED of each kind.
    :ivar unreadable: a message for each image that was left out.
    :ivar localization: how well a heat map says where; None of a model without one, or where no
        boxes are known.
    """

    threshold: float
    figures: dict[str, Figures]
    called_fire: dict[str, CalledFire]
    operating_points: list[OperatingPoint]
    calibration: list[dict[str, Any]]
    recall_by_size: dict[str, dict[str, Any]]
    mistakes: dict[str, int]
    worst_mistakes: list[dict[str, Any]]
    unreadable: list[str]
    localization: Localization | None = None

    @property
    def overall(self) -> Figures:
        """Return the figures of all images together."""
        return self.figures[OVERALL]


def evaluate_predictions(predictions: pd.DataFrame, threshold: float, folders: Sequence[Path],
                         remarks: Mapping[str, str], unreadable: Sequence[str] = ()
                         ) -> Evaluation:
    """
    Compute the figures of predictions.

    :param predictions: those of images that are set apart count by themselves.
    :raises DatasetError: when the boxes cannot be read.
    """
    called_fire = _called_fire(predictions, threshold)
    predictions = labeled(predictions)
    probability, fire = (predictions[name].to_numpy() for name in ('probability', 'fire'))
    mistakes = find_mistakes(predictions, threshold, folders, remarks)
    worst = mistakes.groupby('kind', sort=False).head(NAMED)
    columns = ['kind', 'name', 'source', 'probability', 'burning', 'remark']
    return Evaluation(
        threshold, figures_by_source(predictions, threshold), called_fire,
        operating_points(probability, fire, threshold), calibration_bins(probability, fire),
        _recall_by_size(predictions, fire_sizes(predictions, folders), threshold),
        {kind: int((mistakes['kind'] == kind).sum()) for kind in MISTAKES},
        worst[columns].astype(object).where(worst[columns].notna(), None).to_dict('records'),
        list(unreadable))


def _called_fire(predictions: pd.DataFrame, threshold: float) -> dict[str, CalledFire]:
    found = {}
    for kind in KINDS:
        part = predictions[predictions['kind'] == kind]
        if len(part):
            groups = part['group'].to_numpy()
            found[kind] = CalledFire(
                str(part['label'].iloc[0]), len(part), len(set(groups)), wilson(
                    float((part['probability'] >= threshold).mean()), effective_size(groups)))
    return found


def _recall_by_size(predictions: pd.DataFrame, sizes: pd.Series,
                    threshold: float) -> dict[str, dict[str, Any]]:
    found = {}
    for size, part in predictions.groupby(sizes, observed=True):
        recall = float((part['probability'] >= threshold).mean())
        found[str(size)] = {'fire': len(part), 'recall': wilson(
            recall, effective_size(part['group'].to_numpy()))}
    return found


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def model_sha256(model: Path) -> str:
    """Return the SHA-256 of a file, or of the list that sha256sum makes of a folder's files."""
    if model.is_file():
        return file_sha256(model)
    files = sorted(path for path in model.rglob('*') if path.is_file())
    listing = ''.join(f'{file_sha256(path)}  {path.relative_to(model).as_posix()}\n'
                      for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def record_of(model: Path, selection: Any, found: Any) -> dict[str, Any]:
    """
    Return the record of a measurement, for a JSON file or a template.

    :param selection: the images that were measured, as a dataclass.
    :param found: what was measured, as a dataclass.
    """
    return dataclasses.asdict(selection) | {
        'date': datetime.now(timezone.utc).date().isoformat(), 'model': str(model),
        'model_sha256': model_sha256(model)} | dataclasses.asdict(found)


def read_record(path: Path, digest: str) -> dict[str, Any]:
    """
    Read the record of a measurement of the model with this SHA-256.

    :raises RecordError: when it is missing, cannot be read, or is of another model.
    """
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        if record['model_sha256'] != digest:
            raise ValueError('it is of another file')
    except (OSError, KeyError, TypeError, ValueError) as error:
        reason = f'no field {error}' if isinstance(error, KeyError) else error
        raise RecordError(f'{path}: cannot be used: {reason}') from error
    return record
