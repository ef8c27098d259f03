# SPDX-License-Identifier: Apache-2.0
"""Draw what a model predicts over time, and the alarm that comes of it."""

from collections.abc import Sequence
from pathlib import Path

from fire_detector.detection.alarm import alarm_intervals
from fire_detector.replay.chart import draw_probability, FIRE_COLOR, Lane, Series
from matplotlib.figure import Figure
from training.clips.clip import ClassifiedClip, IN_VIEW
from training.measurement.alarm_rules import Windowed
from training.measurement.plots import DPI


def write_alarm_plot(clips: Sequence[ClassifiedClip], rule: Windowed, path: Path) -> None:
    """
    Draw the probability in each clip, and when the alarm was raised.

    :param clips: at least one.
    :param rule: what raises the alarm.
    :param path: the PNG file to write.
    """
    figure = Figure(figsize=(10, 0.6 + 2.2 * len(clips)), dpi=DPI)
    thresholds = (rule.settings.on_threshold, rule.settings.off_threshold)
    rows = figure.subplots(len(clips), 1, squeeze=False, gridspec_kw={'hspace': 0.45})[:, 0]
    for axes, one in zip(rows, clips, strict=True):
        stamps = one.stamps.tolist()
        fire, alarms = (
            alarm_intervals(zip(stamps, states.tolist(), strict=True), stamps[-1])
            for states in (one.fire_share >= IN_VIEW, rule.decide(one.stamps, one.probability)))
        draw_probability(axes, [Series('', stamps, one.probability.tolist(), alarms, thresholds)],
                         [Lane('fire', fire, FIRE_COLOR)], stamps[-1])
        axes.set_title(one.clip.name.replace('_', ' '), loc='left', fontsize=9)
    axes.set_xlabel('seconds')
    figure.savefig(path)
