# SPDX-License-Identifier: Apache-2.0
"""Draw how good a model is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    confusion_matrix,
    ConfusionMatrixDisplay,
    precision_recall_curve,
    roc_curve,
)
from training.measurement.calibration import BINS
from training.measurement.evaluation import estimate_text, Evaluation
from training.measurement.intervals import Estimate

CONFUSION = 'confusion.png'
ROC = 'roc.png'
PRECISION_RECALL = 'precision_recall.png'
RELIABILITY = 'reliability.png'
BY_SOURCE = 'by_source.png'
FIRE_COLOR = '#c1121f'
NOFIRE_COLOR = '#7d98a1'
LINE_COLOR = '#22333b'
GUIDE_COLOR = '#9a9a9a'
DPI = 120
FALSE_ALARM_LABEL = 'share of no-fire images called fire (false alarms)'
RECALL_LABEL = 'share of fire images called fire (recall)'


@dataclass(frozen=True)
class Answers:
    """
    What a model answered.

    :ivar probability: shape (images,), 0..1.
    :ivar fire: shape (images,), whether each image shows fire.
    """

    probability: NDArray[np.floating]
    fire: NDArray[np.bool_]


def write_plots(answers: Answers, evaluation: Evaluation, folder: Path) -> list[str]:
    """
    Write every plot that can be drawn, and remove those of an earlier evaluation.

    :param answers: what the model answered.
    :param evaluation: what was measured of the answers.
    :param folder: where the plots go.
    :return: the names of the files written; with images of one label, CONFUSION and BY_SOURCE.
    """
    figures = {CONFUSION: confusion_figure(answers, evaluation),
               BY_SOURCE: by_source_figure(evaluation)}
    if evaluation.overall.fire and evaluation.overall.nofire:
        figures |= {ROC: roc_figure(answers, evaluation),
                    PRECISION_RECALL: precision_recall_figure(answers, evaluation),
                    RELIABILITY: reliability_figure(evaluation)}
    for name in (CONFUSION, BY_SOURCE, ROC, PRECISION_RECALL, RELIABILITY):
        (folder / name).unlink(missing_ok=True)
    for name, figure in figures.items():
        figure.savefig(folder / name)
    return list(figures)


def confusion_figure(answers: Answers, evaluation: Evaluation) -> Figure:
    """Draw how many images of each label were called what."""
    called = answers.probability >= evaluation.threshold
    counts = confusion_matrix(~answers.fire, ~called, labels=[False, True])
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    figure = Figure(figsize=(5, 4.2), dpi=DPI, layout='constrained')
    axes = figure.add_subplot()
    display = ConfusionMatrixDisplay(shares, display_labels=['fire', 'no fire'])
    display.plot(ax=axes, cmap='Blues', colorbar=False, include_values=False)
    display.im_.set_clim(0, 1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        axes.text(column, row, f'{count}\n{100 * share:.1f} %', ha='center', va='center',
                  fontsize=13, color='white' if share > 0.5 else LINE_COLOR)
    axes.set(xlabel=f'called (fire from a probability of {evaluation.threshold:g} on)',
             ylabel='shows', title='Images, and their share of the row')
    return figure


def roc_figure(answers: Answers, evaluation: Evaluation) -> Figure:
    """Draw how recall is paid for with false alarms."""
    false_alarms, recalls, thresholds = roc_curve(answers.fire, answers.probability,
                                                  drop_intermediate=False)
    figure, axes = _unit_axes(FALSE_ALARM_LABEL, RECALL_LABEL)
    axes.plot([0, 1], [0, 1], color=GUIDE_COLOR, linestyle='--', label='by chance')
    axes.plot(false_alarms, recalls, color=LINE_COLOR, label='the model')
    _mark_threshold(axes, false_alarms, recalls, thresholds, evaluation.threshold)
    axes.set_title(f'ROC: area {estimate_text(evaluation.overall.estimates["roc_auc"])}')
    axes.legend(loc='lower right', frameon=False)
    return figure


def precision_recall_figure(answers: Answers, evaluation: Evaluation) -> Figure:
    """Draw how far an answer of fire is to be believed, by how many fires are found."""
    precisions, recalls, thresholds = precision_recall_curve(answers.fire, answers.probability)
    figure, axes = _unit_axes(RECALL_LABEL,
                              'share of images called fire that show it (precision)')
    share = answers.fire.mean()
    axes.axhline(share, color=GUIDE_COLOR, linestyle='--',
                 label=f'calling everything fire ({share:.2f})')
    axes.plot(recalls, precisions, color=LINE_COLOR, label='the model')
    # Thresholds go up here, and the last point of the curve has none.
    _mark_threshold(axes, recalls[-2::-1], precisions[-2::-1], thresholds[::-1],
                    evaluation.threshold)
    axes.set_title('Precision and recall')
    axes.legend(loc='lower left', frameon=False)
    return figure


def reliability_figure(evaluation: Evaluation) -> Figure:
    """Draw whether a fire probability means what it says, and how often each is given."""
    bins = evaluation.calibration
    filled = [one for one in bins if one.fire_share is not None]
    figure = Figure(figsize=(5.5, 6), dpi=DPI, layout='constrained')
    upper, lower = figure.subplots(2, 1, sharex=True,
                                   gridspec_kw={'height_ratios': (2.2, 1)})
    upper.plot([0, 1], [0, 1], color=GUIDE_COLOR, linestyle='--', label='as it should be')
    upper.plot([one.mean_probability for one in filled], [one.fire_share for one in filled],
               color=LINE_COLOR, marker='o', markersize=4, label='the model')
    upper.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel='share that shows fire',
              title='Expected calibration error '
                    f'{estimate_text(evaluation.overall.estimates["ece"])}')
    upper.legend(loc='upper left', frameon=False)
    lefts, fire = [one.low for one in bins], [one.fire for one in bins]
    lower.bar(lefts, fire, 1 / BINS, align='edge', color=FIRE_COLOR, label='fire')
    bars = lower.bar(lefts, [one.nofire for one in bins], 1 / BINS, bottom=fire, align='edge',
                     color=NOFIRE_COLOR, label='no fire')
    lower.bar_label(bars, [str(one.fire + one.nofire) for one in bins], fontsize=8, padding=1)
    lower.margins(y=0.12)
    lower.set(xlabel='fire probability', ylabel='images')
    lower.legend(loc='upper center', frameon=False, ncol=2)
    upper.grid(alpha=0.3)
    return figure


def by_source_figure(evaluation: Evaluation) -> Figure:
    """Draw recall and false alarms of each source, with their intervals."""
    recalls = [(f'{source} ({found.fire})', rate) for source, found in evaluation.figures.items()
               if (rate := found.estimates['recall']) is not None]
    alarms = [(f'{source} ({found.nofire})', rate) for source, found in evaluation.figures.items()
              if (rate := found.estimates['false_alarm_rate']) is not None]
    rows = max(len(recalls), len(alarms))
    figure = Figure(figsize=(10, 1.5 + 0.36 * rows), dpi=DPI, layout='constrained')
    left, right = figure.subplots(1, 2)
    _draw_rates(left, recalls, RECALL_LABEL, FIRE_COLOR)
    _draw_rates(right, alarms, FALSE_ALARM_LABEL, NOFIRE_COLOR)
    for axes in (left, right):
        axes.set_ylim(rows - 0.5, -0.5)
    figure.suptitle('By source (number of images), with 95 % intervals', fontsize=11)
    return figure


def _draw_rates(axes: Axes, rates: Sequence[tuple[str, Estimate]], label: str,
                color: str) -> None:
    """Draw a row for each name and rate, the one of all images first."""
    for row, (_, rate) in enumerate(rates):
        axes.plot([rate.low, rate.high], [row, row], color=color, linewidth=3, alpha=0.5)
        axes.plot(rate.value, row, color=color if row else LINE_COLOR, marker='o', markersize=7)
    axes.set(xlim=(-0.02, 1.02), xlabel=label)
    axes.set_yticks(range(len(rates)), [name for name, _ in rates])
    axes.grid(axis='x', alpha=0.3)
    axes.spines[['top', 'right']].set_visible(False)


def _unit_axes(x_label: str, y_label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.5, 5.2), dpi=DPI, layout='constrained')
    axes = figure.add_subplot()
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x_label, ylabel=y_label,
             aspect='equal')
    axes.grid(alpha=0.3)
    return figure, axes


def _mark_threshold(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64],
                    thresholds: NDArray[np.floating], threshold: float) -> None:
    """Mark a threshold on a curve whose thresholds go down."""
    index = int(np.searchsorted(-thresholds, -threshold, side='right')) - 1
    if index >= 0:
        axes.plot(x[index], y[index], color=FIRE_COLOR, marker='o', linestyle='', markersize=7,
                  label=f'at a probability of {threshold:g}', zorder=3)
