# SPDX-License-Identifier: Apache-2.0
"""Draw probability, alarms and labels of one topic over time, as SVG within HTML."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
import math

from fire_detector.replay.records import FIRE, Run, TopicReport
from fire_detector.replay.report.axis import (
    highest,
    Interval,
    LETTERS,
    name_of,
    run_intervals,
    thresholds,
    Timeline,
)
from fire_detector.replay.report.html_text import counted, Html, join, percent, seconds, tag

# Units of the drawing, which is stretched to the page's width: as many as the widest page has
# pixels, so that a column of the decimation is never wider than one.
WIDTH, HEIGHT = 1000, 200
LANE_HEIGHT = 12
MAX_TICKS = 8


def chart(topic: TopicReport, times: Timeline) -> Html:
    """
    Draw what each model told about a topic.

    Texts stand beside the drawing, so that they keep their size where it is narrow.
    """
    ticks = tick_times(times.length)
    rows = [
        tag('div', *(tag('span', f'{level} %', style=f'bottom:{level}%')
                     for level in (0, 50, 100)), class_='levels', aria_hidden='true'),
        tag('div', _plot(topic, times, ticks), *_threshold_names(topic.runs), class_='plot')]
    for name, intervals, style in _lanes(topic, times):
        rows += [tag('div', name, class_='lane-name'),
                 _drawing(LANE_HEIGHT, _bands(intervals, times, LANE_HEIGHT, style),
                          class_='lane', role='img',
                          aria_label=f'{name}: {_in_words(intervals)}')]
    rows += [tag('div', 'seconds', class_='lane-name', aria_hidden='true'),
             tag('div', *(tag('span', f'{tick:g}', style=f'left:{100 * tick / times.length:.2f}%',
                              class_='minor' if index % 2 else '')
                          for index, tick in enumerate(ticks)),
                 class_='times', aria_hidden='true')]
    return tag('figure', tag('div', *rows, class_='chart'),
               tag('figcaption', *_legend(topic), _axis_in_words(times)),
               class_=f'of-{len(topic.runs)}')


def tick_times(length: float) -> list[float]:
    """Choose round times, at most MAX_TICKS of them, from 0 to a length in seconds."""
    scale = 10 ** math.floor(math.log10(length / MAX_TICKS))
    step = next(scale * factor for factor in (1, 2, 5, 10, 20)
                if length / (scale * factor) < MAX_TICKS)
    return [index * step for index in range(int(length / step * (1 + 1e-9)) + 1)]


def _plot(topic: TopicReport, times: Timeline, ticks: Sequence[float]) -> Html:
    parts = [_line(x, 0, x, HEIGHT, 'grid') for x in (_x(tick, times) for tick in ticks)]
    parts += [_line(0, y, WIDTH, y, 'grid') for y in (0, HEIGHT / 2, HEIGHT)]
    parts += [_bands(run_intervals(run, times), times, HEIGHT, f'alarm run{index}')
              for index, run in enumerate(topic.runs)]
    parts += [_line(0, _y(level), WIDTH, _y(level), f'threshold run{index}')
              for index, run in enumerate(topic.runs) for level, _ in thresholds(run)]
    parts += [_curve(topic, run, times, f'curve run{index}')
              for index, run in enumerate(topic.runs)]
    about = f'Fire probability on {topic.topic} over {seconds(times.length)}. ' + ' '.join(
        f'{name_of(topic, run)}: {_run_in_words(run, times)}.' for run in topic.runs)
    return _drawing(HEIGHT, *parts, role='img', aria_label=about)


def _curve(topic: TopicReport, run: Run, times: Timeline, class_: str) -> Html:
    points = [(_x(times.at(answer), times),
               None if answer.probability is None else _y(answer.probability))
              for answer in run.predictions]
    # A little less: the gaps' lengths were computed elsewhere, and may be rounded.
    gap = min((0.999 * length * WIDTH / times.length for _, length in topic.gaps),
              default=math.inf)
    # A line without length is drawn as a dot: its ends are round.
    path = ''.join('M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in decimate(piece, 1.0)) + 'h0'
                   for piece in unbroken(points, gap))
    return tag('path', d=path, class_=class_)


def _bands(intervals: Iterable[Interval], times: Timeline, height: float, class_: str) -> Html:
    """Draw stretches of time, none so narrow that it cannot be seen."""
    return join(
        tag('rect', tag('title', f'{seconds(start)} to {seconds(end)}'),
            x=f'{_x(start, times):.1f}', y=0, height=height,
            width=f'{max(_x(end, times) - _x(start, times), 1.0):.1f}', class_=class_)
        for start, end in intervals if end >= 0 and start <= times.length)


def _lanes(topic: TopicReport, times: Timeline) -> list[tuple[str, list[Interval], str]]:
    """List what is shown below the curves: names, stretches of time, and how to draw them."""
    lanes: list[tuple[str, list[Interval], str]] = []
    labels = next((run.labels for run in topic.runs if run.labels), None)
    # Labels are in stamps.
    if labels and times.by_stamp:
        for label in sorted({event.label for event in labels.events}):
            lanes.append((f'labeled {label}', [
                (max(times.since_start(event.start), 0.0),
                 min(times.since_start(event.end), times.length))
                for event in labels.events if event.label == label
                and times.since_start(event.start) <= times.length
                and times.since_start(event.end) >= 0], _label_style(label)))
    lanes += [(name, run_intervals(run, times), f'solid run{index}')
              for index, (name, run) in enumerate(zip(
                  _alarm_names(topic), topic.runs, strict=True))]
    rejected = [(times.at(answer),) * 2 for answer in topic.runs[0].predictions
                if answer.probability is None] if topic.runs else []
    if rejected:
        lanes.append(('rejected', _merged(rejected, times), 'rejected'))
    return lanes


def _alarm_names(topic: TopicReport) -> list[str]:
    if len(topic.runs) == 1:
        return ['alarm']
    return [f'alarm {LETTERS[index]}' for index in range(len(topic.runs))]


def _merged(intervals: Iterable[Interval], times: Timeline) -> list[Interval]:
    """Join stretches of time that touch on the screen, so that a thousand make no thousand."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start - merged[-1][1] <= times.length / WIDTH:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _threshold_names(runs: Sequence[Run]) -> list[Html]:
    """Name the threshold lines, each once: on the right those of A, on the left those of B."""
    names: list[Html] = []
    for index, run in enumerate(runs):
        if index and thresholds(run) == thresholds(runs[0]):
            continue
        letter = f' {LETTERS[index]}' if len(runs) > 1 and (
            thresholds(run) != thresholds(runs[-1 - index])) else ''
        names += [tag('span', f'{name}{letter} {percent(level)}', aria_hidden='true',
                      class_=f'level run{index} {name}', style=f'bottom:{100 * level:.1f}%')
                  for level, name in thresholds(run)]
    return names


