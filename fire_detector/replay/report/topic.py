# SPDX-License-Identifier: Apache-2.0
"""What a report says about one topic."""

from fire_detector.replay.records import (
    AlarmEvent,
    FIRE,
    LabelFigures,
    Run,
    Snapshot,
    TopicReport,
)
from fire_detector.replay.report.axis import name_of, Timeline, timeline
from fire_detector.replay.report.chart import chart
from fire_detector.replay.report.html_text import (
    counted,
    Html,
    join,
    moment,
    pairs,
    percent,
    seconds,
    table,
    tag,
)
from fire_detector.replay.report.images import images

# Rows of a table that is open from the start.
OPEN_ROWS = 12


def topic_section(topic: TopicReport, chosen: frozenset[Snapshot], anchor: str) -> Html:
    """
    Show everything about a topic.

    :param topic: what was found.
    :param chosen: the images that fit into the page.
    :param anchor: the section's id.
    """
    times = timeline(topic)
    columns = [tag('article', tag('h3', name_of(topic, run)), *_run(run, chosen, times))
               for run in topic.runs]
    return tag('section', tag('h2', topic.topic),
               chart(topic, times) if any(run.predictions for run in topic.runs) else Html(),
               tag('div', *columns, class_=f'columns of-{len(columns)}'),
               tag('section', tag('h3', 'Input'), *_input(topic, times)),
               id=anchor)


def _run(run: Run, chosen: frozenset[Snapshot], times: Timeline) -> list[Html]:
    model = _model(run)
    card = pairs('What the model says of itself', model.items())
    return [_alarms(run, times), *_labels(run.labels, times), images(run, chosen, times),
            tag('section', tag('h4', 'Settings'),
                pairs('What the detector was set to', run.settings)),
            tag('section', tag('h4', 'Model'), _folded(card, len(model), 'lines'))]


def _model(run: Run) -> dict[str, str]:
    # Where the model tells the same of itself, it is shown once.
    return {'model': f'{run.model} {run.model_version}', 'runtime': run.runtime,
            'SHA-256': run.sha256} | dict(run.about)


def _alarms(run: Run, times: Timeline) -> Html:
    if not run.alarms:
        none = ('The alarm was not raised.' if any(
            answer.probability is not None for answer in run.predictions)
            else 'No image was answered: nothing is known.')
        return tag('section', tag('h4', 'Alarms'), tag('p', none))
    last = max(answer.stamp for answer in run.predictions) if run.predictions else 0.0
    rows = [(str(number), _when(event.start, times), _end(event, times),
             _duration(event, last), percent(event.peak))
            for number, event in enumerate(run.alarms, 1)]
    return tag('section', tag('h4', 'Alarms'), _folded(
        table(counted(len(rows), 'alarm'), ('Alarm', 'Start', 'End', 'Duration', 'Peak'), rows),
        len(rows), 'alarms'))


def _labels(labels: LabelFigures | None, times: Timeline) -> list[Html]:
    if labels is None:
        return []
    fires = [event for event in labels.events if event.label == FIRE]
    per_hour = ('no time without fire' if labels.false_alarms_per_hour is None
                else f'{labels.false_alarms_per_hour:.2f}')
    figures = pairs('Alarms against labels', (
        ('fires', str(len(fires))), ('missed', str(labels.missed)),
        ('false alarms', str(labels.false_alarms)), ('false alarms per hour', per_hour)))
    rows = []
    for event in labels.events:
        late: str = tag('strong', 'missed') if event.label == FIRE else '-'
        if event.time_to_alarm is not None:
            late = seconds(event.time_to_alarm)
        rows.append((event.label, _when(event.start, times), _when(event.end, times), late))
    events = table('Labeled events', ('Label', 'Start', 'End', 'Time to alarm'), rows)
    return [tag('section', tag('h4', 'Labels'), figures, _folded(events, len(rows), 'events'))]


def _input(topic: TopicReport, times: Timeline) -> list[Html]:
    predictions = topic.runs[0].predictions if topic.runs else ()
    rejected = sum(number for _, number in topic.rejected)
    rows = [('type', topic.message_type), ('images', str(len(predictions))),
            ('rejected', str(rejected)), ('duration', seconds(topic.duration)),
            ('rate', f'{topic.rate:.2f} images a second'), ('gaps', str(len(topic.gaps)))]
    if topic.gaps:
        rows.append(('longest gap', seconds(max(length for _, length in topic.gaps))))
    if times.is_wall_clock:
        rows.insert(1, ('first stamp', moment(times.start)))
    parts = [pairs('Images', rows)]
    if topic.rejected:
        examples = {answer.reason: answer.detail for answer in reversed(predictions)
                    if answer.reason}
        parts.append(table('Rejected images', ('Reason', 'Images', 'The first of them'), [
            (reason, str(number), examples.get(reason, '')) for reason, number in topic.rejected]))
    if topic.gaps:
        gaps = table('Gaps', ('At', 'Length'), [
            (_when(stamp, times), seconds(length)) for stamp, length in topic.gaps])
        parts.append(_folded(gaps, len(topic.gaps), 'gaps'))
    return parts


def _folded(content: Html, rows: int, noun: str) -> Html:
    """Fold a long table away."""
    if rows <= OPEN_ROWS:
        return content
    return tag('details', tag('summary', f'{rows} {noun}'), content)


def _when(stamp: float, times: Timeline) -> Html:
    """Return a stamp, in seconds from the start, and where it counts from 1970, in UTC, too."""
    if not times.by_stamp:
        return join([f'stamp {stamp:.2f} s'])
    since = seconds(times.since_start(stamp))
    return join([since, ' ', moment(stamp)])


def _end(event: AlarmEvent, times: Timeline) -> str:
    return 'still raised at the end' if event.end is None else _when(event.end, times)


def _duration(event: AlarmEvent, last: float) -> str:
    if event.end is None:
        return f'at least {seconds(last - event.start)}'
    return seconds(event.end - event.start)
