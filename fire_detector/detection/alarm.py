# SPDX-License-Identifier: Apache-2.0
"""Raise and clear the fire alarm from the probabilities of single images."""

from collections import deque
from collections.abc import Iterable
from itertools import accumulate
from statistics import median

from fire_detector.model.contract import AlarmSettings

# Bounds the memory: more than a minute, the longest window, holds at 60 images a second.
MAX_FRAMES = 4000
# Seconds that each of the fewest images may take on average, if they are to count together: enough
# for a camera that sends one in 5 s, now and then later.
SLOWEST_PERIOD = 6.0
# Seconds by which an image may be behind the newest one, or ahead of it, that is of the same time.
# Clocks of two publishers differ by less than the first; a window is shorter than the second.
MAX_LATE, CLOCK_JUMP = 10.0, 120.0


class FireAlarm:
    """
    The fire alarm, with a window and hysteresis.

    The alarm looks at the images of the last `window` seconds of image time, and at no fewer
    than the last `min_frames`, so that a slow camera counts too; where stamps stand still, at
    these alone. None counts that is older than the window and than `min_frames` times
    SLOWEST_PERIOD. The alarm is raised when the median of their probabilities reaches
    `on_threshold`, and cleared when the median falls below `off_threshold`. A median, unlike a
    mean, is not moved across a threshold by one odd image among three or more.

    Images that are late, by MAX_LATE at most, count as of now. Image time jumps when it goes back
    by more, as a looping bag makes it, or on by more than CLOCK_JUMP. Where `min_frames` images in
    a row have jumped, at least two, they alone count from then on. Fewer, such as one with an odd
    stamp or those of a second publisher of another time, count as of the next that has not.

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

    @property
    def _oldest_age(self) -> float:
        return max(self.settings.window, SLOWEST_PERIOD * self.settings.min_frames)

    def explain_indecision(self) -> str:
        """Explain why the alarm stays as it is, where images come too slowly; '' elsewhere."""
        if not self._lacks_images:
            return ''
        return (f'the alarm needs {self.settings.min_frames} images in {self._oldest_age:g} s, '
                f'and has {len(self._frames)}: lower alarm.min_frames, or have more images')

    def reset(self) -> None:
        """Clear the alarm and forget every image seen."""
        # Times in nanoseconds, which never fall, and probabilities.
        self._frames: deque[tuple[int, float]] = deque(maxlen=MAX_FRAMES)
        # The last images, where they are of another time.
        self._others: list[tuple[int, float]] = []
        self._active = self._lacks_images = False

    def update(self, stamp: int, probability: float) -> bool:
        """
        Update the alarm with one more image.

        :param stamp: the image's time in nanoseconds.
        :param probability: that it shows fire, 0..1.
        :return: whether the alarm is raised now.
        :raises ValueError: when the probability is not from 0 to 1; the alarm then stays as it
            was.
        """
        if not 0.0 <= probability <= 1.0:
            raise ValueError(f'a probability from 0 to 1 is expected, not {probability}')
        latest = self._frames[-1][0] if self._frames else stamp
        self._others.append((stamp, probability))
        if -1e9 * MAX_LATE <= stamp - latest <= 1e9 * CLOCK_JUMP:
            self._frames.extend((max(stamp, latest), each) for _, each in self._others)
        elif len(self._others) < max(2, self.settings.min_frames):
            return self._active
        else:
            self._frames.clear()
            self._frames.extend(zip(
                accumulate((each for each, _ in self._others), max),
                (each for _, each in self._others), strict=True))
        self._others.clear()
        self._forget()
        self._decide()
        return self._active

    def _forget(self) -> None:
        now, fewest = self._frames[-1][0], self.settings.min_frames
        while now - self._frames[0][0] > 1e9 * self._oldest_age:
            self._frames.popleft()
            self._lacks_images = True
        if len(self._frames) >= fewest:
            self._lacks_images = False
        while len(self._frames) > fewest and self._is_over(self._frames[0][0], now):
            self._frames.popleft()

    def _is_over(self, stamp: int, now: int) -> bool:
        return stamp == now or now - stamp > 1e9 * self.settings.window

    def _decide(self) -> None:
        settings = self.settings
        if len(self._frames) >= settings.min_frames and not (self._active and self.latch):
            level = median(probability for _, probability in self._frames)
            self._active = level >= (
                settings.off_threshold if self._active else settings.on_threshold)


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
