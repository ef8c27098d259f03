# SPDX-License-Identifier: Apache-2.0
"""Raise and clear the fire alarm from the probabilities of single images."""

from collections import deque
from collections.abc import Iterable
import math
from statistics import median

from fire_detector.model.contract import AlarmSettings

# Bounds the memory: more than a minute, the longest window, holds at 60 images a second.
MAX_FRAMES = 4000
# Seconds; longer than any window. A clock that is set makes such a step, and hardly a camera.
CLOCK_JUMP = 120.0


class FireAlarm:
    """
    The fire alarm, with a window and hysteresis.

    The alarm looks at the images of the last `window` seconds of image time, and at no fewer
    than the last `min_frames` however old they are, so that a slow camera counts too; where stamps
    stand still, at these alone. It is raised when the median of their probabilities
    reaches `on_threshold`, and cleared when the median falls below `off_threshold`. A median,
    unlike a mean, is not moved across a threshold by one odd image among three or more.

    Image time jumps when it goes back by more than the window, as a looping bag makes it, or on by
    more than CLOCK_JUMP. The alarm then begins anew, once a second image goes on from there: one
    image with an odd stamp changes nothing. Images that are merely late count as of now.

    :ivar settings: thresholds and window; may be set at any time, and hold from the next image.
    :ivar latch: whether a raised alarm stays until :meth:`reset`, whatever the images and their
        stamps; may be set at any time.
    """

    def __init__(self, settings: AlarmSettings, latch: bool = False) -> None:
        """Start cleared, with no image seen."""
        self.settings = settings
        self.latch = latch
        self.reset()

    @property
    def active(self) -> bool:
        """Return whether the alarm is raised."""
        return self._active

    def reset(self) -> None:
        """Clear the alarm and forget every image seen."""
        self._frames: deque[tuple[float, float]] = deque(maxlen=MAX_FRAMES)
        self._odd: tuple[float, float] | None = None
        self._active = False

    def update(self, stamp: float, probability: float) -> bool:
        """
        Update the alarm with one more image.

        :param stamp: the image's time in seconds.
        :param probability: that it shows fire, 0..1.
        :return: whether the alarm is raised now.
        :raises ValueError: when the probability is not from 0 to 1, or the stamp not finite;
            the alarm then stays as it was.
        """
        if not (math.isfinite(stamp) and 0.0 <= probability <= 1.0):
            raise ValueError(f'a finite stamp and a probability from 0 to 1 are expected, '
                             f'not stamp {stamp}, probability {probability}')
        if self._frames and self._jumps(self._frames[-1][0], stamp):
            if self._odd is None or self._jumps(self._odd[0], stamp):
                self._odd = stamp, probability
                return self._active
            self._frames.clear()
            self._frames.append(self._odd)
            self._active = self._active and self.latch
        self._odd = None
        latest = self._frames[-1][0] if self._frames else stamp
        self._frames.append((max(stamp, latest), probability))
        self._decide()
        return self._active

    def _jumps(self, before: float, stamp: float) -> bool:
        return not -self.settings.window <= stamp - before <= CLOCK_JUMP

    def _decide(self) -> None:
        now, settings = self._frames[-1][0], self.settings
        while len(self._frames) > settings.min_frames and self._is_over(self._frames[0][0], now):
            self._frames.popleft()
        if len(self._frames) >= settings.min_frames and not (self._active and self.latch):
            level = median(probability for _, probability in self._frames)
            self._active = level >= (
                settings.off_threshold if self._active else settings.on_threshold)

    def _is_over(self, stamp: float, now: float) -> bool:
        return stamp == now or now - stamp > self.settings.window


def alarm_intervals(states: Iterable[tuple[float, bool]],
                    end: float) -> list[tuple[float, float]]:
    """
    List the intervals in which the alarm was raised.

    :param states: times, and whether the alarm was raised after it, in order.
    :param end: of an alarm that was never cleared.
    :return: start and end of each alarm.
    """
    intervals: list[tuple[float, float]] = []
    start: float | None = None
    for time, raised in states:
        if raised and start is None:
            start = time
        elif not raised and start is not None:
            intervals.append((start, time))
            start = None
    if start is not None:
        intervals.append((start, end))
    return intervals
