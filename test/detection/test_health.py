# SPDX-License-Identifier: Apache-2.0
"""The health of the detector, from counts and times given by hand."""

import math
from pathlib import Path

from fire_detector.detection.health import assess, describe_model, Health, Level
from fire_detector.detection.image_statistics import REASONS, Statistics, Usage
from fire_detector.model.file import read_contract
from image_events import arrive, CLOCK, NOTHING, process, START
import pytest


def assess_at(statistics: Statistics, now: float, input_problem: str = '',
              image_timeout: float = 2.0) -> Health:
    """Assess the period that ends now."""
    return assess(statistics.snapshot(now, NOTHING), image_timeout, input_problem)


def test_healthy() -> None:
    """
    A hundred images in the first second are 100 Hz; the times of inference go by nearest rank.

    Of 1 ms, 2 ms, ..., 100 ms the 50th is the 50th percentile, and so on. 0.5 s of processor time
    in a second are 50 % of a core. The ages are 0.01 s, 0.02 s, ..., 1 s.
    """
    statistics = Statistics(START)
    statistics.snapshot(START, Usage(2.0, None))
    for number in range(1, 101):
        statistics.arrived(START + number / 100, 'bgr8', '640x480')
        statistics.processed(number / 1000, CLOCK - number * 10_000_000, CLOCK)
    health = assess(statistics.snapshot(START + 1, Usage(2.5, 96 * 2 ** 20)), 2.0)
    assert (health.level, health.message) == (Level.OK, '100.0 images/s')
    assert dict(health.values) == {
        'input rate (Hz)': '100.0', 'output rate (Hz)': '100.0', 'since last image (s)': '0.0',
        'encoding': 'bgr8', 'size': '640x480', 'arrived': '100', 'processed': '100',
        'skipped': '0', 'dropped': '0', 'rejected': '0', 'stale': '0',
        **{f'rejected for {reason}': '0' for reason in REASONS}, 'last rejection': 'none',
        'last staleness': 'none',
        'age p50 (s)': '0.500', 'age max (s)': '1.000', 'inference p50 (ms)': '50.0',
        'inference p95 (ms)': '95.0', 'inference max (ms)': '100.0',
        'CPU (% of one core)': '50.0', 'memory (MiB)': '96.0'}
    assert len(health.values) == len(dict(health.values))


def test_nothing_yet_is_stale_and_then_an_error() -> None:
    """Two seconds are given; what the node knows of its publishers is in the message at once."""
    statistics = Statistics(START)
    health = assess_at(statistics, START + 1)
    assert (health.level, health.message) == (Level.STALE, 'no image yet')
    assert assess_at(statistics, START + 1, 'nobody').message == 'nobody'
    health = assess_at(statistics, START + 2, 'no camera')
    assert (health.level, health.message) == (Level.ERROR, 'no camera')
    values = dict(health.values)
    assert values['since last image (s)'] == 'unknown'
    assert (values['encoding'], values['memory (MiB)']) == ('unknown', 'unknown')
    assert (values['age p50 (s)'], values['inference p95 (ms)']) == ('unknown', 'unknown')


def test_silence_after_images_is_an_error_and_passes() -> None:
    """The last image is 2.5 s old; with the next one all is well again."""
    statistics = Statistics(START)
    process(statistics, START)
    assert assess_at(statistics, START + 0.5).level == Level.OK
    assert assess_at(statistics, START + 1.5).message == 'last image 1.5 s ago'
    health = assess_at(statistics, START + 2.5)
    assert (health.level, health.message) == (Level.ERROR, 'no image for 2.5 s')
    assert dict(health.values)['since last image (s)'] == '2.5'
    process(statistics, START + 3)
    assert assess_at(statistics, START + 3.5).level == Level.OK


def test_no_image_need_come() -> None:
    """A timeout of infinity never ends."""
    statistics = Statistics(START)
    assert assess_at(statistics, START + 1e6, image_timeout=math.inf).level == Level.STALE
    arrive(statistics, START + 1e6)
    assert assess_at(statistics, START + 2e6, image_timeout=math.inf).level == Level.OK


