# SPDX-License-Identifier: Apache-2.0
"""Write the results of a replay as one HTML file, which needs no other file and no network."""

from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

from fire_detector.replay.chart import find_axis
from fire_detector.replay.records import Report
from fire_detector.replay.report.images import choose_images, draw_charts, encode_images
from jinja2 import Environment, PackageLoader, StrictUndefined

# Stamps above count from 1970, others from the start of something; in nanoseconds.
WALL_CLOCK = 10 ** 9 * 10 ** 9
# So that no line is broken between a number and its unit.
SPACE = '\u00a0'
# Problems that are listed, and rows of a table that is open from the start.
MAX_PROBLEMS, OPEN_ROWS = 50, 12


def write_report(report: Report, path: Path) -> None:
    """
    Write the report.

    :param report: the results.
    :param path: the HTML file, which is overwritten.
    :raises OSError: when it cannot be written.
    """
    # Names of files and topics may have surrogates in the place of invalid bytes.
    path.write_text(render_report(report), encoding='utf-8', errors='backslashreplace')


def render_report(report: Report) -> str:
    """Return the page, in which every text is escaped."""
    environment = Environment(loader=PackageLoader('fire_detector.replay.report'), autoescape=True,
                              trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters.update(percent=percent, seconds=seconds, utc=utc, counted=counted,
                               axis=find_axis, charts=draw_charts, images=encode_images)
    # Topics have a letter for each model, or none has.
    alarms: Counter[str] = Counter()
    for topic in report.topics:
        for name, run in topic.named_runs:
            alarms[name] += len(run.alarms)
    highest = max(((best, topic, name) for topic in report.topics
                   for name, run in topic.named_runs if (best := run.highest)),
                  key=lambda found: found[0].probability or 0.0, default=None)
    return environment.get_template('report.html.j2').render(
        report=report, alarms=alarms, highest=highest, chosen=choose_images(report),
        max_problems=MAX_PROBLEMS, open_rows=OPEN_ROWS)


def percent(probability: float | None) -> str:
    """Return a probability; one below 1 is never rounded up to it, nor one above 0 down to it."""
    if probability is None:
        return '-'
    shown = f'{100 * probability:.1f}'
    if shown == '100.0' and probability < 1:
        shown = f'>{SPACE}99.9'
    elif shown == '0.0' and probability > 0:
        shown = f'<{SPACE}0.1'
    return f'{shown}{SPACE}%'


def seconds(value: float) -> str:
    """Return a time in seconds."""
    return f'{value:.2f}{SPACE}s'


def utc(stamp: int) -> str:
    """Return when a stamp was, in UTC; nothing where it does not count from 1970."""
    if stamp <= WALL_CLOCK:
        return ''
    try:
        when = datetime.fromtimestamp(stamp / 1e9, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return ''
    return when.isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def counted(number: int, noun: str) -> str:
    """Return how many of something there are: 'no alarm', '1 alarm', '2 alarms'."""
    return f'{number or "no"} {noun}{"s" if number > 1 else ""}'