def _legend(topic: TopicReport) -> list[Html]:
    """Explain what line belongs to which model, in the caption."""
    items = []
    for index, run in enumerate(topic.runs):
        sample = _drawing(10, _line(0, 5, WIDTH, 5, f'curve run{index}'),
                          class_='sample', aria_hidden='true')
        items.append(tag('li', sample, f'fire probability, {name_of(topic, run)}'))
    items += [tag('li', tag('span', class_=f'box run{index}', aria_hidden='true'),
                  f'{name} raised') for index, name in enumerate(_alarm_names(topic))]
    items += [tag('li', _drawing(10, _line(0, 5, WIDTH, 5, 'threshold run0'), class_='sample',
                                 aria_hidden='true'), 'thresholds of the alarm')]
    return [tag('ul', *items, class_='legend')]


def _axis_in_words(times: Timeline) -> Html:
    if times.by_stamp:
        return tag('p', "Seconds from the topic's first stamp.")
    return tag('p', 'The stamps of this topic do not tell the time: the chart runs on the time '
                    'of recording instead, and labels are not drawn.', class_='warning')


def _run_in_words(run: Run, times: Timeline) -> str:
    best = highest(run.predictions)
    if best is None or best.probability is None:
        return 'no answer'
    return (f'highest {percent(best.probability)} at {seconds(times.at(best))}, '
            f'{counted(len(run.alarms), "alarm")}')


def _in_words(intervals: Sequence[Interval]) -> str:
    if len(intervals) > MAX_TICKS:
        return f'{len(intervals)} times'
    return ', '.join(f'{seconds(start)} to {seconds(end)}'
                     for start, end in intervals) or 'never'


def _label_style(label: str) -> str:
    return 'is-fire' if label == FIRE else 'is-nofire'


def _drawing(height: float, *parts: Html, **attributes: str) -> Html:
    return tag('svg', *parts, viewBox=f'0 0 {WIDTH} {height:g}', preserveAspectRatio='none',
               **attributes)


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    return tag('path', d=f'M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}', class_=class_)


def _x(time: float, times: Timeline) -> float:
    return WIDTH * time / times.length


def _y(probability: float) -> float:
    return HEIGHT * (1 - probability)


Point = tuple[float, float]


def decimate(points: Sequence[Point], width: float) -> Iterator[Point]:
    """
    Keep of each column of pixels the first, the lowest, the highest and the last point.

    A line through them covers the same pixels as one through all (Jugel et al., M4: A
    Visualization-Oriented Time Series Data Aggregation, VLDB 2014); no peak is lost.

    :param points: x and y; x does not fall.
    :param width: of a column, in units of x.
    """
    for _, column in groupby(points, key=lambda point: point[0] // width):
        indexed = list(enumerate(column))
        kept = {indexed[0], indexed[-1], min(indexed, key=_height), max(indexed, key=_height)}
        yield from (point for _, point in sorted(kept))


def unbroken(points: Sequence[tuple[float, float | None]], gap: float) -> Iterator[list[Point]]:
    """
    Split a curve where nothing is known, so that no line is drawn across.

    :param points: x and y; y is None where there is none.
    :param gap: distance in x from which on two points are not joined; neither are two of which
        the second is the earlier.
    :return: the pieces, none of them empty.
    """
    piece: list[Point] = []
    for x, y in points:
        if piece and (y is None or not 0 <= x - piece[-1][0] < gap):
            yield piece
            piece = []
        if y is not None:
            piece.append((x, y))
    if piece:
        yield piece


def _height(point: tuple[int, Point]) -> float:
    return point[1][1]
