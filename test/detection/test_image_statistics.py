# SPDX-License-Identifier: Apache-2.0
"""The counts of a camera's images, from events and times given by hand."""

from itertools import pairwise
from pathlib import Path
import resource
import time

from fire_detector.detection.image_statistics import (
    EVENTS,
    MAX_MEASUREMENTS,
    MAX_TEXT,
    percentile,
    read_usage,
    REASONS,
    Snapshot,
    Statistics,
    STATM,
    Usage,
)
from image_events import arrive, CLOCK, NOTHING, process, START
import pytest


def snapshot(statistics: Statistics, now: float) -> Snapshot:
    """Return a snapshot where the usage does not matter."""
    return statistics.snapshot(now, NOTHING)


def test_beginning() -> None:
    """Nothing has happened yet: counts of 0 under every name, and unknown rates."""
    statistics = Statistics(START)
    assert not statistics.any_arrived
    assert statistics.output_rate is None
    found = snapshot(statistics, START)
    assert found.totals == dict.fromkeys((*EVENTS, *REASONS), 0)
    assert (found.silence, found.waiting) == (0.0, None)
    assert (found.input_rate, found.output_rate) == (None, None)
    assert (found.encoding, found.size, found.rejection) == ('unknown', 'unknown', ('other', ''))
    assert (found.cpu_share, found.memory) == (None, None)


def test_one_period() -> None:
    """
    Thirty images in a second are 30 Hz, of which 24 are processed, and so on.

    0.5 s of processor time in a second are half a core. The ages are those of the stamped images,
    the last two of which are stale.
    """
    statistics = Statistics(START)
    statistics.snapshot(START, Usage(2.0, None))
    arrive(statistics, START + 0.5, 30)
    for number in range(24):
        statistics.processed(number / 1000, CLOCK - number * 10_000_000, CLOCK,
                             'old' if number > 21 else '')
    for _ in range(3):
        statistics.skipped()
    statistics.dropped()
    statistics.dropped(2)
    statistics.rejected('size', '0x0 is not an image size')
    found = statistics.snapshot(START + 1, Usage(2.5, 96))
    assert (found.input_rate, found.output_rate, found.cpu_share) == (30.0, 24.0, 0.5)
    assert statistics.output_rate == 24.0
    assert (found.memory, found.silence) == (96, 0.5)
    assert (found.encoding, found.size) == ('bgr8', '640x480')
    assert found.rejection == ('size', '0x0 is not an image size')
    period = found.period
    assert [getattr(period, name) for name in EVENTS] == [30, 24, 3, 3, 1, 2]
    assert [found.totals[name] for name in EVENTS] == [30, 24, 3, 3, 1, 2]
    assert (found.stale_run, found.staleness) == (2, 'old')
    assert {name: found.totals[name] for name in REASONS if found.totals[name]} == {'size': 1}
    assert list(period.inference) == [number / 1000 for number in range(24)]
    assert list(period.ages) == pytest.approx([number / 100 for number in range(24)], abs=1e-6)
    assert (period.unstamped, period.without_clock) == (0, 0)


def test_counts_never_fall_and_measurements_begin_anew() -> None:
    """Totals are since the start; ages and times of inference are the period's alone."""
    statistics = Statistics(START)
    process(statistics, START, 3)
    first, second = snapshot(statistics, START + 1), snapshot(statistics, START + 1.5)
    assert (first.totals['arrived'], second.totals['arrived']) == (3, 3)
    assert (first.period.arrived, second.period.arrived) == (3, 0)
    assert (len(first.period.inference), len(second.period.inference)) == (3, 0)
    assert (len(first.period.ages), len(second.period.ages)) == (3, 0)


def test_any_arrived() -> None:
    """It is true as soon as an image arrives, and stays true after the snapshot."""
    statistics = Statistics(START)
    arrive(statistics, START)
    assert statistics.any_arrived
    snapshot(statistics, START + 1)
    assert statistics.any_arrived


def test_silence() -> None:
    """It lasts since the start, then since the last image, whatever became of that."""
    statistics = Statistics(START)
    assert statistics.silence(START + 2) == 2.0
    arrive(statistics, START + 2)
    statistics.skipped()
    assert statistics.silence(START + 3.5) == 1.5
    assert snapshot(statistics, START + 4).silence == 2.0


@pytest.mark.parametrize('event', ['processed', 'skipped', 'rejected'])
def test_waiting_ends_with_what_becomes_of_the_image(event: str) -> None:
    """
    An image waits from its arrival until it is processed, skipped or rejected.

    The next one, at 104 s, waits since then, and one that follows it since its own arrival does
    not shorten that.
    """
    statistics = Statistics(START)
    arrive(statistics, START)
    assert snapshot(statistics, START + 3).waiting == 3.0
    if event == 'processed':
        statistics.processed(0.02, CLOCK, CLOCK)
    elif event == 'skipped':
        statistics.skipped()
    else:
        statistics.rejected('data', 'too short')
    assert snapshot(statistics, START + 3.5).waiting is None
    arrive(statistics, START + 4)
    arrive(statistics, START + 5)
    assert snapshot(statistics, START + 6).waiting == 2.0


