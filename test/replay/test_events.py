# SPDX-License-Identifier: Apache-2.0
"""Alarms and figures of predictions that are few enough to count by hand."""

from collections.abc import Sequence
from pathlib import Path

from fire_detector.images.color_image import ColorImage
from fire_detector.replay.chart import find_axis
from fire_detector.replay.events import (
    alarm_events,
    label_figures,
    LabelsError,
    read_labels,
)
from fire_detector.replay.records import (
    AlarmEvent,
    CLEARED,
    DOUBTFUL,
    HIGHEST,
    LabeledEvent,
    Prediction,
    RAISED,
    Run,
    TopicReport,
)
from fire_detector.replay.snapshots import SnapshotSelector
import numpy as np
import pytest

# Seconds, as all times here; stamps are integers of nanoseconds.
BEGIN = 1_700_000_000


def stamp(seconds: float) -> int:
    """Return a stamp."""
    return round(1e9 * seconds)


def labeled(start: float, end: float, label: str,
            time_to_alarm: float | None = None) -> LabeledEvent:
    """Return a labeled event."""
    return LabeledEvent(stamp(start), stamp(end), label, time_to_alarm)


def series(alarms: str, probabilities: Sequence[float] = ()) -> list[Prediction]:
    """Return a prediction a second: '#' in alarm, '.' not, 'x' rejected."""
    return [Prediction(stamp(BEGIN + index), stamp(BEGIN + index),
                       None if mark == 'x' else probabilities[index] if probabilities else 0.5,
                       mark == '#', 'data' if mark == 'x' else '')
            for index, mark in enumerate(alarms)]


def at(*stamps: float, received: Sequence[float] = ()) -> tuple[Prediction, ...]:
    """Return predictions with stamps, received at the same times if no others are given."""
    return tuple(Prediction(stamp(taken), stamp(time), 0.5, False)
                 for taken, time in zip(stamps, received or stamps, strict=True))


@pytest.mark.parametrize(('alarms', 'probabilities', 'expected'), [
    ('', (), []),
    ('...', (), []),
    # The rejected image changes nothing. The highest is neither the first, nor the last, nor
    # that of the image that clears the alarm.
    ('..#x##.', (0, 1, .6, 0, .9, .7, 1), [(2, 6, 0.9)]),
    ('#.##', (.6, .2, .8, .7), [(0, 1, 0.6), (2, None, 0.8)]),
    ('.#', (.1, .9), [(1, None, 0.9)])])
def test_alarm_events(alarms: str, probabilities: Sequence[float],
                      expected: list[tuple[float, float | None, float]]) -> None:
    """From the image that raised an alarm to the one that cleared it, with the highest between."""
    assert alarm_events(series(alarms, probabilities)) == tuple(
        AlarmEvent(stamp(BEGIN + start), None if end is None else stamp(BEGIN + end), peak)
        for start, end, peak in expected)


def topic_of(predictions: tuple[Prediction, ...]) -> TopicReport:
    """Return a report of predictions."""
    return TopicReport('/image', 'video', (Run('model', (), (), (0.7, 0.4), predictions, (), ()),))


def test_duration_and_gaps() -> None:
    """
    Stamps 0, 1, 2, 3, 7, 8, 11: six steps in 11 s, with a median of 1 s; one is above 3 s.

    Three seconds are not more than three periods.
    """
    topic = topic_of(at(0, 1, 2, 3, 7, 8, 11))
    assert topic.gaps == ((stamp(3), 4.0),)
    assert (topic.duration, topic.rate) == pytest.approx((11.0, 6 / 11))
    single = topic_of(at(5))
    assert (single.duration, single.rate, single.gaps) == (0.0, 0.0, ())
    assert topic_of(at(0, 0, 0, 5)).gaps == ()


def test_rejected_images() -> None:
    """Reasons are counted in the order of their names, with the detail of the first image."""
    topic = topic_of(tuple(
        Prediction(0, 0, None if reason else 0.5, False, reason, detail)
        for reason, detail in (('encoding', 'a'), ('', ''), ('data', 'b'), ('encoding', 'c'))))
    assert topic.rejected == [('data', 1, 'b'), ('encoding', 2, 'a')]


