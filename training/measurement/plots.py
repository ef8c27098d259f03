# SPDX-License-Identifier: Apache-2.0
"""Plots of the figures of a model, and of its alarms over time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fire_detector.detection.alarm import alarm_intervals
from fire_detector.replay.chart import draw_probability, FIRE_COLOR, Lane, Series
from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np
import pandas as pd
from sklearn.metrics import (
    confusion_matrix,
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
)
from training.clips.clip import ClassifiedClip, IN_VIEW
from training.measurement.alarm_rules import Windowed
from training.measurement.calibration import BINS
from training.measurement.evaluation import Evaluation
from training.measurement.intervals import Estimate

CONFUSION = 'confusion.png'
ROC = 'roc.png'
PRECISION_RECALL = 'precision_recall.png'
RELIABILITY = 'reliability.png'
BY_SOURCE = 'by_source.png'
NOFIRE_COLOR = '#7d98a1'
LINE_COLOR = '#22333b'
GUIDE_COLOR = '#9a9a9a'
DPI = 120
AXIS_LABELS = {'false_alarm_rate': 'share of no-fire images called fire (false alarms)',
               'recall': 'share of fire images called fire (recall)',
               'precision': 'share of images called fire that show it (precision)'}


def write_plots(predictions: pd.DataFrame, evaluation: Evaluation, folder: Path) -> list[str]:
    """
    Write the plots of an evaluation, and remove those of an earlier one.

    :param evaluation: their figures.
    :param folder: the folder for the plots.
    :return: the names of the files; with images of one label, CONFUSION and BY_SOURCE alone.
    """
    figures = {CONFUSION: _confusion_figure(predictions, evaluation),
               BY_SOURCE: _by_source_figure(evaluation)}
    if predictions['fire'].any() and not predictions['fire'].all():
        area = _format_estimate(evaluation.overall.estimates['roc_auc'])
        figures |= {
            ROC: _curve_figure(RocCurveDisplay, predictions, evaluation, f'ROC: area {area}',
                               'false_alarm_rate', 'recall'),
            PRECISION_RECALL: _curve_figure(PrecisionRecallDisplay, predictions, evaluation,
                                            'Precision and recall', 'recall', 'precision'),
            RELIABILITY: _reliability_figure(predictions, evaluation)}
    for name in (CONFUSION, BY_SOURCE, ROC, PRECISION_RECALL, RELIABILITY):
        (folder / name).unlink(missing_ok=True)
    for name, figure in figures.items():
        figure.savefig(folder / name)
    return list(figures)


def write_alarm_plot(clips: Sequence[ClassifiedClip], rule: Windowed, path: Path) -> None:
    """Write a plot of probability and alarm over time, with a row for each clip."""
    figure = Figure(figsize=(10, 0.6 + 2.2 * len(clips)), dpi=DPI)
    thresholds = (rule.settings.on_threshold, rule.settings.off_threshold)
    rows = figure.subplots(len(clips), 1, squeeze=False, gridspec_kw={'hspace': 0.45})[:, 0]
    for axes, clip in zip(rows, clips, strict=True):
        stamps = clip.stamps.tolist()
        fire, alarms = (
            alarm_intervals(zip(stamps, states.tolist(), strict=True), stamps[-1])
            for states in (clip.fire_share >= IN_VIEW, rule.decide(clip.stamps, clip.probability)))
        draw_probability(axes, [Series('', stamps, clip.probability.tolist(), alarms, thresholds)],
                         [Lane('fire', fire, FIRE_COLOR)], stamps[-1])
        axes.set_title(clip.clip.name.replace('_', ' '), loc='left', fontsize=9)
    axes.set_xlabel('seconds')
    figure.savefig(path)


def _confusion_figure(predictions: pd.DataFrame, evaluation: Evaluation) -> Figure:
    called = predictions['probability'] >= evaluation.threshold
    figure, axes = _new_figure(5, 4.2)
    ConfusionMatrixDisplay(
        confusion_matrix(~predictions['fire'], ~called, labels=[False, True]),
        display_labels=['fire', 'no fire']).plot(ax=axes, cmap='Blues', colorbar=False)
    axes.set(xlabel=f'called (fire from a probability of {evaluation.threshold:g} on)',
             ylabel='shows', title='Number of images')
    return figure


def _curve_figure(display: Any, predictions: pd.DataFrame, evaluation: Evaluation,
                  title: str, horizontal: str, vertical: str) -> Figure:
    """Draw a curve of scikit-learn's, with the point of the model's own threshold on it."""
    figure, axes = _new_figure()
    display.from_predictions(
        predictions['fire'], predictions['probability'], ax=axes, plot_chance_level=True,
        name='the model', curve_kwargs={'color': LINE_COLOR})
    own = next(point for point in evaluation.operating_points
               if point.threshold == evaluation.threshold)
    x, y = getattr(own, horizontal), getattr(own, vertical)
    if x is not None and y is not None:
        axes.plot(x, y, 'o', color=FIRE_COLOR,
                  label=f'at a probability of {evaluation.threshold:g}')
    axes.set(xlabel=AXIS_LABELS[horizontal], ylabel=AXIS_LABELS[vertical], title=title)
    axes.legend(loc='best', frameon=False)
    return figure


def _reliability_figure(predictions: pd.DataFrame, evaluation: Evaluation) -> Figure:
    figure = Figure(figsize=(5.5, 6), dpi=DPI, layout='constrained')
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={'height_ratios': (2.2, 1)})
    upper.plot([0, 1], [0, 1], color=GUIDE_COLOR, linestyle='--', label='calibrated')
    bins = pd.DataFrame(evaluation.calibration)
    upper.plot(bins['mean_probability'], bins['fire_share'], color=LINE_COLOR, marker='o',
               markersize=4, label='the model')
    error = evaluation.overall.estimates['ece']
    upper.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel='share that shows fire',
              title=f'Expected calibration error {_format_estimate(error)}')
    upper.legend(loc='upper left', frameon=False)
    upper.grid(alpha=0.3)
    fire = predictions['fire']
    lower.hist([predictions['probability'][fire], predictions['probability'][~fire]],
               bins=np.linspace(0, 1, BINS + 1).tolist(), stacked=True,
               color=[FIRE_COLOR, NOFIRE_COLOR], label=['fire', 'no fire'])
    lower.set(xlabel='fire probability', ylabel='images')
    lower.legend(loc='upper center', frameon=False, ncol=2)
    return figure


def _by_source_figure(evaluation: Evaluation) -> Figure:
    rates = {name: [(f'{source} ({getattr(found, counted)})', rate)
                    for source, found in evaluation.figures.items()
                    if (rate := found.estimates[name]) is not None]
             for name, counted in (('recall', 'fire'), ('false_alarm_rate', 'nofire'))}
    rows = max(map(len, rates.values()))
    figure = Figure(figsize=(10, 1.5 + 0.36 * rows), dpi=DPI, layout='constrained')
    for axes, name, color in zip(
            figure.subplots(1, 2), rates, (FIRE_COLOR, NOFIRE_COLOR), strict=True):
        _draw_rates(axes, rates[name], AXIS_LABELS[name], color)
        axes.set_ylim(rows - 0.5, -0.5)
    figure.suptitle('By source (number of images), with 95 % intervals', fontsize=11)
    return figure


def _draw_rates(axes: Axes, rates: Sequence[tuple[str, Estimate]], label: str,
                color: str) -> None:
    for row, (_, rate) in enumerate(rates):
        axes.plot([rate.low, rate.high], [row, row], color=color, linewidth=3, alpha=0.5)
        axes.plot(rate.value, row, color=color, marker='o', markersize=7)
    axes.set(xlim=(-0.02, 1.02), xlabel=label)
    axes.set_yticks(range(len(rates)), [name for name, _ in rates])
    axes.grid(axis='x', alpha=0.3)


def _new_figure(width: float = 5.5, height: float = 5.2) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=DPI, layout='constrained')
    return figure, figure.add_subplot()


def _format_estimate(estimate: Estimate | None) -> str:
    return '-' if estimate is None else (
        f'{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})')