def test_dropped_image_still_waits() -> None:
    """An image that replaces one that was never processed has waited as long as that."""
    statistics = Statistics(START)
    for number in range(4):
        arrive(statistics, START + number)
        statistics.dropped()
    assert snapshot(statistics, START + 3).waiting == 3.0


@pytest.mark.parametrize(('stamp', 'clock', 'unstamped', 'without_clock', 'ages'), [
    (0, CLOCK, 1, 0, 0), (0, 0, 1, 0, 0), (12_500, 0, 0, 1, 0), (12_500, 13_000, 0, 0, 1)])
def test_age_needs_stamp_and_clock(stamp: int, clock: int, unstamped: int,
                                   without_clock: int, ages: int) -> None:
    """No age is made up where one of the two times is missing."""
    statistics = Statistics(START)
    arrive(statistics, START)
    statistics.processed(0.02, stamp, clock)
    period = snapshot(statistics, START + 1).period
    assert (period.unstamped, period.without_clock, len(period.ages)) == (
        unstamped, without_clock, ages)


def test_rate_is_taken_over_the_last_five_snapshots() -> None:
    """
    An image every 2 s, looked at every second, is 0.5 Hz in steady state or near it.

    Five seconds have two or three of them: 0.4 or 0.6 Hz, and never 0 or 1.
    """
    statistics = Statistics(START)
    rates = []
    for second in range(20):
        if second % 2 == 0:
            process(statistics, START + second)
        rates.append(snapshot(statistics, START + second + 1).input_rate)
        assert statistics.output_rate == rates[-1]
    assert set(rates[5:]) == {0.4, 0.6}


def test_snapshot_without_time() -> None:
    """Two snapshots at once divide by nothing."""
    statistics = Statistics(START)
    process(statistics, START)
    assert snapshot(statistics, START).input_rate is None
    assert snapshot(statistics, START).cpu_share is None


def test_unknown_reason_counts_as_other() -> None:
    """A reason that is not known is not lost."""
    statistics = Statistics(START)
    statistics.rejected('step', 'x')
    found = snapshot(statistics, START + 1)
    assert (found.totals['other'], found.rejection) == (1, ('other', 'x'))


def test_hostile_publisher_does_not_fill_the_memory() -> None:
    """Twenty thousand encodings later, there are as many counts as before, and no long text."""
    statistics = Statistics(START)
    before = snapshot(statistics, START)
    for number in range(20_000):
        statistics.arrived(START, f'{number}' * 1000, f'{number}' * 1000)
        statistics.rejected(f'reason {number}', f'{number}' * 1000)
        statistics.processed(0.02, CLOCK, CLOCK + 1)
    after = snapshot(statistics, START + 1)
    assert before.totals.keys() == after.totals.keys()
    assert {len(text) for text in (after.encoding, after.size, after.rejection[1])} == {MAX_TEXT}
    assert after.totals['other'] == 20_000
    assert len(after.period.inference) == len(after.period.ages) == MAX_MEASUREMENTS


def test_events_are_cheap() -> None:
    """
    Counting an image takes microseconds, of the 33 ms that there are at 30 images a second.

    The best of five must be below 10 us on whatever runs the tests; 0.6 us were measured.
    """
    statistics = Statistics(START)
    durations = []
    for _ in range(5):
        begin = time.thread_time()
        process(statistics, START, 2000)
        durations.append((time.thread_time() - begin) / 2000)
    assert min(durations) < 1e-5


@pytest.mark.parametrize(('percent', 'expected'), [
    (1, 1), (20, 1), (21, 2), (50, 3), (60, 3), (61, 4), (100, 5)])
def test_percentile(percent: int, expected: int) -> None:
    """Of five values, each is the nearest rank for a fifth of the percents."""
    assert percentile([5, 3, 1, 2, 4], percent) == expected


def test_percentile_of_many() -> None:
    """Of 1 to 100, each is its own percentile."""
    assert [percentile(range(1, 101), percent) for percent in range(1, 101)] == [*range(1, 101)]


def test_percentile_of_nothing() -> None:
    """There is none."""
    with pytest.raises(ValueError, match='percentile'):
        percentile([], 50)


def test_usage_is_that_of_this_process() -> None:
    """Processor time grows with work, memory with what is held: 64 MiB more, here."""
    before = read_usage()
    block = bytearray(b'x' * (64 * 2 ** 20))
    after = read_usage()
    assert all(one < other for one, other in pairwise([0.0, before.cpu, after.cpu]))
    if not STATM.exists():
        pytest.skip('this system has no /proc/self/statm')
    assert before.memory is not None and after.memory is not None
    assert after.memory - before.memory > 0.9 * len(block)
    # Not the address space, which is far larger than what was ever held (KiB, on Linux).
    assert after.memory <= 1.1 * 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_usage_without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the system does not say, the memory is unknown and the time is not."""
    monkeypatch.setattr('fire_detector.detection.image_statistics.STATM', tmp_path / 'statm')
    usage = read_usage()
    assert usage.memory is None
    assert usage.cpu > 0