@pytest.mark.parametrize(('predictions', 'expected'), [
    (at(BEGIN + 1, BEGIN, BEGIN + 9), (BEGIN, 9.0, True)),
    (at(5), (5, 1.0, True)),
    # A camera that stamps nothing, and one with an odd stamp.
    (at(0, 0, 0, received=(BEGIN, BEGIN + 1, BEGIN + 2)), (BEGIN, 2.0, False)),
    (at(BEGIN, BEGIN + 1, 0, received=(BEGIN, BEGIN + 1, BEGIN + 2)), (BEGIN, 2.0, False)),
    # Half as fast as time, as a simulator's; within what is plausible.
    (at(0, 2, 4, received=(7, 8, 9)), (0, 4.0, True))])
def test_time_axis(predictions: tuple[Prediction, ...],
                   expected: tuple[float, float, bool]) -> None:
    """It runs on stamps, or on the time of recording where they do not tell the time."""
    axis = find_axis(topic_of(predictions))
    assert (axis.start / 1e9, axis.length, axis.by_stamp) == expected


def test_label_figures() -> None:
    """
    Ten predictions, a second each, the fire from 3 to 5, alarms as they are drawn.

    second  0 1 2 3 4 5 6 7 8 9
    fire          F F F
    alarm     #     # # #     #

    The alarm at 1 is false, as is that at 9. The one at 4 comes a second after the fire's start,
    and what it takes to clear, 6, counts as neither: 10 - 3 - 1 = 6 seconds without fire. Two
    false alarms in 6 s are 1200 an hour.
    """
    predictions = series('.#..###..#')
    figures = label_figures(predictions, [labeled(3, 5, 'fire')])
    assert figures.events == (labeled(BEGIN + 3, BEGIN + 5, 'fire', 1.0),)
    assert (figures.missed, figures.false_alarms) == (0, 2)
    assert figures.false_alarms_per_hour == pytest.approx(1200)


@pytest.mark.parametrize(('alarms', 'labels', 'false_alarms', 'per_hour'), [
    # An alarm of three images is one false alarm: in 5 - 1 = 4 s, of which it takes 3.
    ('.###.', [labeled(4, 5, 'fire')], 1, 900),
    # Two alarms are two, whatever their length: in 8 s.
    ('##..####', [labeled(9, 10, 'nofire')], 2, 900),
    # One that lasts until the fire was false, and is none in the time after that it takes to
    # clear: 0 and 1, and 5 s.
    ('.####.', [labeled(1.5, 3, 'fire')], 1, 1200),
    # One that is raised in the fire and cleared after it is not false, nor is its time calm.
    ('..###.', [labeled(2, 3, 'fire')], 0, 0),
    # Only what is labeled so is time without fire, if anything is: 0 to 2, 3 s; nobody said
    # anything of 9. The fire from 7 to 8 is missed.
    ('.#..###..#', [labeled(0, 2, 'nofire'), labeled(7, 8, 'fire')], 1, 1200),
    # One that began in time that nobody labeled, and goes on in time without fire, is not new.
    ('.##..', [labeled(2, 4, 'nofire')], 0, 0),
    ('..', [labeled(0, 5, 'fire')], 0, None)])
def test_false_alarms(alarms: str, labels: list[LabeledEvent], false_alarms: int,
                      per_hour: float | None) -> None:
    """They are counted by alarm, not by image, and their rate is of the time without fire."""
    figures = label_figures(series(alarms), labels)
    assert figures.false_alarms == false_alarms
    assert figures.false_alarms_per_hour == (
        None if per_hour is None else pytest.approx(per_hour))


def test_a_loop_takes_no_time_back() -> None:
    """Stamps 0, 1, 2, 0, 1, 2 are 5 s, as the way back takes none: one alarm is 720 an hour."""
    looped = [Prediction(stamp(second), 0, 0.5, alarm) for second, alarm in zip(
        (0, 1, 2, 0, 1, 2), (False, True, False, False, False, False), strict=True)]
    figures = label_figures(looped, [labeled(0, 2, 'nofire')])
    assert figures.false_alarms == 1
    assert figures.false_alarms_per_hour == pytest.approx(720)


@pytest.mark.parametrize(('alarms', 'time_to_alarm'), [
    # The fire is from 1.5 to 3.
    ('.####.', 0.0),  # raised before it, and still in it
    ('#.##..', 0.5),  # raised before it too, but cleared; then by its first image
    ('..##..', 0.5),
    ('.#.#..', 1.5),  # raised before it, cleared by its first image, and raised once more
    ('...#..', 1.5),
    ('##..##', None),  # before and after it only
    ('......', None)])
