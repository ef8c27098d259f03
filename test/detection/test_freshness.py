# SPDX-License-Identifier: Apache-2.0
"""An image is fresh whose stamp is near the clock and not that of the image before."""

from fire_detector.detection.freshness import explain_age, Freshness, FROZEN, NO_CLOCK, NO_STAMP
import pytest

NOW = 1_700_000_000_154_912_508
SECOND = 10 ** 9
HOUR = 3600 * SECOND


@pytest.mark.parametrize(('age', 'cause'), [
    (0, ''), (2 * SECOND, ''), (-2 * SECOND, ''),
    (2 * SECOND + 1, '2.0 s old when they are processed'), (-2 * SECOND - 1, '2.0 s ahead of'),
    (HOUR, '3600.0 s old: a recording'), (-HOUR, '3600.0 s ahead of'),
    (NOW - 1, '19675.9 days old'), (NOW, NO_STAMP)])
def test_age(age: int, cause: str) -> None:
    """Up to 2 s on either side of the clock are fresh, to the nanosecond; the limit is named."""
    staleness = Freshness(2.0).explain_staleness(NOW - age, NOW)
    assert cause in staleness
    assert ('max_age is 2 s' in staleness) == bool(cause) == bool(staleness)


@pytest.mark.parametrize('max_age', [0.0, 2.0])
def test_stamp_that_stands_still(max_age: float) -> None:
    """The first image is fresh, the same stamp is not, and the next nanosecond is again."""
    freshness = Freshness(max_age)
    assert [freshness.explain_staleness(stamp, NOW) for stamp in (
        NOW, NOW, NOW, NOW + 1, NOW + 1)] == ['', FROZEN, FROZEN, '', FROZEN]


def test_two_cameras_whose_stamps_are_out_of_order() -> None:
    """Each image is some milliseconds before the one before it, or after: all are fresh."""
    freshness = Freshness(2.0)
    assert not any(freshness.explain_staleness(NOW + 50_000_000 * number - shift, NOW)
                   for number in range(10) for shift in (0, 7_000_000))


def test_clock_that_stands_at_0() -> None:
    """Without /clock no age is known: with a limit nothing is fresh, and without it all is."""
    assert Freshness(2.0).explain_staleness(SECOND, 0) == NO_CLOCK
    assert Freshness(0.0).explain_staleness(SECOND, 0) == ''


def test_any_age() -> None:
    """With max_age 0, a camera without stamps is fresh, as is one of another time."""
    freshness = Freshness()
    assert not any(freshness.explain_staleness(stamp, NOW)
                   for stamp in (0, 0, 1, 0, NOW - HOUR, NOW + HOUR))


def test_bag_that_begins_anew() -> None:
    """Stamps and clock go back together: only what comes before the clock is ahead of it."""
    freshness = Freshness(2.0)
    times = (100 * SECOND, 160 * SECOND)
    assert freshness.explain_staleness(times[1], times[1]) == ''
    assert 'old' in freshness.explain_staleness(times[0], times[1])
    assert freshness.explain_staleness(times[0] + SECOND, times[0] + SECOND) == ''


def test_limit_may_be_changed() -> None:
    """It holds for the next image."""
    freshness = Freshness(2.0)
    assert freshness.explain_staleness(NOW - 3 * SECOND, NOW)
    freshness.max_age = 3.0
    assert freshness.explain_staleness(NOW + 1 - 3 * SECOND, NOW) == ''


@pytest.mark.parametrize(('age', 'text'), [
    (0.9, ''), (1.0, ''), (-0.1, ''), (1.2, '1.2 s old when they are processed'),
    (60.0, '60.0 s old when they are processed'), (-0.2, '0.2 s ahead'), (-5, '5.0 s ahead'),
    (90, '90.0 s old: a recording'), (86_399, '86399.0 s old: a recording'),
    (86_400, '1.0 days old: a recording'), (-1.7e9, '19675.9 days ahead')])
def test_explain_age(age: float, text: str) -> None:
    """Late, ahead of time, and of another day: each has its likely cause."""
    assert text in explain_age(age)
    assert bool(explain_age(age)) == bool(text)
