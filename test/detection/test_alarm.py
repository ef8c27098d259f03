# SPDX-License-Identifier: Apache-2.0
"""The alarm follows what lasts, and not what flickers."""

from collections.abc import Sequence

from fire_detector.detection.alarm import alarm_intervals, CLOCK_JUMP, FireAlarm, MAX_FRAMES
from fire_detector.model.contract import AlarmSettings, MAX_WINDOW
import pytest

SETTINGS = AlarmSettings(on_threshold=0.7, off_threshold=0.3, window=1.0, min_frames=3)


def play(probabilities: Sequence[float], period: float = 0.1, start: float = 100.0,
         alarm: FireAlarm | None = None) -> list[bool]:
    """Update an alarm with one probability a period; return its states."""
    updated = alarm or FireAlarm(SETTINGS)
    return [updated.update(start + index * period, probability)
            for index, probability in enumerate(probabilities)]


def test_needs_min_frames() -> None:
    """Two images are not three, however sure they are."""
    assert play([1.0, 1.0, 1.0]) == [False, False, True]


def test_single_odd_image_neither_raises_nor_clears() -> None:
    """The median of 0.1, 0.1, 1.0, 0.1 ... stays 0.1, and that of 0.9, 0.9, 0.9, 0.0 is 0.9."""
    assert not any(play([0.1, 0.1, 1.0, 0.1, 0.1, 1.0, 0.1, 0.1]))
    assert play([0.9, 0.9, 0.9, 0.0, 0.9, 0.9])[2:] == [True] * 4


def test_hysteresis() -> None:
    """Between the thresholds the alarm stays as it was: on after 0.9, off after 0.1."""
    assert play([0.9] * 3 + [0.5] * 20)[-1] is True
    assert play([0.1] * 3 + [0.5] * 20)[-1] is False


def test_thresholds_belong_to_the_upper_side() -> None:
    """0.7 raises, and 0.3 does not clear."""
    assert play([0.7] * 3)[-1] is True
    assert play([0.9] * 3 + [0.3] * 20)[-1] is True
    assert play([0.9] * 3 + [0.29] * 20)[-1] is False


def test_window_forgets() -> None:
    """
    Check when ten images of fire are outvoted.

    At 0.25 s an image, the window of 1 s holds 5. After the third calm one it holds 2 of fire
    and 3 calm, so the median is calm.
    """
    states = play([0.9] * 10 + [0.1] * 4, period=0.25)
    assert states[10:] == [True, True, False, False]


def test_window_includes_its_end() -> None:
    """An image as old as the window counts: the median of 1 and 0 is 0.5. After that it is 0."""
    alarm = FireAlarm(AlarmSettings(0.5, 0.5, window=1.0, min_frames=1))
    assert [alarm.update(100.0, 1.0), alarm.update(101.0, 0.0)] == [True, True]
    assert alarm.update(101.01, 0.0) is False


@pytest.mark.parametrize('start', [50.0, 3700.0])
def test_time_that_jumps_resets(start: float) -> None:
    """
    A bag that starts again, or a clock that is set, starts with no alarm and nothing remembered.

    Its second image confirms that time has jumped, and its third, with SETTINGS, raises the alarm.
    """
    alarm = FireAlarm(SETTINGS)
    assert play([0.9] * 5, start=100.0, alarm=alarm)[-1] is True
    assert play([0.9] * 3, start=start, alarm=alarm) == [True, False, True]


@pytest.mark.parametrize('odd', [0.0, 50.0, 9e8])
def test_single_odd_stamp_changes_nothing(odd: float) -> None:
    """One image without a stamp, or with one of another clock, neither clears nor raises."""
    alarm = FireAlarm(SETTINGS)
    assert play([0.9] * 5, alarm=alarm)[-1] is True
    assert alarm.update(odd, 0.1) is True
    assert play([0.9] * 5, start=100.5, alarm=alarm) == [True] * 5


