# SPDX-License-Identifier: Apache-2.0
"""
Decide which reports of detectors and which commands are too old to count.

Stamps and the clock that they are compared with are nanoseconds of that clock, which may be
simulated, stand still or jump. How long something takes is measured in seconds of a clock that
never goes back.
"""

import math

SECOND = 1_000_000_000
# Seconds without an update after which a process that updates more often has not been running,
# and for which its queues then hold what is from before.
STALL, SETTLING = 1.0, 0.5


def explain_age(stamp: int, clock: int, max_age: float) -> str:
    """
    Explain why a stamp is too old or too new.

    :param stamp: nanoseconds; 0 for none.
    :param clock: what the clock shows, nanoseconds.
    :param max_age: seconds by which both may differ; 0 where that is not checked.
    :return: the reason; empty when it is neither.
    """
    if not max_age:
        return ''
    if not stamp:
        return 'without a stamp'
    if not clock:
        return 'while simulated time stands at 0: nobody publishes /clock'
    age = (clock - stamp) / SECOND
    if abs(age) <= max_age:
        return ''
    return f'{age:.1f} s old' if age > 0 else f'{-age:.1f} s ahead of the clock'


class StampCheck:
    """
    The check of the stamps of one source.

    A stamp that does not come after the one before is stale, however near to the clock: a camera
    whose image is frozen repeats it. After a jump back, as at the beginning of a bag that is
    played again, the next stamp counts.
    """

    def __init__(self) -> None:
        """Start with no stamp."""
        self._before = 0

    def explain_stale(self, stamp: int, clock: int, max_age: float) -> str:
        """
        Explain why a message is stale.

        :param stamp: of the message, nanoseconds; 0 for none, which only `max_age` objects to.
        :param clock: what the clock of the stamps shows, nanoseconds.
        :param max_age: seconds by which both may differ; 0 where that is not checked.
        :return: the reason; empty when it is fresh.
        """
        before, self._before = self._before, stamp
        reason = explain_age(stamp, clock, max_age)
        if not reason and stamp and stamp <= before:
            reason = 'with a stamp that does not advance'
        return reason


class StallWatch:
    """A watch for the process not having run for a time, as when it was stopped or swapped out."""

    def __init__(self) -> None:
        """Start before the first update."""
        self._updated_at = math.inf
        self._resumed_at = -math.inf
        self._stalled_for = 0.0

    def update(self, now: float) -> bool:
        """
        Take note that the process runs.

        :param now: seconds.
        :return: whether a stall has just ended.
        """
        gap, self._updated_at = now - self._updated_at, now
        if gap <= STALL:
            return False
        self._resumed_at, self._stalled_for = now, gap
        return True

    def explain_stall(self, now: float) -> str:
        """Explain that queues may hold what is from before a stall; '' where there was none."""
        if now - self._resumed_at >= SETTLING:
            return ''
        return f'the guard did not run for {self._stalled_for:.1f} s'
