# SPDX-License-Identifier: Apache-2.0
"""From when to when an alarm was raised."""

from collections.abc import Iterable


def raised_intervals(states: Iterable[tuple[float, bool]],
                     end: float) -> list[tuple[float, float]]:
    """
    List when the alarm was raised and when it was cleared.

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
