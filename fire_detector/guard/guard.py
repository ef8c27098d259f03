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
    :ivar max_age: seconds by which a report's stamp, and a command, may be older or newer than
        the clock; 0 where that is not checked.
    """

    action: str = STOP
    slow_factor: float = 0.3
    release: str = AUTO
    release_after: float = 3.0
    detector_timeout: float = 2.0
    on_silence: str = STOP
    max_age: float = 2.0


class FireGuard:
    """
    The limit of a robot's speed during a fire alarm and while a detector is silent.

    An alarm of any detector holds the robot. A detector that falls silent keeps its alarm, and its
    silence does not count as a report of no fire. A detector that has never reported is silent
    from the start, and so is one whose reports are stale. One that is dismissed does not count
    until it reports again.

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
        # Why the last report did not count; empty where it did.
        self._stale = [''] * len(self._names)
        self._dismissed = [False] * len(self._names)
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
        self._stale[detector], self._dismissed[detector] = '', False
        if not self._hold_if_raised():
            self._clear_since = min(self._clear_since, now)

    def report_stale(self, detector: int, alarm: bool, reason: str) -> None:
        """
        Update the state with a report that is no word of how things are: its alarm alone counts.

        :param detector: its number in the order of the names, from 0.
        :param alarm: whether its alarm is raised.
        :param reason: why it is stale, in words that follow 'only reports'.
        """
        self._alarms[detector] |= alarm
        self._stale[detector], self._dismissed[detector] = reason, False
        self._hold_if_raised()

    def dismiss(self, detector: int, now: float) -> str:
        """
        Have the alarm and the silence of a detector not count until it reports again.

        :param detector: its number in the order of the names, from 0.
        :param now: seconds.
        :return: why that is refused, which it is unless the detector is silent; else empty.
        """
        if not self._is_silent(detector, now):
            return (f'{self._names[detector]} was heard '
                    f'{now - self._reported_at[detector]:.1f} s ago: only a silent detector can '
                    'be dismissed')
        self._dismissed[detector] = True
        if not self._raised():
            self._clear_since = min(self._clear_since, now)
        return ''

    def release(self) -> bool:
        """End the hold unless an alarm is still raised; return whether it has ended."""
        self._held = bool(self._raised())
        return not self._held

    def scale(self, now: float) -> float:
        """
        Return the factor for commanded speeds.

        :param now: seconds.
        :return: 0..1; 1 for commands that pass unchanged, 0 for a stop.
        """
        settings = self.settings
        scale = self._scale_of(settings.action) if self._holds() else 1.0
        if any(self._is_silent(detector, now) for detector in self._counted()):
            scale = min(scale, self._scale_of(settings.on_silence))
        return scale

    def silences(self, now: float) -> list[str]:
        """List the silent detectors and for how long they have been silent, in words."""
        return [self._describe_silence(detector, now) for detector in self._counted()
                if self._is_silent(detector, now)]

    def dismissals(self) -> list[str]:
        """List the detectors that are dismissed, in words."""
        return [f'{name} is dismissed: its alarm and its silence do not count'
                for name, dismissed in zip(self._names, self._dismissed, strict=True)
                if dismissed]

    def alarms(self) -> list[str]:
        """List the reasons of a hold, in words; none where there is no hold."""
        if not self._holds():
            return []
        raised = [f'fire alarm of {name}' for name in self._raised()]
        if raised:
            return raised
        if self.settings.release == MANUAL:
            return ['the fire alarm is over, and the release is waited for']
        return [f'the fire alarm is not over for {self.settings.release_after:g} s']

    def _counted(self) -> list[int]:
        return [detector for detector, dismissed in enumerate(self._dismissed) if not dismissed]

    def _raised(self) -> list[str]:
        return [self._names[detector] for detector in self._counted() if self._alarms[detector]]

    def _hold_if_raised(self) -> bool:
        """Hold the robot where an alarm is raised; return whether one is."""
        if not self._raised():
            return False
        self._held, self._clear_since = True, math.inf
        return True

    def _holds(self) -> bool:
        """Return whether there is a hold, after ending one that is over."""
        if self._held and self.settings.release == AUTO:
            # Until the last report of the detector that has not reported for longest.
            heard = min((self._reported_at[detector] for detector in self._counted()),
                        default=math.inf)
            self._held = heard - self._clear_since < self.settings.release_after
        return self._held

    def _is_silent(self, detector: int, now: float) -> bool:
        return now - self._reported_at[detector] >= self.settings.detector_timeout

    def _describe_silence(self, detector: int, now: float) -> str:
        name, at = self._names[detector], self._reported_at[detector]
        words = f'no word of {name} ' + ('yet' if at == -math.inf else f'for {now - at:.1f} s')
        stale = self._stale[detector]
        return f'{words}, only reports {stale}' if stale else words

    def _scale_of(self, action: str) -> float:
        return {STOP: 0.0, SLOW: self.settings.slow_factor, NONE: 1.0}[action]


def describe_scale(scale: float) -> str:
    """Return in words what becomes of commands that are multiplied by a factor, 0..1."""
    if scale == 1.0:
        return 'commands pass'
    return f'slowed to {100 * scale:.3g} %' if scale else 'stopped'
