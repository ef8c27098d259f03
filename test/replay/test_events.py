# SPDX-License-Identifier: Apache-2.0
"""Alarms and figures of predictions that are few enough to count by hand."""

from collections.abc import Sequence
from pathlib import Path

from fire_detector.images.color_image import ColorImage
from fire_detector.replay.events import (
    alarm_events,
    gaps_of,
    Label,
    label_figures,
    LabelsError,
    read_labels,
    spread_of,
)
from fire_detector.replay.records import (
    AlarmEvent,
    CLEARED,
    DOUBTFUL,
    HIGHEST,
    LabeledEvent,
    Prediction,
    RAISED,
)
from fire_detector.replay.snapshots import Album
import numpy as np
import pytest

BEGIN = 1_700_000_000.0


def predictions(alarms: str, probabilities: Sequence[float] = ()) -> list[Prediction]:
    """Make an answer a second: '#' in alarm, '.' not, 'x' rejected."""
    return [Prediction(BEGIN + index, BEGIN + index,
                   None if mark == 'x' else probabilities[index] if probabilities else 0.5,
                   mark == '#', 'data' if mark == 'x' else '')
            for index, mark in enumerate(alarms)]


def test_alarm_events() -> None:
    """
    Two alarms: from the 2nd to the 5th second, and from the 6th on.

    The rejected image at 3 changes nothing. The highest between is 0.9 at 4, and 0.7.
    """
    assert alarm_events(predictions('..#x#.##', (0, 1, .6, 0, .9, .2, .6, .7))) == (
        AlarmEvent(BEGIN + 2, BEGIN + 5, 0.9), AlarmEvent(BEGIN + 6, None, 0.7))
    assert alarm_events([]) == ()


def test_spread_and_gaps() -> None:
    """
    Stamps 0, 1, 2, 3, 7, 8, 11: six steps in 11 s, with a median of 1 s; one is above 3 s.

    Three seconds are not more than three periods.
    """
    made = [Prediction(stamp, stamp, 0.5, False) for stamp in (0., 1., 2., 3., 7., 8., 11.)]
    assert gaps_of(made) == ((3.0, 4.0),)
    assert spread_of(made) == pytest.approx((11.0, 6 / 11))
    assert spread_of(made[:1]) == (0.0, 0.0)
    assert gaps_of([]) == ()


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
    given = predictions('.#..###..#')
    figures = label_figures(given, [Label(3, 5, 'fire')])
    assert figures.events == (LabeledEvent(BEGIN + 3, BEGIN + 5, 'fire', 1.0),)
    assert (figures.missed, figures.false_alarms) == (0, 2)
    assert figures.false_alarms_per_hour == pytest.approx(1200)
    # The same with stamps.
    assert label_figures(given, [Label(BEGIN + 3, BEGIN + 5, 'fire')]) == figures


def test_labels_of_no_fire() -> None:
    """
    Only what is labeled so is time without fire, then: 0 to 2, 3 s with one alarm, 1200 an hour.

    The alarm at 9 is in time of which nobody said anything. The fire from 7 to 8 is missed.
    """
    figures = label_figures(predictions('.#..###..#'), [Label(0, 2, 'nofire'), Label(7, 8, 'fire')])
    assert [event.time_to_alarm for event in figures.events] == [None, None]
    assert (figures.missed, figures.false_alarms) == (1, 1)
    assert figures.false_alarms_per_hour == pytest.approx(1200)


def test_edges_of_labels() -> None:
    """Raised before the fire: 0 s, and no false alarm is hidden by it; all fire: no rate."""
    early = label_figures(predictions('.####.'), [Label(1.5, 3, 'fire')])
    assert early.events[0].time_to_alarm == 0.0
    # Raised by the first image of the fire, and not before: half a second.
    first = label_figures(predictions('..###.'), [Label(1.5, 3, 'fire')])
    assert first.events[0].time_to_alarm == 0.5
    assert first.false_alarms == 0
    assert (early.missed, early.false_alarms) == (0, 1)
    # Time without fire: 0, 1 and 5; the alarm takes 4 to clear.
    assert early.false_alarms_per_hour == pytest.approx(1200)
    assert label_figures(predictions('..'), [Label(0, 5, 'fire')]).false_alarms_per_hour is None
    assert label_figures(predictions('..'), [Label(50, 60, 'fire')]).events == ()


def test_read_labels(tmp_path: Path) -> None:
    """Lines come in the order of time; small numbers are seconds since the first image."""
    path = tmp_path / 'events.csv'
    path.write_text('label,start,end\nnofire,10,20.5\nfire,1,2\n')
    assert read_labels(path) == (Label(1, 2, 'fire'), Label(10, 20.5, 'nofire'))
    assert Label(1, 2, 'fire').after(BEGIN) == Label(BEGIN + 1, BEGIN + 2, 'fire')
    stamped = Label(BEGIN, BEGIN + 1, 'fire')
    assert stamped.after(BEGIN) is stamped


@pytest.mark.parametrize(('content', 'words'), [
    ('start,end\n1,2\n', 'no column label'),
    ('start,end,label\n', 'no event'),
    ('start,end,label\n1,2,fire\n1,two,fire\n', r'line 3: start .* are not both'),
    ('start,end,label\n1,2,smoke\n', r'line 2: label .smoke. is not one of'),
    ('start,end,label\n3,2,fire\n', r'line 2: start 3 is not below end 2'),
    ('start,end,label\n1,2,fire\n1700000000,1700000001,fire\n', 'write all of them in one way'),
    ('start,end,label\n1\n', 'are not both'),
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
    album = Album(0.5)
    probabilities = {600: 0.95, 601: 0.94, 1500: 0.51}
    for index in range(2000):
        album.add(Prediction(index / 10, index / 10, probabilities.get(index, 0.01),
                         500 <= index < 700), ColorImage(pixels, 'BGR'))
    shown = album.snapshots()
    assert len(shown) <= 8
    by_kind = {why: [one.answer.stamp for one in shown if one.why == why]
               for why in (RAISED, CLEARED, HIGHEST, DOUBTFUL)}
    assert by_kind[RAISED] == [50.0]
    assert by_kind[CLEARED] == [70.0]
    assert 60.0 in by_kind[HIGHEST]
    assert 60.1 not in by_kind[HIGHEST]
    assert 150.0 in by_kind[DOUBTFUL]
    assert all(one.jpeg[:2] == b'\xff\xd8' for one in shown)
