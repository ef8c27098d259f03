# SPDX-License-Identifier: Apache-2.0
"""
Decide how fast a robot may drive, from what fire detectors say and from their silence.

Of all that holds the robot at a time, the strictest counts. Time is given by the caller, in
seconds of a clock that never goes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import math

ACTIONS = STOP, SLOW, NONE = ('stop', 'slow', 'none')
RELEASES = AUTO, MANUAL = ('auto', 'manual')


@dataclass(frozen=True)
class GuardSettings:
    """
    What an alarm and a silent detector lead to.

    :ivar action: what an alarm leads to, one of ACTIONS.
    :ivar slow_factor: what speeds are multiplied by where the robot is slowed, 0..1.
    :ivar release: what ends a hold: AUTO, every detector having said for `release_after` that
        there is no fire; or MANUAL, :meth:`FireGuard.release` alone.
    :ivar release_after: seconds.
    :ivar detector_timeout: seconds after which a detector counts as silent.
    :ivar on_silence: what a silent detector leads to, one of ACTIONS.
    """

    action: str = STOP
    slow_factor: float = 0.3
    release: str = AUTO
    release_after: float = 3.0
    detector_timeout: float = 2.0
    on_silence: str = STOP


class FireGuard:
    """
    A robot while there is a fire alarm, and while a detector is silent.

    An alarm of any detector holds; a detector that falls silent does not take its alarm back, and
    its silence does not count as the absence of a fire. A detector that was never heard is silent
    from the start.

    :ivar settings: may be set at any time, and hold at once.
    """

    def __init__(self, settings: GuardSettings, detectors: Sequence[str]) -> None:
        """
        Start with no alarm and nobody heard.

        :param settings: what leads to what.
        :param detectors: their names, for the reasons.
        """
        self.settings = settings
        self._names = tuple(detectors)
        self._alarms = [False] * len(self._names)
        self._heard_at = [-math.inf] * len(self._names)
        self._held = False
        self._clear_since = math.inf

    def heard(self, detector: int, alarm: bool, now: float) -> None:
        """
        Take in what a detector says.

        :param detector: its number in the order of the names, from 0.
        :param alarm: whether it sees a fire.
        :param now: seconds.
        """
        self._alarms[detector], self._heard_at[detector] = alarm, now
        if any(self._alarms):
            self._held, self._clear_since = True, math.inf
        else:
            self._clear_since = min(self._clear_since, now)

    def release(self) -> bool:
        """End the hold unless an alarm is raised still; tell whether nothing is held by it."""
        self._held = any(self._alarms)
        return not self._held

    def scale(self, now: float) -> float:
        """
        Return what commanded speeds are to be multiplied by.

        :param now: seconds.
        :return: 0..1; 1 for commands that pass unchanged, 0 for a stop.
        """
        settings = self.settings
        scale = self._scale_of(settings.action) if self._holds() else 1.0
        if now - min(self._heard_at) >= settings.detector_timeout:
            scale = min(scale, self._scale_of(settings.on_silence))
        return scale

    def silences(self, now: float) -> list[str]:
        """Return which detectors are silent, and for how long."""
        return [f'no word of {name} yet' if at == -math.inf else
                f'no word of {name} for {now - at:.1f} s'
                for name, at in zip(self._names, self._heard_at, strict=True)
                if now - at >= self.settings.detector_timeout]

    def alarms(self) -> list[str]:
        """Explain what holds the robot on account of fire; nothing where there is no hold."""
        if not self._holds():
            return []
        raised = [f'fire alarm of {name}'
                  for name, alarm in zip(self._names, self._alarms, strict=True) if alarm]
        if raised:
            return raised
        if self.settings.release == MANUAL:
            return ['the fire alarm is over, and the release is waited for']
        return [f'the fire alarm is not over for {self.settings.release_after:g} s']

    def _holds(self) -> bool:
        """Return whether an alarm holds, after having ended a hold that is over."""
        if self._held and self.settings.release == AUTO:
            # To the last word of that detector which was heard longest ago.
            self._held = min(self._heard_at) - self._clear_since < self.settings.release_after
        return self._held

    def _scale_of(self, action: str) -> float:
        return {STOP: 0.0, SLOW: self.settings.slow_factor, NONE: 1.0}[action]