def test_all_rejected_is_an_error_with_the_reason() -> None:
    """It is about the last period: with images that are processed, it is over."""
    statistics = Statistics(START)
    for number in range(3):
        arrive(statistics, START + number / 10)
        statistics.rejected('encoding', "encoding '32FC1' is not one of those known")
    health = assess_at(statistics, START + 1)
    assert health.level == Level.ERROR
    assert health.message == ('no image processed, 3 rejected, the last for its encoding: '
                              "encoding '32FC1' is not one of those known")
    values = dict(health.values)
    assert (values['rejected'], values['rejected for encoding']) == ('3', '3')
    process(statistics, START + 1.5)
    assert assess_at(statistics, START + 2).level == Level.OK


@pytest.mark.parametrize(('rejected', 'level'), [(1, Level.OK), (2, Level.WARN)])
def test_many_rejected(rejected: int, level: Level) -> None:
    """One of 10 is a tenth, which is not more than a tenth; two are."""
    statistics = Statistics(START)
    process(statistics, START, 10 - rejected)
    arrive(statistics, START, rejected)
    for _ in range(rejected):
        statistics.rejected('size', 'x')
    health = assess_at(statistics, START + 1)
    assert health.level == level
    assert (health.message == '2 of 10 images rejected, the last for its size: x') == (
        level == Level.WARN)


@pytest.mark.parametrize(('processed', 'skipped', 'dropped', 'level'), [
    (5, 0, 5, Level.OK), (4, 0, 6, Level.WARN), (0, 3, 3, Level.OK), (5, 22, 3, Level.OK),
    (1, 9, 11, Level.WARN), (1, 9, 0, Level.OK)])
def test_many_dropped(processed: int, skipped: int, dropped: int, level: Level) -> None:
    """
    More than half of those that were sent, whatever a limit of the rate skips of the others.

    A camera of 30 Hz that loses a tenth, with a limit of 5 Hz, has 5 processed, 22 skipped and 3
    dropped images a second, which is no problem; nor is a period without a processed one.
    """
    statistics = Statistics(START)
    process(statistics, START, processed)
    arrive(statistics, START, skipped)
    for _ in range(skipped):
        statistics.skipped()
    statistics.dropped(dropped)
    health = assess_at(statistics, START + 1)
    assert health.level == level
    assert (f'{dropped} of {processed + skipped + dropped} images dropped' in health.message) == (
        level == Level.WARN)


@pytest.mark.parametrize(('fresh', 'stale', 'level', 'text'), [
    (0, 1, Level.ERROR, 'no alarm is published, the last 1 images are stale: old'),
    (0, 9, Level.ERROR, 'no alarm is published, the last 9 images are stale: old'),
    (8, 2, Level.WARN, '2 of 10 images stale, without an alarm: old'),
    (9, 1, Level.OK, '')])
def test_stale_images(fresh: int, stale: int, level: Level, text: str) -> None:
    """An error where none is fresh, also in the seconds between images; else above a tenth."""
    statistics = Statistics(START)
    process(statistics, START, stale, staleness='old')
    process(statistics, START, fresh)
    for second in (1, 1.5):
        health = assess_at(statistics, START + second)
        assert health.level == (level if not fresh or second == 1 else Level.OK)
        assert text in health.message or fresh
    values = dict(health.values)
    assert (values['stale'], values['last staleness']) == (str(stale), 'old')
    process(statistics, START + 2)
    assert assess_at(statistics, START + 2).level == Level.OK


def test_images_of_one_period_are_stale_after_fresh_ones() -> None:
    """Five fresh images a second ago do not matter; a fresh one among the five of now does."""
    for last_fresh, level in ((0, Level.ERROR), (1, Level.WARN)):
        statistics = Statistics(START)
        process(statistics, START, 5)
        assert assess_at(statistics, START + 1).level == Level.OK
        process(statistics, START + 1, 1, staleness='' if last_fresh else 'old')
        process(statistics, START + 1, 4, staleness='old')
        assert assess_at(statistics, START + 2).level == level


@pytest.mark.parametrize(('age', 'text'), [
    (1.0, ''), (-0.1, ''), (1.2, '1.2 s old when they are processed'), (-0.2, '0.2 s ahead')])
