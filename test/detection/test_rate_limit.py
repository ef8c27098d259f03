# SPDX-License-Identifier: Apache-2.0
"""What is let through of images that come in step, late, or after a pause."""

from fire_detector.detection.rate_limit import RateLimit
import pytest


def allowed(limit: RateLimit, times: list[float]) -> int:
    """Count what is let through."""
    return sum(limit.allows(time) for time in times)


@pytest.mark.parametrize(('rate', 'expected'), [(0, 300), (10, 100), (12, 120), (25, 250),
                                                (30, 300), (1000, 300)])
def test_rate_is_kept_on_average(rate: float, expected: int) -> None:
    """Of ten seconds at 30 a second, as many as asked for; at 12, not every third but 120."""
    times = [100 + number / 30 for number in range(300)]
    assert allowed(RateLimit(rate), times) == pytest.approx(expected, abs=2)


def test_nothing_is_saved_up() -> None:
    """After a pause of a minute, ten a second are ten a second."""
    limit = RateLimit(10)
    assert limit.allows(100)
    assert allowed(limit, [160 + number / 100 for number in range(100)]) in (10, 11, 12)


def test_first_event_is_let_through() -> None:
    """Whatever time the clock begins at."""
    assert RateLimit(10).allows(0.0)


def test_whole_period_of_delay_is_not_saved_up() -> None:
    """At one a second, an event that comes a second late is followed by none for a second."""
    limit = RateLimit(1)
    assert [limit.allows(now) for now in (0.0, 2.0, 2.5, 3.0)] == [True, True, False, True]


def test_rate_may_be_set() -> None:
    """It holds from the next event on."""
    limit = RateLimit(0.1)
    assert [limit.allows(100), limit.allows(101)] == [True, False]
    limit.rate = 0
    assert limit.allows(101)