def test_time_to_alarm(alarms: str, time_to_alarm: float | None) -> None:
    """From the start of the fire, not of the first image; 0 where the alarm was raised already."""
    figures = label_figures(series(alarms), [labeled(1.5, 3, 'fire')])
    event, = figures.events
    assert event.time_to_alarm == time_to_alarm
    assert figures.missed == (time_to_alarm is None)


@pytest.mark.parametrize('alarms', ['..##..', 'x.##..'])
def test_relative_and_absolute_labels(alarms: str) -> None:
    """Seconds since the first image, be it rejected, and the same stamps mean the same."""
    predictions = series(alarms)
    relative = label_figures(
        predictions, [labeled(1, 3, 'fire'), labeled(4, 5, 'nofire')])
    assert relative.events == (labeled(BEGIN + 1, BEGIN + 3, 'fire', 1.0),
                               labeled(BEGIN + 4, BEGIN + 5, 'nofire', None))
    assert label_figures(predictions, [labeled(BEGIN + 1, BEGIN + 3, 'fire'),
                                       labeled(BEGIN + 4, BEGIN + 5, 'nofire')]) == relative
    # In a video stamps count from 0, and small numbers are both.
    video = [Prediction(one.stamp - stamp(BEGIN), 0, one.probability, one.alarm)
             for one in predictions]
    assert label_figures(video, [labeled(1, 3, 'fire')]).events == (
        labeled(1, 3, 'fire', 1.0),)
    assert label_figures(predictions, [labeled(50, 60, 'fire')]).events == ()


def test_read_labels(tmp_path: Path) -> None:
    """Lines come in the order of time; small numbers are seconds since the first image."""
    path = tmp_path / 'events.csv'
    path.write_text('label,start,end\nnofire,10,20.5\nfire,1,2\n')
    labels = read_labels(path)
    assert labels == (labeled(1, 2, 'fire'), labeled(10, 20.5, 'nofire'))
    assert labels[0].is_relative
    path.write_text('start,end,label\n1795562415.154912508,1795562415.154912509,fire\n')
    label, = read_labels(path)
    assert (label.start, label.end) == (1_795_562_415_154_912_508, 1_795_562_415_154_912_509)
    assert not label.is_relative


@pytest.mark.parametrize(('content', 'words'), [
    ('start,end\n1,2\n', 'no column label'),
    ('start,end,label\n', 'no event'),
    ('start,end,label\n1,2,fire\n1,two,fire\n', r'line 3: start .* are not both'),
    ('start,end,label\n1,2,smoke\n', r'line 2: label .smoke. is not one of'),
    ('start,end,label\n3,2,fire\n', r'line 2: start 3 is not below end 2'),
    ('start,end,label\n1,2,fire\n1700000000,1700000001,fire\n', 'write all of them in one way'),
    ('start,end,label\n1\n', 'are not both'),
    ('start,end,label\n1,inf,fire\n', 'are not both'),
    ('start,end,label\nnan,1,fire\n', 'are not both'),
    ('\x00', 'no column|cannot be read')])
def test_labels_that_cannot_be_used(content: str, words: str, tmp_path: Path) -> None:
    """The message names the file, the line and what is expected."""
    path = tmp_path / 'events.csv'
    path.write_text(content)
    with pytest.raises(LabelsError, match=words) as caught:
        read_labels(path)
    assert str(path) in str(caught.value)


def test_snapshots() -> None:
    """
    Of 2000 images of 640x480, a few are kept, 320 wide: alarm, highest, most doubtful.

    The alarm is on from 500 to 699; at 600 the probability is the highest, at 1500 next to the
    threshold. Ten images come a second, and neighbors are not shown twice.
    """
    pixels = np.zeros((480, 640, 3), np.uint8)
    selector = SnapshotSelector(0.5)
    probabilities = {600: 0.95, 601: 0.94, 1500: 0.51}
    for index in range(2000):
        selector.add(Prediction(stamp(index / 10), 0, probabilities.get(index, 0.01),
                                500 <= index < 700), ColorImage(pixels, 'BGR'))
    shown = selector.snapshots()
    assert len(shown) <= 8
    by_kind = {kind: [one.prediction.stamp / 1e9 for one in shown if one.kind == kind]
               for kind in (RAISED, CLEARED, HIGHEST, DOUBTFUL)}
    assert by_kind[RAISED] == [50.0]
    assert by_kind[CLEARED] == [70.0]
    assert 60.0 in by_kind[HIGHEST]
    assert 60.1 not in by_kind[HIGHEST]
    assert 150.0 in by_kind[DOUBTFUL]
    assert all(one.jpeg[:2] == b'\xff\xd8' for one in shown)
