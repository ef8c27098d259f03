# SPDX-License-Identifier: Apache-2.0
"""What was measured of a model: the record of it, and its tables."""

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
from typing import Any

from training.markdown import markdown_table
from training.measurement.calibration import CalibrationBin
from training.measurement.intervals import Estimate, Figures
from training.measurement.metrics import OperatingPoint
from training.run_folder import write_json

OVERALL = 'overall'
ALL = 'all'
# In the order of the tables. The first four are said of every source.
FIGURE_NAMES = {
    'accuracy': 'accuracy',
    'recall': 'recall',
    'false_alarm_rate': 'false alarms',
    'roc_auc': 'ROC AUC',
    'balanced_accuracy': 'balanced accuracy',
    'recall_at_1_percent_false_alarms': 'recall at 1 % false alarms',
    'recall_at_5_percent_false_alarms': 'recall at 5 % false alarms',
    'ece': 'expected calibration error',
}
SAID_OF_EVERY_SOURCE = 4


class EvaluationError(ValueError):
    """Report an evaluation that is missing or cannot be read."""


@dataclass(frozen=True)
class Evaluation:
    """
    What was measured of a model, on which images.

    :ivar command: the command line that measured it.
    :ivar model: the model's path, as the command line had it.
    :ivar model_sha256: SHA-256 of the file, or of the listing of a folder's files, in hexadecimal.
    :ivar model_bytes: size of the file, or of a folder's files together.
    :ivar data: the folder of the images, absolute.
    :ivar sources: the sources that were chosen; empty for all.
    :ivar split: a member of SPLITS, or ALL.
    :ivar threshold: probability at or above which an image is called fire.
    :ivar figures: what was measured, overall and by source.
    :ivar operating_points: what comes of other thresholds, overall.
    :ivar calibration: the bins of the fire probability, overall.
    :ivar unreadable: one message for each image that was left out.
    """

    command: str
    model: str
    model_sha256: str
    model_bytes: int
    data: str
    sources: tuple[str, ...]
    split: str
    threshold: float
    figures: dict[str, Figures]
    operating_points: tuple[OperatingPoint, ...]
    calibration: tuple[CalibrationBin, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def overall(self) -> Figures:
        """Return the figures of all images together."""
        return self.figures[OVERALL]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def model_sha256(model: Path) -> str:
    """Return the SHA-256 of a file, or that of a folder's files as sha256sum would list them."""
    if model.is_file():
        return file_sha256(model)
    files = sorted(path for path in model.rglob('*') if path.is_file())
    listing = ''.join(f'{file_sha256(path)}  {path.relative_to(model).as_posix()}\n'
                      for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def write_evaluation(evaluation: Evaluation, path: Path) -> None:
    """Write an evaluation as JSON."""
    write_json(path, dataclasses.asdict(evaluation))


def read_evaluation(path: Path) -> Evaluation:
    """
    Read what :func:`write_evaluation` wrote.

    :raises EvaluationError: when the file is missing or holds something else.
    """
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        return Evaluation(**fields | {
            'figures': {name: _figures(found) for name, found in fields['figures'].items()},
            'operating_points': tuple(OperatingPoint(**point)
                                      for point in fields['operating_points']),
            'calibration': tuple(CalibrationBin(**one) for one in fields['calibration']),
            'sources': tuple(fields['sources']),
            'unreadable': tuple(fields['unreadable'])})
    except OSError as error:
        raise EvaluationError(f'{path}: {error.strerror}') from error
    except KeyError as error:
        raise EvaluationError(f'{path}: not an evaluation: no field {error}') from error
    except (ValueError, TypeError, AttributeError) as error:
        raise EvaluationError(f'{path}: not an evaluation: {error}') from error


def _figures(fields: dict[str, Any]) -> Figures:
    return Figures(**fields | {'estimates': {
        name: None if found is None else Estimate(**found)
        for name, found in fields['estimates'].items()}})


def estimate_text(estimate: Estimate | None) -> str:
    """Return a figure and its interval, or '-' where it cannot be measured."""
    if estimate is None:
        return '-'
    return f'{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})'


def figures_table(evaluation: Evaluation) -> str:
    """Lay out every overall figure."""
    return markdown_table(['figure', 'value (95 % interval)'], [
        [title, estimate_text(evaluation.overall.estimates[name])]
        for name, title in FIGURE_NAMES.items()])


def source_table(evaluation: Evaluation) -> str:
    """Lay out the chief figures, overall and by source."""
    names = list(FIGURE_NAMES)[:SAID_OF_EVERY_SOURCE]
    return markdown_table(
        ['source', 'fire', 'no fire', 'groups', *(FIGURE_NAMES[name] for name in names)],
        [[source, str(found.fire), str(found.nofire), str(found.groups),
          *(estimate_text(found.estimates[name]) for name in names)]
         for source, found in evaluation.figures.items()])


def threshold_table(evaluation: Evaluation) -> str:
    """Lay out what comes of other thresholds."""
    return markdown_table(['threshold', 'recall', 'false alarms', 'precision', ''], [
        ['above all' if point.threshold is None else f'{point.threshold:.6g}',
         *('-' if rate is None else f'{rate:.3f}' for rate in (
             point.recall, point.false_alarm_rate, point.precision)), point.chosen_for]
        for point in evaluation.operating_points])


def calibration_table(evaluation: Evaluation) -> str:
    """Lay out the bins that have images."""
    return markdown_table(
        ['fire probability', 'images', 'mean probability', 'share that shows fire'],
        [[f'{one.low:.3f} to {one.high:.3f}', str(one.fire + one.nofire),
          f'{one.mean_probability:.3f}', f'{one.fire_share:.3f}']
         for one in evaluation.calibration if one.fire_share is not None])


def split_text(split: str, sources: Sequence[str]) -> str:
    """Name a member of SPLITS, or ALL, and the sources that were chosen of it, if any were."""
    name = 'all splits' if split == ALL else f'the `{split}` split'
    return f'{name} of {", ".join(sources)} alone' if sources else name


def left_out_text(unreadable: Sequence[str]) -> str:
    """Explain how many images were left out, as a sentence after another; nothing for none."""
    return f' {len(unreadable)} more could not be read and are left out.' if unreadable else ''


def images_text(evaluation: Evaluation) -> str:
    """Return on which images, and at which threshold, was measured."""
    found = evaluation.overall
    left_out = left_out_text(evaluation.unreadable)
    return (f'{found.fire + found.nofire} images of '
            f'{split_text(evaluation.split, evaluation.sources)}, of {found.groups} groups '
            f'(videos or scenes): {found.fire} show fire, {found.nofire} do not.{left_out} '
            f'An image is called fire at a probability of {evaluation.threshold:g} or more.')


def intervals_text(evaluation: Evaluation) -> str:
    """Explain what the intervals are, and what to make of recall at few false alarms."""
    nofire = evaluation.overall.nofire
    return (
        'In brackets, 95 % intervals that count the images of one group as one: the score '
        'interval for shares, the bootstrap over groups for the other figures. Recall at few '
        'false alarms takes its threshold from these same images; of the '
        f'{nofire} without fire, 1 % are {nofire // 100} and 5 % are {nofire // 20}.')


def mistakes_text(evaluation: Evaluation) -> str:
    """Return the rates of both mistakes as a person would: one in so many."""
    estimates, found = evaluation.overall.estimates, evaluation.overall
    false_alarms, recall = estimates['false_alarm_rate'], estimates['recall']
    sentences = []
    if false_alarms is not None:
        sentences.append(f'{_one_in(false_alarms.value)} of the {found.nofire} images without '
                         f'fire was called fire.')
    if recall is not None:
        sentences.append(f'{_one_in(1 - recall.value)} of the {found.fire} images of fire was '
                         f'missed.')
    return ' '.join(sentences)


def _one_in(rate: float) -> str:
    if rate == 0:
        return 'None'
    if rate > 0.5:
        return f'{100 * rate:.0f} %'
    return f'One in {1 / rate:.0f}' if rate < 0.1 else f'One in {1 / rate:.1f}'
