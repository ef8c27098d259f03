# SPDX-License-Identifier: Apache-2.0
"""Let through so many events a second at most."""


class RateLimit:
    """
    Decide which of many events are let through.

    Where events come in step, as images do, those let through have the rate that is asked for on
    average, not that of the next whole number of events.

    :ivar rate: events a second at most; 0 for all of them. May be set at any time.
    """

    def __init__(self, rate: float) -> None:
        """Let the first event through."""
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
