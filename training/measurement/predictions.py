# SPDX-License-Identifier: Apache-2.0
"""
Predictions: a table of images and the fire probability that a model predicts for each.

It has the columns `file` (the path), `label`, `source`, `group`, `split`, `kind` (what the image
shows, one of KINDS), `probability` (0..1) and `fire` (whether the label is fire).
"""

from collections.abc import Sequence
from pathlib import Path

from numpy.typing import ArrayLike
import pandas as pd
from training.data.boxes import read_boxes, share_covered
from training.data.samples import FIRE, LABELS, Sample, to_table

# In place of a label, that of images whose kind is neither fire nor no fire.
APART = 'apart'
# Sizes of fires, as shares of their image: each ends below this one.
SIZES = {'under 1 %': 0.01, '1 to 5 %': 0.05, '5 to 20 %': 0.2, 'over 20 %': 1.01}


def predictions_of(samples: Sequence[Sample], probability: ArrayLike,
                   apart: int = 0) -> pd.DataFrame:
    """
    Return the table of images and predictions.

    :param apart: how many of the samples, the last ones, are set apart: their label is APART.
    """
    table = to_table(samples).assign(probability=probability)
    if apart:
        table.loc[len(table) - apart:, 'label'] = APART
    return _with_fire(table)


def labeled(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions without those for images that are set apart."""
    return predictions[predictions['label'] != APART]


def write_predictions(predictions: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, so that figures can be made anew without the model."""
    predictions.drop(columns='fire').to_csv(
        path, index=False, float_format='%.9g', lineterminator='\n')


def read_predictions(path: Path) -> pd.DataFrame:
    """
    Read what :func:`write_predictions` wrote.

    :raises OSError: when the file cannot be read.
    :raises ValueError: when it is no such table.
    """
    try:
        return _with_fire(pd.read_csv(path, dtype={'group': str, 'file': str}))
    except (KeyError, ValueError) as error:
        raise ValueError(f'{path}: not a table of predictions: {error}') from error


def shares_burning(predictions: pd.DataFrame, folders: Sequence[Path]) -> pd.Series:
    """
    Return the share of its image that each fire covers.

    :param folders: the data folders, with the boxes.
    :return: 0..1 for each row; NaN where no boxes are known.
    :raises DatasetError: when the boxes cannot be read.
    """
    covered = {path.resolve(): share_covered(boxes)
               for path, boxes in read_boxes(*folders).items()}
    return predictions['file'].map(lambda file: covered.get(Path(file).resolve())).astype(float)


def fire_sizes(predictions: pd.DataFrame, folders: Sequence[Path]) -> pd.Series:
    """Return a key of SIZES for each row; NaN for images without fire or boxes."""
    shares = shares_burning(predictions, folders).where(predictions['fire'])
    return pd.cut(shares, [0.0, *SIZES.values()], right=False, labels=list(SIZES))


def _with_fire(predictions: pd.DataFrame) -> pd.DataFrame:
    return predictions.assign(fire=predictions['label'] == LABELS[FIRE])
