# SPDX-License-Identifier: Apache-2.0
"""The guard's decisions, with times and alarms by hand."""

from dataclasses import replace

from fire_detector.guard.guard import (
    describe_scale,
    FireGuard,
    GuardSettings,
    MANUAL,
    NONE,
    SLOW,
    STOP,
)
import pytest

# Nobody is silent within an hour.
SETTINGS = GuardSettings(slow_factor=0.25, release_after=3.0, detector_timeout=3600.0)


def guard_of(settings: GuardSettings = SETTINGS, detectors: int = 1) -> FireGuard:
    """Return a guard that has heard of every detector, at 0 s, that there is no fire."""
    guard = FireGuard(settings, [f'detector {number}' for number in range(detectors)])
    for number in range(detectors):
        guard.report(number, False, 0.0)
    return guard


@pytest.mark.parametrize(('action', 'scale'), [(STOP, 0.0), (SLOW, 0.25), (NONE, 1.0)])
def test_alarm(action: str, scale: float) -> None:
    """An alarm stops, slows to a quarter, or changes nothing; before it commands pass."""
    guard = guard_of(replace(SETTINGS, action=action))
    assert (guard.scale(1.0), guard.alarms()) == (1.0, [])
    guard.report(0, True, 1.0)
    assert guard.scale(1.0) == scale
    assert guard.alarms() == ['fire alarm of detector 0']


def test_release_after_three_seconds() -> None:
    """Clear from 5 s on: held at 7.9 s, passing at 8 s."""
    guard = guard_of()
    guard.report(0, True, 4.0)
    for now in (5.0, 6.0, 7.0, 7.9):
        guard.report(0, False, now)
        assert guard.scale(now) == 0.0
        assert guard.alarms() == ['the fire alarm is not over for 3 s']
    guard.report(0, False, 8.0)
    assert (guard.scale(8.0), guard.alarms()) == (1.0, [])


def test_alarm_again_starts_anew() -> None:
    """Clear at 5 s, raised at 7 s, clear at 7.5 s: not over at 10 s, over at 10.5 s."""
    guard = guard_of()
    for now, alarm in ((4.0, True), (5.0, False), (7.0, True), (7.5, False), (10.0, False)):
        guard.report(0, alarm, now)
    assert guard.scale(10.0) == 0.0
    guard.report(0, False, 10.5)
    assert guard.scale(10.5) == 1.0


def test_silence_is_no_all_clear() -> None:
    """Clear at 5 s and never heard again: held, though silence itself is to change nothing."""
    guard = guard_of(replace(SETTINGS, detector_timeout=1.0, on_silence=NONE))
    guard.report(0, True, 4.0)
    guard.report(0, False, 5.0)
    assert guard.scale(100.0) == 0.0


def test_release_at_once() -> None:
    """With no time to wait, the first word of no fire releases."""
    guard = guard_of(replace(SETTINGS, release_after=0.0))
    guard.report(0, True, 4.0)
    assert guard.scale(4.0) == 0.0
    guard.report(0, False, 4.1)
    assert guard.scale(4.1) == 1.0


def test_manual_release() -> None:
    """Clear for an hour is not enough; a release is, though not while the alarm is raised."""
    guard = guard_of(replace(SETTINGS, release=MANUAL))
    guard.report(0, True, 1.0)
    assert not guard.release()
    assert guard.scale(1.0) == 0.0
    guard.report(0, False, 2.0)
    guard.report(0, False, 3600.0)
    assert guard.scale(3600.0) == 0.0
    assert guard.alarms() == ['the fire alarm is over, and the release is waited for']
    assert guard.release()
    assert guard.scale(3600.0) == 1.0
    guard.report(0, True, 3601.0)
    assert guard.scale(3601.0) == 0.0


def test_release_by_hand_need_not_wait() -> None:
    """Where time would release, too, a release need not wait for it."""
    guard = guard_of()
    guard.report(0, True, 1.0)
    guard.report(0, False, 2.0)
    assert guard.scale(2.0) == 0.0
    assert guard.release()
    assert guard.scale(2.0) == 1.0


