# SPDX-License-Identifier: Apache-2.0
"""Limit the rate of events."""


class RateLimit:
    """
    A limit of the rate of events that keeps its rate on average.

    Where events arrive in step, as images do, the limit need not be a whole fraction of that rate.

    :ivar rate: events a second at most; 0 for all of them. May be set at any time.
    """

    def __init__(self, rate: float) -> None:
        """Start with no event."""
        self.rate = rate
        self._due = 0.0

    def allows(self, now: float) -> bool:
        """
        Return whether an event is let through.

        :param now: its time in seconds, of a clock that is not set.
        """
        if self.rate <= 0:
            return True
        if now < self._due:
            return False
        # From when this one was due, not from when it came; but nothing is saved up.
        period = 1 / self.rate
        due = self._due + period
        self._due = due if due > now else now + period
        return True
