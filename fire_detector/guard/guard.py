# SPDX-License-Identifier: Apache-2.0
"""
Decide how fast a robot may drive, from the alarms of fire detectors and from their silence.

Where an alarm and silence both limit the speed, the stricter limit counts. The caller passes the
time, in seconds of a clock that never goes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import math

ACTIONS = STOP, SLOW, NONE = ('stop', 'slow', 'none')
RELEASES = AUTO, MANUAL = ('auto', 'manual')


@dataclass(frozen=True)
class GuardSettings:
    """
    The reactions to an alarm and to a silent detector.

    :ivar action: what an alarm leads to, one of ACTIONS.
    :ivar slow_factor: what speeds are multiplied by where the robot is slowed, 0..1.
    :ivar release: what ends a hold: AUTO, every detector having reported no fire for
        `release_after`; or MANUAL, :meth:`FireGuard.release` alone.
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
    The limit of a robot's speed during a fire alarm and while a detector is silent.

    An alarm of any detector holds the robot. A detector that falls silent keeps its alarm, and its
    silence does not count as a report of no fire. A detector that has never reported is silent
    from the start.

    :ivar settings: may be set at any time, with immediate effect.
    """

    def __init__(self, settings: GuardSettings, detectors: Sequence[str]) -> None:
        """
        Start with no alarm and no report.

        :param settings: the reactions.
        :param detectors: their names, for the reasons.
        """
        self.settings = settings
        self._names = tuple(detectors)
        self._alarms = [False] * len(self._names)
        self._reported_at = [-math.inf] * len(self._names)
        self._held = False
        self._clear_since = math.inf

    def report(self, detector: int, alarm: bool, now: float) -> None:
        """
        Update the state with a detector's report.

        :param detector: its number in the order of the names, from 0.
        :param alarm: whether its alarm is raised.
        :param now: seconds.
        """
        self._alarms[detector], self._reported_at[detector] = alarm, now
        if any(self._alarms):
            self._held, self._clear_since = True, math.inf
        else:
            self._clear_since = min(self._clear_since, now)

    def release(self) -> bool:
        """End the hold unless an alarm is still raised; return whether it has ended."""
        self._held = any(self._alarms)
        return not self._held

    def scale(self, now: float) -> float:
        """
        Return the factor for commanded speeds.

        :param now: seconds.
        :return: 0..1; 1 for commands that pass unchanged, 0 for a stop.
        """
        settings = self.settings
        scale = self._scale_of(settings.action) if self._holds() else 1.0
        if now - min(self._reported_at) >= settings.detector_timeout:
            scale = min(scale, self._scale_of(settings.on_silence))
        return scale

    def silences(self, now: float) -> list[str]:
        """List the silent detectors and for how long they have been silent, in words."""
        return [f'no word of {name} yet' if at == -math.inf else
                f'no word of {name} for {now - at:.1f} s'
                for name, at in zip(self._names, self._reported_at, strict=True)
                if now - at >= self.settings.detector_timeout]

    def alarms(self) -> list[str]:
        """List the reasons of a hold, in words; none where there is no hold."""
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
        """Return whether there is a hold, after ending one that is over."""
        if self._held and self.settings.release == AUTO:
            # Until the last report of the detector that has not reported for longest.
            self._held = min(self._reported_at) - self._clear_since < self.settings.release_after
        return self._held

    def _scale_of(self, action: str) -> float:
        return {STOP: 0.0, SLOW: self.settings.slow_factor, NONE: 1.0}[action]
