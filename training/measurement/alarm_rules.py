# SPDX-License-Identifier: Apache-2.0
"""Rules that turn a clip's probabilities into an alarm: the node's, and two to compare it with."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from fire_detector.detection.alarm import FireAlarm
from fire_detector.model.contract import AlarmSettings
import numpy as np
from numpy.typing import NDArray
import pandas as pd

FRAMES_AVERAGED = 8


class Rule(Protocol):
    """A rule by which probabilities raise and clear the alarm."""

    def to_record(self) -> dict[str, str]:
        """Return the rule's kind and settings, for a record."""

    def decide(self, stamps: NDArray[np.float64],
               probability: NDArray[np.float64]) -> NDArray[np.bool_]:
        """
        Return whether the alarm is raised at each frame of a clip.

        :param stamps: shape (frames,), seconds, ascending.
        :return: shape (frames,).
        """


@dataclass(frozen=True)
class Windowed:
    """The node's own rule, `fire_detector.detection.alarm.FireAlarm`."""

    settings: AlarmSettings

    def to_record(self) -> dict[str, str]:
        """Return the rule's kind and settings, for a record."""
        settings = self.settings
        return {'rule': 'median of a window', 'settings':
                f'on {settings.on_threshold:.4g}, off {settings.off_threshold:.4g}, '
                f'{settings.window:g} s, {settings.min_frames} frames'}

    def decide(self, stamps: NDArray[np.float64],
               probability: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Update the node's alarm frame by frame."""
        alarm = FireAlarm(self.settings)
        return np.array([alarm.update(round(1e9 * stamp), value) for stamp, value in zip(
            stamps.tolist(), probability.tolist(), strict=True)], np.bool_)


@dataclass(frozen=True)
class _AtThreshold:
    """A rule with a threshold as its one setting, to compare the node's rule with."""

    threshold: float
    kind: ClassVar[str]

    def to_record(self) -> dict[str, str]:
        """Return the rule's kind and settings, for a record."""
        return {'rule': self.kind, 'settings': f'on {self.threshold:.4g}'}


@dataclass(frozen=True)
class SingleFrame(_AtThreshold):
    """An alarm at each frame whose probability reaches a threshold, and at no other."""

    kind = 'single frame'

    def decide(self, stamps: NDArray[np.float64],
               probability: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Compare each probability with the threshold."""
        return np.asarray(probability >= self.threshold, np.bool_)


@dataclass(frozen=True)
class MeanOfEight(_AtThreshold):
    """
    An alarm while the last eight frames are fire on average, and half of them each.

    The mean of their probabilities has to reach the threshold, and so do at least four of the
    eight by themselves. There is no alarm before the eighth frame, and no hysteresis; times and
    gaps do not matter.
    """

    kind = 'mean of 8, half agree'

    def decide(self, stamps: NDArray[np.float64],
               probability: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Compare the mean of eight frames, and each of them, with the threshold."""
        values = pd.Series(probability)
        mean = values.rolling(FRAMES_AVERAGED).mean()
        agreeing = (values >= self.threshold).rolling(FRAMES_AVERAGED).sum()
        return np.asarray((mean >= self.threshold) & (2 * agreeing >= FRAMES_AVERAGED), np.bool_)
