# SPDX-License-Identifier: Apache-2.0
"""The alarm follows what lasts, and not what flickers."""

from collections.abc import Sequence

from fire_detector.detection.alarm import (
    alarm_intervals,
    CLOCK_JUMP,
    FireAlarm,
    MAX_FRAMES,
    MAX_LATE,
)
from fire_detector.model.contract import AlarmSettings, MAX_WINDOW
import pytest

SETTINGS = AlarmSettings(on_threshold=0.7, off_threshold=0.3, window=1.0, min_frames=3)


def update(alarm: FireAlarm, seconds: float, probability: float) -> bool:
    """Update an alarm with an image; return its state."""
    return alarm.update(round(1e9 * seconds), probability)


def play(probabilities: Sequence[float], period: float = 0.1, start: float = 100.0,
         alarm: FireAlarm | None = None) -> list[bool]:
    """Update an alarm with one probability a period; return its states."""
    updated = alarm or FireAlarm(SETTINGS)
    return [update(updated, start + index * period, probability)
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
    assert [update(alarm, 100.0, 1.0), update(alarm, 101.0, 0.0)] == [True, True]
    assert update(alarm, 101.000000001, 0.0) is False


@pytest.mark.parametrize('start', [50.0, 3700.0])
def test_time_that_jumps(start: float) -> None:
    """
    Where a bag starts again, or a clock is set, the alarm stays until three images can decide.

    They alone count then: of five images of fire and three calm ones, the median would be fire.
    """
    alarm = FireAlarm(SETTINGS)
    assert play([0.9] * 5, start=100.0, alarm=alarm)[-1] is True
    assert play([0.1] * 3, start=start, alarm=alarm) == [True, True, False]
    assert play([0.9] * 5, start=100.0, alarm=alarm) == [False, False, True, True, True]


@pytest.mark.parametrize('odd', [0.0, 50.0, 9e8])
def test_single_odd_stamp_changes_nothing(odd: float) -> None:
    """One image without a stamp, or with one of another clock, neither clears nor raises."""
    for min_frames in (1, 3):
        alarm = FireAlarm(AlarmSettings(0.7, 0.3, window=1.0, min_frames=min_frames))
        assert play([0.9] * 5, alarm=alarm)[-1] is True
        assert update(alarm, odd, 0.1) is True
        assert play([0.9] * 5, start=100.5, alarm=alarm) == [True] * 5


def test_late_images_count_as_of_now() -> None:
    """Two cameras on one topic, half a second apart, raise the alarm together."""
    alarm = FireAlarm(SETTINGS)
    states = [update(alarm, 100 + 0.1 * number - 0.5 * (number % 2), 0.9) for number in range(4)]
    assert states == [False, False, True, True]


def test_late_images_with_a_short_window() -> None:
    """Two images that are half a second late do not clear the alarm of a window of 0.2 s."""
    alarm = FireAlarm(AlarmSettings(0.7, 0.3, window=0.2, min_frames=3))
    assert play([0.9] * 5, alarm=alarm)[-1] is True
    assert [update(alarm, stamp, 0.9) for stamp in (99.9, 99.95, 100.5)] == [True] * 3


@pytest.mark.parametrize('apart', [5.0, -5.0, 60.0, 3600.0, -3600.0])
@pytest.mark.parametrize('order', ['ab', 'aabb', 'abb', 'aab', 'abbbbbb'])
def test_publishers_whose_clocks_disagree(apart: float, order: str) -> None:
    """Both show fire for two seconds, in turns or not: the alarm is raised, and stays."""
    alarm = FireAlarm(AlarmSettings(0.9, 0.36))
    states = [update(alarm, 10_000 + 0.05 * number + apart * (order[number % len(order)] == 'b'),
                     0.95) for number in range(40)]
    assert states[-1] is True
    assert states == sorted(states)
    assert states.index(True) < 12


def test_late_image_is_clamped_to_the_newest_time() -> None:
    """
    A calm image of 99.5 s that comes after one of 100 s makes a median of 1, 1 and 0: 1.

    Taken at 99.5 s, it would repeat the stamp of the first image, which would then not count.
    """
    alarm = FireAlarm(AlarmSettings(0.6, 0.6, window=1.0, min_frames=1))
    assert play([1.0, 1.0], start=99.5, period=0.5, alarm=alarm) == [True, True]
    assert update(alarm, 99.5, 0.0) is True


@pytest.mark.parametrize('step', [-MAX_LATE, CLOCK_JUMP])
def test_steps_that_are_no_jump(step: float) -> None:
    """
    An image counts at once up to MAX_LATE behind the newest image and CLOCK_JUMP ahead of it.

    The newest is neither the oldest, which is 0.9 s older, nor the last, which is late.
    """
    alarm = FireAlarm(AlarmSettings(0.5, 0.5, window=0.05, min_frames=1))
    assert play([0.9] * 10, alarm=alarm)[-1] is True
    assert update(alarm, 100.5, 0.9) is True
    assert update(alarm, 100.9 + 1.001 * step, 0.1) is True
    assert update(alarm, 100.9, 0.9) is True
    assert update(alarm, 100.9 + step, 0.1) is False


def test_two_odd_stamps_that_disagree() -> None:
    """Of 0 s, 9e8 s, 0 s and again 9e8 s, all but the first, which is too old, count together."""
    alarm = FireAlarm(SETTINGS)
    assert play([0.9] * 5, alarm=alarm)[-1] is True
    assert [update(alarm, odd, 0.1) for odd in (0.0, 9e8, 0.0, 9e8)] == [True] * 3 + [False]


@pytest.mark.parametrize(('period', 'min_frames', 'raised'), [
    (5.0, 3, True), (5.9, 5, True), (7.4, 5, True), (7.6, 5, False), (9.1, 3, False),
    (119.0, 1, True)])
def test_slow_camera(period: float, min_frames: int, raised: bool) -> None:
    """
    Images count together up to 6 s for each of the fewest: five in 30 s, four periods of 7.5 s.

    Three are 18 s, two periods of 9 s. With fewer, the alarm says what it needs.
    """
    alarm = FireAlarm(AlarmSettings(0.7, 0.3, min_frames=min_frames))
    assert play([0.9] * 20, period=period, alarm=alarm)[-1] is raised
    assert ('the alarm needs' in alarm.explain_indecision()) is not raised


def test_images_of_long_ago_do_not_count() -> None:
    """Two images of fire a minute and a half ago and one of now are not three."""
    alarm = FireAlarm(SETTINGS)
    assert play([0.9] * 2, alarm=alarm) == [False, False]
    assert play([0.9] * 3, start=190.0, alarm=alarm) == [False, False, True]


def test_every_image_of_the_window_counts() -> None:
    """Also with one image needed, whose 6 s are shorter: of a minute, most images are of fire."""
    settings = AlarmSettings(0.7, 0.3, window=MAX_WINDOW, min_frames=1)
    assert CLOCK_JUMP > MAX_WINDOW
    alarm = FireAlarm(settings)
    assert play([0.9, 0.9, 0.9, 0.1, 0.1], period=15.0, alarm=alarm) == [True] * 5
    assert alarm.explain_indecision() == ''


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
    assert update(alarm, 106.0, 0.0) is False


def test_settings_may_be_set() -> None:
    """A lower threshold holds from the next image on, for what was seen before too."""
    alarm = FireAlarm(SETTINGS)
    assert play([0.6] * 5, alarm=alarm)[-1] is False
    alarm.settings = AlarmSettings(on_threshold=0.5, off_threshold=0.3)
    assert update(alarm, 100.5, 0.6) is True


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


@pytest.mark.parametrize('probability', [float('nan'), -0.1, 1.1])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    """A bad value is an error, and the alarm stays as it was."""
    alarm = FireAlarm(SETTINGS)
    play([0.9] * 3, start=0.0, alarm=alarm)
    with pytest.raises(ValueError, match='expected'):
        update(alarm, 1.0, probability)
    assert update(alarm, 0.3, 0.9) is True