def test_late_image_counts_as_of_now() -> None:
    """Two cameras on one topic, half a second apart, raise the alarm together."""
    alarm = FireAlarm(SETTINGS)
    states = [alarm.update(100 + 0.1 * number - 0.5 * (number % 2), 0.9) for number in range(4)]
    assert states == [False, False, True, True]


def test_late_image_is_clamped_to_the_newest_time() -> None:
    """
    A calm image of 99.5 s that comes after one of 100 s makes a median of 1, 1 and 0: 1.

    Taken at 99.5 s, it would repeat the stamp of the first image, which would then not count.
    """
    alarm = FireAlarm(AlarmSettings(0.6, 0.6, window=1.0, min_frames=1))
    assert play([1.0, 1.0], start=99.5, period=0.5, alarm=alarm) == [True, True]
    assert alarm.update(99.5, 0.0) is True


def test_late_image_does_not_turn_time_back() -> None:
    """
    A jump is measured from the newest image, also where the last one was late.

    After 100 s and 99.5 s, an image of 98.9 s is 1.1 s behind the newest, more than the window:
    it is odd, and changes nothing. So is one of 220.1 s, which is 120.1 s ahead.
    """
    for odd in (98.9, 100.1 + CLOCK_JUMP):
        alarm = FireAlarm(SETTINGS)
        play([0.9, 0.9], start=100.0, period=0.0, alarm=alarm)
        assert alarm.update(99.5, 0.9) is True
        assert alarm.update(odd, 0.1) is True
        assert len(alarm._frames) == 3


def test_jump_is_measured_from_the_newest_image() -> None:
    """
    With images from 100 s to 100.9 s, two of 99.85 s are 1.05 s behind: time has jumped.

    From the oldest, they would be 0.15 s behind. On from the newest, CLOCK_JUMP is no jump, though
    it is one from the oldest.
    """
    alarm = FireAlarm(SETTINGS)
    assert play([0.9] * 10, alarm=alarm)[-1] is True
    assert [alarm.update(99.85, 0.1), alarm.update(99.86, 0.1)] == [True, False]
    alarm = FireAlarm(AlarmSettings(0.5, 0.5, window=1.0, min_frames=1))
    assert play([0.9] * 10, alarm=alarm)[-1] is True
    assert alarm.update(100.9 + CLOCK_JUMP, 0.1) is False


def test_odd_stamp_is_forgotten_with_the_next_good_one() -> None:
    """Two odd stamps with a good one between them are no jump, wherever they agree."""
    alarm = FireAlarm(SETTINGS)
    assert play([0.9] * 5, alarm=alarm)[-1] is True
    for number in range(5):
        assert alarm.update(50.0 + number / 10, 0.1) is True
        assert alarm.update(100.5 + number / 10, 0.9) is True


def test_two_odd_stamps_that_disagree_are_no_jump() -> None:
    """Of 0 s, 9e8 s and again 0 s, none goes on from the one before it."""
    alarm = FireAlarm(SETTINGS)
    assert play([0.9] * 5, alarm=alarm)[-1] is True
    assert [alarm.update(odd, 0.1) for odd in (0.0, 9e8, 0.0, 9e8)] == [True] * 4
    assert alarm.update(100.5, 0.9) is True


def test_both_images_after_a_jump_count() -> None:
    """With one image needed, the alarm after a jump is that of the two images behind it."""
    alarm = FireAlarm(AlarmSettings(0.5, 0.5, window=1.0, min_frames=2))
    play([0.0] * 5, alarm=alarm)
    assert alarm.update(50.0, 0.9) is False
    assert alarm.update(50.1, 0.9) is True


@pytest.mark.parametrize('step', [-1.0, CLOCK_JUMP])
def test_steps_that_are_no_jump(step: float) -> None:
    """Back by the window or on by CLOCK_JUMP, an image counts at once, and clears the alarm."""
    alarm = FireAlarm(AlarmSettings(0.5, 0.5, window=1.0, min_frames=1))
    assert alarm.update(100.0, 0.9) is True
    assert alarm.update(100.0 + step, 0.1) is False


