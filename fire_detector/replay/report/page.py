# SPDX-License-Identifier: Apache-2.0
"""Write what a replay found as one HTML file that needs nothing else, nor a network."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from fire_detector.replay.records import Report, Run, TopicReport
from fire_detector.replay.report.axis import highest, name_of, timeline
from fire_detector.replay.report.html_text import counted, Html, percent, seconds, table, tag
from fire_detector.replay.report.images import chosen_images
from fire_detector.replay.report.report_style import STYLE
from fire_detector.replay.report.topic import topic_section

# Forbids the browser to load anything that is not in the page.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
MAX_PROBLEMS = 50


def write_report(report: Report, path: Path) -> None:
    """
    Write the report.

    :param report: what was found.
    :param path: the HTML file, which is written anew.
    :raises OSError: when it cannot be written.
    """
    # Names of files and topics may hold what is no valid text: surrogates for odd bytes.
    path.write_text(page(report), encoding='utf-8', errors='backslashreplace')


def page(report: Report) -> str:
    """Make the page."""
    head = tag('head', tag('meta', charset='utf-8'),
               tag('meta', name_='viewport', content='width=device-width, initial-scale=1'),
               tag('meta', http_equiv='Content-Security-Policy', content=POLICY),
               tag('meta', name_='color-scheme', content='light dark'),
               # Or a browser asks the server for one.
               tag('link', rel='icon', href='data:,'),
               tag('title', f'Fire detection: {report.source}'), tag('style', Html(STYLE)))
    anchors = {index: f'topic-{index}' for index in range(len(report.topics))}
    images = chosen_images(report)
    body = tag('body', _header(report), tag(
        'main', *_problems(report.problems), _overview(report, anchors),
        *(topic_section(topic, images, anchors[index])
          for index, topic in enumerate(report.topics))))
    return '<!DOCTYPE html>\n' + tag('html', head, body, lang='en') + '\n'


def verdict(report: Report) -> str:
    """Return in a sentence or two how many alarms there were; one for each model."""
    runs = _runs(report.topics)
    if not any(answer.probability is not None for _, run in runs for answer in run.predictions):
        return 'No image was answered: nothing is known.'
    models = list(dict.fromkeys(name_of(topic, run) for topic, run in runs))
    counts = [sum(len(run.alarms) for topic, run in runs if name_of(topic, run) == model)
              for model in models]
    if all(len(topic.runs) == 1 for topic, _ in runs):
        among = ' in what could be read' if report.problems else ''
        return f'{counted(sum(counts), "alarm").capitalize()}{among}.'
    return ' '.join(f'{model}: {counted(count, "alarm")}.'
                    for model, count in zip(models, counts, strict=True))


def _header(report: Report) -> Html:
    runs = _runs(report.topics)
    raised = any(run.alarms for _, run in runs)
    parts = [tag('p', verdict(report), class_='verdict raised' if raised else 'verdict')]
    found = [(best.probability or 0.0, best, topic, run) for topic, run in runs
             if (best := highest(run.predictions)) is not None]
    if found:
        top, best, topic, run = max(found, key=lambda one: one[0])
        parts.append(tag('p', f'Highest probability: {percent(top)} at '
                              f'{seconds(timeline(topic).at(best))} on {topic.topic}'
                              f'{_by_which(topic, run)}.'))
    made = f'Made {report.made}'
    if report.processed_in > 0:
        made += f', in {seconds(report.processed_in)}'
    return tag('header', tag('p', 'Fire detection on a recording', class_='kind'),
               tag('h1', report.source), *parts, tag('p', tag('small', f'{made}.')))


def _by_which(topic: TopicReport, run: Run) -> str:
    return f' ({name_of(topic, run)})' if len(topic.runs) > 1 else ''


def _problems(problems: Sequence[str]) -> list[Html]:
    if not problems:
        return []
    items = [tag('li', problem) for problem in problems[:MAX_PROBLEMS]]
    if len(problems) > MAX_PROBLEMS:
        items.append(tag('li', f'and {len(problems) - MAX_PROBLEMS} more'))
    title = f'{counted(len(problems), "problem")}: this report may be incomplete'
    return [tag('section', tag('h2', title), tag('ul', *items), class_='problems')]


def _overview(report: Report, anchors: dict[int, str]) -> Html:
    if not report.topics:
        return tag('p', 'There was no topic with images.', class_='warning')
    rows = [_overview_row(topic, run, anchors[index])
            for index, topic in enumerate(report.topics) for run in topic.runs]
    return tag('section', tag('h2', 'Overview'), table(
        'Topics and models', ('Topic', 'Model', 'Alarms', 'Highest', 'Images', 'Rejected'),
        rows, class_='overview'))


def _overview_row(topic: TopicReport, run: Run, anchor: str) -> list[str]:
    best = highest(run.predictions)
    rejected = sum(answer.probability is None for answer in run.predictions)
    return [tag('a', topic.topic, href=f'#{anchor}'), name_of(topic, run), str(len(run.alarms)),
            '-' if best is None or best.probability is None else percent(best.probability),
            str(len(run.predictions)), str(rejected)]


def _runs(topics: Iterable[TopicReport]) -> list[tuple[TopicReport, Run]]:
    return [(topic, run) for topic in topics for run in topic.runs]
