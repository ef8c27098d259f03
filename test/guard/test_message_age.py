# SPDX-License-Identifier: Apache-2.0
"""What is stale: stamps by hand against clocks that jump, stand still or never start."""

from fire_detector.guard.message_age import explain_age, SECOND, StallWatch, StampCheck
import pytest

NOW = 1_000 * SECOND


@pytest.mark.parametrize(('stamp', 'reason'), [
    (NOW, ''), (NOW - 2 * SECOND, ''), (NOW + 2 * SECOND, ''),
    (NOW - 2_100_000_000, '2.1 s old'), (NOW + 2_100_000_000, '2.1 s ahead of the clock'),
    (NOW - 3600 * SECOND, '3600.0 s old'), (0, 'without a stamp')])
def test_age(stamp: int, reason: str) -> None:
    """Two seconds either way are allowed; with 0 nothing is checked."""
    assert explain_age(stamp, NOW, 2.0) == reason
    assert explain_age(stamp, NOW, 0.0) == ''


def test_clock_that_has_not_begun() -> None:
    """At 0 nothing can be compared with it, also what is stamped at its first moment."""
    assert 'stands at 0' in explain_age(SECOND, 0, 2.0)
    assert explain_age(SECOND, SECOND, 2.0) == ''


def stale(stamps: list[float], max_age: float = 2.0, clock: float = 1000.0) -> list[bool]:
    """Return which of several messages, 0.1 s apart from a clock's time on, are stale."""
    check = StampCheck()
    return [bool(check.explain_stale(round(stamp * SECOND),
                                     round((clock + number / 10) * SECOND), max_age))
            for number, stamp in enumerate(stamps)]


@pytest.mark.parametrize('max_age', [2.0, 0.0])
def test_frozen_stamp(max_age: float) -> None:
    """The first counts, its repetitions do not, and the next that is newer does."""
    assert stale([1000.0, 1000.0, 1000.0, 1000.1], max_age) == [False, True, True, False]


def test_jumping_stamps() -> None:
    """An hour back and forth: neither what is an hour old nor the return counts for more."""
    assert stale([1000.0, -2600.0 + 0.1, 1000.2, 4600.3, 1000.4, 1000.5]) == [
        False, True, False, True, True, False]


def test_jump_back_with_the_clock() -> None:
    """A bag that begins again: one message is lost, and then all count."""
    check = StampCheck()
    for stamp, fresh in ((50.0, True), (1.0, False), (1.1, True), (1.2, True)):
        moment = round(stamp * SECOND)
        assert bool(check.explain_stale(moment, moment, 2.0)) is not fresh


def test_no_stamps() -> None:
    """Without stamps nothing is known of age: all count where it is not checked, else none."""
    assert stale([0.0, 0.0, 0.0], max_age=0.0) == [False] * 3
    assert stale([0.0, 0.0, 0.0]) == [True] * 3


def test_stall() -> None:
    """Updated four times a second, then not for 3 s: distrusted for half a second after that."""
    watch = StallWatch()
    for now in (10.0, 10.25, 11.25):
        assert not watch.update(now)
        assert watch.explain_stall(now) == ''
    assert watch.update(14.25)
    assert watch.explain_stall(14.25) == 'the guard did not run for 3.0 s'
    assert not watch.update(14.5)
    assert watch.explain_stall(14.7) == 'the guard did not run for 3.0 s'
    assert watch.explain_stall(14.75) == ''
