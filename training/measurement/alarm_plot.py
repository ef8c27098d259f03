# SPDX-License-Identifier: Apache-2.0
"""Draw what a model classified over time, and the alarm that came of it."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from training.clips.clip import ClassifiedClip, IN_VIEW
from training.measurement.alarm_rules import Windowed
from training.measurement.plots import DPI, FIRE_COLOR, GUIDE_COLOR, LINE_COLOR

FIRE_GROUND = '#f7d9c4'
# Where the bar of the alarm is, above all probabilities.
_ALARM_LOW, _ALARM_HIGH = 1.06, 1.14


def write_alarm_plot(clips: Sequence[ClassifiedClip], rule: Windowed, path: Path) -> None:
    """
    Draw the probability in each clip, and when the alarm was raised.

    :param clips: at least one.
    :param rule: what raises the alarm.
    :param path: the PNG file to write.
    """
    figure = Figure(figsize=(10, 0.6 + 1.9 * len(clips)), dpi=DPI, layout='constrained')
    rows = figure.subplots(len(clips), 1, squeeze=False)[:, 0]
    for axes, classified in zip(rows, clips, strict=True):
        _draw(axes, classified, rule)
    rows[-1].set_xlabel('seconds')
    handles, labels = rows[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside upper center', ncol=len(labels), frameon=False)
    figure.savefig(path)


def _draw(axes: Axes, classified: ClassifiedClip, rule: Windowed) -> None:
    stamps = classified.stamps
    active = rule.decide(stamps, classified.probability)
    axes.fill_between(stamps, 0, 1, where=(classified.fire_share >= IN_VIEW).tolist(), step='post',
                      color=FIRE_GROUND, linewidth=0, label='fire in view')
    axes.plot(stamps, classified.probability, color=LINE_COLOR, linewidth=0.9, marker='.',
              markersize=2.5, label='probability')
    axes.fill_between(stamps, _ALARM_LOW, _ALARM_HIGH, where=active.tolist(), step='post',
                      color=FIRE_COLOR, linewidth=0, label='alarm')
    for threshold, style in ((rule.settings.on_threshold, '--'),
                             (rule.settings.off_threshold, ':')):
        axes.axhline(threshold, color=GUIDE_COLOR, linestyle=style, linewidth=0.9)
    axes.set(xlim=(stamps[0], stamps[-1]), ylim=(-0.04, 1.18), yticks=(0, 0.5, 1))
    axes.set_title(classified.clip.name.replace('_', ' '), loc='left', fontsize=9)
    axes.spines[['top', 'right']].set_visible(False)