@pytest.mark.parametrize(('on_silence', 'scale'), [(STOP, 0.0), (SLOW, 0.25), (NONE, 1.0)])
def test_silence(on_silence: str, scale: float) -> None:
    """Last heard at 10 s, silent from 12 s on, and not any more once it is heard again."""
    guard = guard_of(replace(SETTINGS, detector_timeout=2.0, on_silence=on_silence))
    guard.report(0, False, 10.0)
    assert (guard.scale(11.9), guard.silences(11.9)) == (1.0, [])
    assert guard.scale(12.0) == scale
    assert guard.silences(12.0) == ['no word of detector 0 for 2.0 s']
    assert guard.silences(12.5) == ['no word of detector 0 for 2.5 s']
    guard.report(0, False, 13.0)
    assert (guard.scale(13.0), guard.silences(13.0)) == (1.0, [])


@pytest.mark.parametrize(('on_silence', 'scale'), [(STOP, 0.0), (SLOW, 0.25), (NONE, 1.0)])
def test_never_heard(on_silence: str, scale: float) -> None:
    """A detector that was not heard yet is silent from the start, whatever the timeout."""
    guard = FireGuard(replace(SETTINGS, on_silence=on_silence), ['front'])
    assert guard.scale(0.0) == scale
    assert guard.silences(0.0) == ['no word of front yet']


def test_detector_that_was_never_heard_has_no_alarm() -> None:
    """One of two is heard, without a fire: nothing is held, whatever the silence leads to."""
    guard = FireGuard(replace(SETTINGS, on_silence=NONE), ['front', 'rear'])
    guard.report(0, False, 1.0)
    assert (guard.scale(1.0), guard.alarms()) == (1.0, [])


def test_stricter_one_counts() -> None:
    """Slow for the alarm and stop for silence is a stop, and the other way round."""
    for action, on_silence in ((SLOW, STOP), (STOP, SLOW)):
        guard = guard_of(replace(SETTINGS, detector_timeout=2.0, action=action,
                                 on_silence=on_silence))
        guard.report(0, True, 1.0)
        assert guard.scale(9.0) == 0.0
        assert guard.alarms() + guard.silences(9.0) == [
            'fire alarm of detector 0', 'no word of detector 0 for 8.0 s']


def test_silent_detector_keeps_its_alarm() -> None:
    """Where silence is to change nothing, the last word counts."""
    guard = guard_of(replace(SETTINGS, detector_timeout=2.0, on_silence=NONE))
    guard.report(0, True, 1.0)
    assert guard.scale(1000.0) == 0.0


def test_any_alarm_of_two_counts() -> None:
    """One raised and one clear is an alarm; over when both are clear for three seconds."""
    guard = guard_of(detectors=2)
    guard.report(1, True, 1.0)
    guard.report(0, False, 1.1)
    assert guard.scale(1.1) == 0.0
    assert guard.alarms() == ['fire alarm of detector 1']
    guard.report(1, False, 2.0)
    guard.report(1, False, 5.0)
    # The other was last heard at 1.1 s, before the first had cleared.
    assert guard.scale(5.0) == 0.0
    guard.report(0, False, 5.0)
    assert guard.scale(5.0) == 1.0


def test_any_silence_of_two_counts() -> None:
    """One that is heard does not make up for one that is not."""
    guard = guard_of(replace(SETTINGS, detector_timeout=2.0), detectors=2)
    guard.report(0, False, 10.0)
    assert guard.scale(10.0) == 0.0
    assert guard.silences(10.0) == ['no word of detector 1 for 10.0 s']


def test_settings_hold_at_once() -> None:
    """What is held is slowed as soon as it is to be, and let go where alarms are to do nothing."""
    guard = guard_of()
    guard.report(0, True, 1.0)
    guard.settings = replace(SETTINGS, action=SLOW, slow_factor=0.5)
    assert guard.scale(1.0) == 0.5
    guard.settings = replace(SETTINGS, action=NONE)
    assert guard.scale(1.0) == 1.0