def test_clock_jump_is_longer_than_any_window() -> None:
    """A slow camera counts, also with a minute between its images, the largest window."""
    assert CLOCK_JUMP > MAX_WINDOW
    settings = AlarmSettings(0.7, 0.3, window=MAX_WINDOW, min_frames=3)
    assert play([0.9] * 3, period=MAX_WINDOW, alarm=FireAlarm(settings)) == [False, False, True]


@pytest.mark.parametrize(('states', 'expected'), [
    ([], []),
    ([(1.0, False), (2.0, False)], []),
    ([(1.0, True)], [(1.0, 9.0)]),
    ([(1.0, False), (2.0, True), (3.0, True), (4.0, False), (5.0, True)],
     [(2.0, 4.0), (5.0, 9.0)]),
    ([(1.0, True), (2.0, False), (3.0, False)], [(1.0, 2.0)]),
])
def test_alarm_intervals(states: list[tuple[float, bool]],
                         expected: list[tuple[float, float]]) -> None:
    """Each begins with the first image that raised it; the last ends at 9 s unless cleared."""
    assert alarm_intervals(states, 9.0) == expected


def test_latched_alarm_stays_until_reset() -> None:
    """Neither calm nor a jump of time clears it; a reset does, and then it is raised again."""
    alarm = FireAlarm(SETTINGS, latch=True)
    assert play([0.9] * 3 + [0.0] * 50, alarm=alarm)[-1] is True
    assert play([0.0] * 50, start=50.0, alarm=alarm) == [True] * 50
    alarm.reset()
    assert play([0.9] * 3, start=60.0, alarm=alarm) == [False, False, True]


def test_latch_may_be_cleared() -> None:
    """Without the latch, the calm of the last second clears the alarm with the next image."""
    alarm = FireAlarm(SETTINGS, latch=True)
    play([0.9] * 3 + [0.0] * 50, alarm=alarm)
    alarm.latch = False
    assert alarm.update(106.0, 0.0) is False


def test_settings_may_be_set() -> None:
    """A lower threshold holds from the next image on, for what was seen before too."""
    alarm = FireAlarm(SETTINGS)
    assert play([0.6] * 5, alarm=alarm)[-1] is False
    alarm.settings = AlarmSettings(on_threshold=0.5, off_threshold=0.3)
    assert alarm.update(100.5, 0.6) is True


def test_stamps_that_stand_still() -> None:
    """A camera that stamps nothing is heard too, and does not fill the memory."""
    alarm = FireAlarm(SETTINGS)
    assert play([0.9] * 1000, period=0.0, alarm=alarm)[-1] is True
    assert play([0.1] * 2, period=0.0, alarm=alarm) == [True, False]
    assert len(alarm._frames) == SETTINGS.min_frames


def test_memory_is_bounded() -> None:
    """Stamps that hardly advance do not fill the memory either."""
    alarm = FireAlarm(SETTINGS)
    play([0.9] * (MAX_FRAMES + 3), period=1e-6, alarm=alarm)
    assert len(alarm._frames) == MAX_FRAMES


def test_largest_settings_are_kept_to() -> None:
    """A window of 60 s at 30 images a second is 1800 images; after 31 s of calm it clears."""
    alarm = FireAlarm(AlarmSettings(0.7, 0.3, window=60.0, min_frames=1000))
    assert play([0.9] * 1800, period=1 / 30, alarm=alarm).index(True) == 999
    states = play([0.1] * 1000, period=1 / 30, start=160.0, alarm=alarm)
    assert 895 < states.index(False) < 905


@pytest.mark.parametrize(('stamp', 'probability'), [
    (1.0, float('nan')), (1.0, -0.1), (1.0, 1.1), (float('nan'), 0.5), (float('inf'), 0.5)])
def test_what_is_no_probability_is_refused(stamp: float, probability: float) -> None:
    """A bad value is an error, and the alarm stays as it was."""
    alarm = FireAlarm(SETTINGS)
    play([0.9] * 3, start=0.0, alarm=alarm)
    with pytest.raises(ValueError, match='expected'):
        alarm.update(stamp, probability)
    assert alarm.update(0.3, 0.9) is True
