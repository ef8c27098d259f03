# SPDX-License-Identifier: Apache-2.0
"""Decide by its stamp whether an image shows what the camera sees now."""

# Seconds that clocks synchronized over a network may differ by.
MAX_AHEAD = 0.1
# Seconds from an image's stamp to its detection that are no problem.
MAX_AGE = 1.0
# Seconds that no image of a live camera is late by.
MAX_PLAUSIBLE = 60.0
DAY = 86400.0
NO_STAMP = "the images have no stamp: their age and the alarm's window of time are unknown"
NO_CLOCK = ('simulated time stands at 0: nobody publishes /clock; publish it, or set use_sim_time '
            'to false')
FROZEN = ('the stamp of the images stands still: the camera or its driver repeats one image; '
          'start it anew')


class Freshness:
    """
    The check that an image is fresh, and not stale.

    An image is stale when its stamp is the very stamp of the image before, as of a frozen camera.
    Unless `max_age` is 0, an image is also stale that is older than that or as much ahead of the
    clock, that has no stamp, or that is checked while the clock stands at 0. A stamp of 0 is none.

    :ivar max_age: seconds between stamp and clock at most; 0: the age is not checked. May be set
        at any time.
    """

    def __init__(self, max_age: float = 0.0) -> None:
        """Start with no image."""
        self.max_age = max_age
        self._before = 0

    def explain_staleness(self, stamp: int, now: int) -> str:
        """
        Explain why the next image is stale.

        :param stamp: of the image, in nanoseconds.
        :param now: time of the same clock, in nanoseconds; 0 where the clock does not run.
        :return: cause and remedy; '' for a fresh image.
        """
        before, self._before = self._before, stamp
        if stamp == before != 0:
            return FROZEN
        if self.max_age == 0 or (stamp and now and abs(now - stamp) <= 1e9 * self.max_age):
            return ''
        limit = f'max_age is {self.max_age:g} s'
        if not stamp:
            return f'{NO_STAMP}; the driver must set it, or max_age be 0 ({limit})'
        if not now:
            return NO_CLOCK
        return f'{_describe_age(1e-9 * (now - stamp))} ({limit})'


def explain_age(age: float) -> str:
    """
    Explain an age of images that is a problem.

    :param age: seconds from their stamp to their detection.
    :return: age and likely cause; '' where there is no problem.
    """
    return '' if -MAX_AHEAD <= age <= MAX_AGE else _describe_age(age)


def _describe_age(age: float) -> str:
    if age < 0:
        return (f"the images' stamps are {_duration(-age)} ahead of this node's clock: clocks "
                f'that are not synchronized, or use_sim_time on one side only')
    if age > MAX_PLAUSIBLE:
        return (f"the images' stamps are {_duration(age)} old: a recording played without "
                f'use_sim_time, or clocks that are not synchronized')
    return (f'the images are {_duration(age)} old when they are processed: they come late, '
            f'or the processor has too much to do')


def _duration(seconds: float) -> str:
    return f'{seconds:.1f} s' if seconds < DAY else f'{seconds / DAY:.1f} days'