def test_stale_reports_are_no_word() -> None:
    """Heard at 0 s, then stale reports only: silent at 2 s; the first that is fresh ends it."""
    guard = guard_of(replace(SETTINGS, detector_timeout=2.0))
    guard.report_stale(0, False, '9.0 s old')
    assert guard.scale(1.9) == 1.0
    assert guard.scale(2.0) == 0.0
    assert guard.silences(2.0) == ['no word of detector 0 for 2.0 s, only reports 9.0 s old']
    guard.report(0, False, 2.25)
    assert (guard.scale(2.25), guard.silences(4.25)) == (
        1.0, ['no word of detector 0 for 2.0 s'])


def test_stale_alarm_holds_and_stale_clear_does_not_end_it() -> None:
    """Raised by a stale report; clear by stale ones changes nothing, by fresh ones it ends."""
    guard = guard_of()
    guard.report_stale(0, True, '9.0 s old')
    assert (guard.scale(1.0), guard.alarms()) == (0.0, ['fire alarm of detector 0'])
    guard.report_stale(0, False, '9.0 s old')
    assert guard.scale(100.0) == 0.0
    guard.report(0, False, 100.0)
    guard.report(0, False, 103.0)
    assert guard.scale(103.0) == 1.0


def test_stale_reports_do_not_outwait_a_hold() -> None:
    """Clear once at 5 s, then stale for long: no report of no fire for three seconds."""
    guard = guard_of()
    guard.report(0, True, 4.0)
    guard.report(0, False, 5.0)
    guard.report_stale(0, False, '9.0 s old')
    assert guard.scale(100.0) == 0.0


def test_dismissed_detector_does_not_count() -> None:
    """
    Front is alarmed and dies; refused at 3.9 s, 1.9 s after its last word, done at 4 s.

    Rear, clear all the time, then has to say so for three seconds. What front says, even if it is
    stale, brings back its alarm and its silence.
    """
    guard = FireGuard(replace(SETTINGS, detector_timeout=2.0), ['front', 'rear'])
    guard.report(0, True, 2.0)
    guard.report(1, False, 3.9)
    assert guard.dismiss(0, 3.9) == (
        'front was heard 1.9 s ago: only a silent detector can be dismissed')
    assert guard.alarms() == ['fire alarm of front']
    assert guard.dismiss(0, 4.0) == ''
    assert guard.dismissals() == ['front is dismissed: its alarm and its silence do not count']
    assert guard.silences(4.0) == []
    guard.report(1, False, 6.9)
    assert guard.scale(6.9) == 0.0
    guard.report(1, False, 7.0)
    assert guard.scale(7.0) == 1.0
    # The other one still counts.
    assert guard.scale(9.0) == 0.0
    guard.report_stale(0, False, '9.0 s old')
    assert guard.dismissals() == []
    assert guard.alarms() == ['fire alarm of front']
    assert guard.silences(8.0) == ['no word of front for 6.0 s, only reports 9.0 s old']


def test_dismissed_only_detector() -> None:
    """With the last one dismissed nothing is left to hold for; by hand a hold is released, too."""
    guard = guard_of(replace(SETTINGS, detector_timeout=2.0))
    guard.report(0, True, 1.0)
    assert guard.dismiss(0, 3.0) == ''
    assert guard.scale(3.0) == 1.0
    guard = guard_of(replace(SETTINGS, detector_timeout=2.0, release=MANUAL))
    guard.report(0, True, 1.0)
    assert guard.dismiss(0, 3.0) == ''
    assert guard.scale(3.0) == 0.0
    assert guard.release()
    assert guard.scale(3.0) == 1.0
    never_heard = FireGuard(SETTINGS, ['front'])
    assert never_heard.dismiss(0, 0.0) == ''
    assert never_heard.scale(0.0) == 1.0


@pytest.mark.parametrize(('scale', 'words'), [
    (0.0, 'stopped'), (0.3, 'slowed to 30 %'), (0.125, 'slowed to 12.5 %'),
    (1.0, 'commands pass')])
def test_describe_scale(scale: float, words: str) -> None:
    """A factor of zero is a stop, and one of one nothing at all."""
    assert describe_scale(scale) == words