def test_ages(age: float, text: str) -> None:
    """What may be fresh is a problem all the same, when it is late or ahead of the clock."""
    statistics = Statistics(START)
    process(statistics, START, age=age)
    health = assess_at(statistics, START + 1)
    assert health.level == (Level.WARN if text else Level.OK)
    assert text in health.message


def test_age_is_that_of_half_of_the_images() -> None:
    """Where one of two is late there is no problem, and where two of three are, there is."""
    for late, level in ((1, Level.OK), (2, Level.WARN)):
        statistics = Statistics(START)
        process(statistics, START, 1)
        process(statistics, START, late, age=2)
        assert assess_at(statistics, START + 1).level == level


@pytest.mark.parametrize(('stamp', 'clock', 'text'), [
    (0, CLOCK, 'no stamp'), (0, 0, 'no stamp'), (12_500_000_000, 0, 'nobody publishes /clock')])
def test_no_age_without_stamp_or_clock(stamp: int, clock: int, text: str) -> None:
    """Nothing is made up: the age is unknown, and the message has the reason."""
    statistics = Statistics(START)
    arrive(statistics, START)
    statistics.processed(0.02, stamp, clock)
    health = assess_at(statistics, START + 1)
    assert health.level == Level.WARN
    assert text in health.message
    assert dict(health.values)['age p50 (s)'] == 'unknown'


@pytest.mark.parametrize(('odd', 'good', 'level'), [
    (1, 3, Level.OK), (2, 2, Level.OK), (2, 1, Level.WARN)])
@pytest.mark.parametrize(('stamp', 'clock'), [(0, CLOCK), (12_500_000_000, 0)])
def test_few_images_without_stamp_or_clock(
        stamp: int, clock: int, odd: int, good: int, level: Level) -> None:
    """One unstamped image among stamped ones is no problem; more than half of them are."""
    statistics = Statistics(START)
    process(statistics, START, good)
    arrive(statistics, START, odd)
    for _ in range(odd):
        statistics.processed(0.02, stamp, clock)
    assert assess_at(statistics, START + 1).level == level


@pytest.mark.parametrize(('waited', 'level'), [(1.9, Level.WARN), (2.0, Level.ERROR)])
def test_image_that_waits(waited: float, level: Level) -> None:
    """Images arrive and are dropped, since the one before them is never processed."""
    statistics = Statistics(START)
    for number in range(4):
        arrive(statistics, START + waited * number / 3)
        statistics.dropped(2)
    health = assess_at(statistics, START + waited)
    assert health.level == level
    assert (health.message == f'an image has waited {waited} s to be processed') == (
        level == Level.ERROR)


@pytest.mark.parametrize('event', ['skipped', 'rejected'])
def test_image_that_was_skipped_or_rejected_does_not_wait(event: str) -> None:
    """Of ten images that arrived 3 s ago, the last was left out: it does not wait."""
    statistics = Statistics(START)
    process(statistics, START, 9)
    arrive(statistics, START)
    if event == 'skipped':
        statistics.skipped()
    else:
        statistics.rejected('size', 'x')
    arrive(statistics, START + 3)
    assert assess_at(statistics, START + 3).level == Level.OK


def test_problems_are_joined() -> None:
    """What the node knows comes first, also while images arrive."""
    statistics = Statistics(START)
    process(statistics, START, 4, age=7)
    arrive(statistics, START)
    statistics.rejected('size', '0x0 is not an image size')
    health = assess_at(statistics, START + 1, 'one of two publishers is not heard')
    assert health.level == Level.WARN
    parts = health.message.split('; ')
    assert [part.split()[0] for part in parts] == ['one', '1', 'the']
    assert 'not an image size' in dict(health.values)['last rejection']


def test_describe_model(model: Path) -> None:
    """What a support request needs: which model exactly, in what."""
    contract = read_contract(model)
    assert describe_model(contract, 'litert', 2) == (
        ('model', f'{contract.name} {contract.version}'),
        ('model SHA-256', contract.model_sha256), ('runtime', 'litert'), ('threads', '2'))
