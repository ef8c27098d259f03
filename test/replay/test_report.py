# SPDX-License-Identifier: Apache-2.0
"""The report of a replay: its contents, and that every browser and reader can use it."""

from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
import re
import shutil
import subprocess

import cv2
from fire_detector.replay.chart import ALARM_COLOR, NOFIRE_COLOR, REJECTED_COLOR, SERIES_COLORS
from fire_detector.replay.records import (
    AlarmEvent,
    CLEARED,
    FIRE,
    HIGHEST,
    LabeledEvent,
    LabelFigures,
    NOFIRE,
    Prediction,
    RAISED,
    Report,
    Run,
    Snapshot,
    TopicReport,
)
from fire_detector.replay.report.page import (
    MAX_PROBLEMS,
    percent,
    render_report,
    utc,
    write_report,
)
from fire_detector.replay.timeline import write_png
import numpy as np
import pytest

SECOND = 10 ** 9
# 2023-11-14T22:13:20Z.
START = 1_700_000_000 * SECOND
CHROMIUM = next((path for name in ('chromium', 'chromium-browser', 'google-chrome')
                 if (path := shutil.which(name))), None)
VOID = ('img', 'link', 'meta', 'source')
STYLE = (files('fire_detector.replay.report') / 'templates' / 'report.css').read_text()


def predictions(*probabilities: float | None) -> tuple[Prediction, ...]:
    """Return a prediction a second; None is a rejected image."""
    return tuple(
        Prediction(START + index * SECOND, START + index * SECOND, probability,
                   probability is not None and probability >= 0.7,
                   'bad_step' if probability is None else '',
                   'step 1, expected 24' if probability is None else '')
        for index, probability in enumerate(probabilities))


def run_of(shown: tuple[Prediction, ...], alarms: tuple[AlarmEvent, ...] = (),
           snapshots: tuple[Snapshot, ...] = (), labels: LabelFigures | None = None,
           name: str = 'firenet 1.2') -> Run:
    """Return a run with predictions."""
    return Run(name, (('trained on', 'kitchens'),), (('on_threshold', '0.7'),), (0.7, 0.4),
               shown, alarms, snapshots, labels)


def report_of(*runs: Run, problems: tuple[str, ...] = ()) -> Report:
    """Return a report of one topic."""
    return Report('bag.mcap', '2026-01-02T03:04:05+01:00', (TopicReport(
        '/image', 'sensor_msgs/msg/Image', runs),), problems, 3.5)


def image(prediction: Prediction, kind: str) -> Snapshot:
    """Return a snapshot of noise, which JPEG does not make small."""
    pixels = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    return Snapshot(prediction, kind, cv2.imencode('.jpg', pixels)[1].tobytes())


class Page(HTMLParser):
    """The elements and texts of a page, whose tags are checked to be closed in their order."""

    def __init__(self, text: str) -> None:
        """Parse a page."""
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    @property
    def text(self) -> str:
        """Return what can be read, with single spaces."""
        return ' '.join(' '.join(self.texts).split())

    def every(self, name: str) -> list[dict[str, str]]:
        """Return the attributes of all elements of a name."""
        return [attributes for element, attributes in self.elements if element == name]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, {name: value or '' for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the one that is open."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if self._open and self._open[-1] != 'style':
            self.texts.append(data)


@pytest.fixture
def full() -> Report:
    """
    Return a report that has everything, of two models.

    The first raised one alarm, from 2 s to 5 s; the second another from 2 s that stood at the
    end. The last image comes after a gap of 5 s.
    """
    *one, late = predictions(0.1, 0.2, 0.9, 0.95, None, 0.3, 0.1, 0.1, 0.1, 0.1)
    one = [*one[:4], replace(one[4], alarm=True), *one[5:],
           replace(late, stamp=START + 13 * SECOND)]
    *two, late = predictions(0.6, 0.2, 0.8, 0.8, None, 0.8, 0.8, 0.9, 0.9, 0.9)
    two = [*two, replace(late, stamp=START + 13 * SECOND)]
    labels = LabelFigures((LabeledEvent(START + 3 * SECOND // 2, START + 4 * SECOND, FIRE, 0.5),
                           LabeledEvent(START + 5 * SECOND, START + 8 * SECOND, NOFIRE, None),
                           LabeledEvent(START + 8 * SECOND, START + 9 * SECOND, FIRE, None)),
                          1, 2, 120.0)
    return report_of(
        run_of(tuple(one), (AlarmEvent(START + 2 * SECOND, START + 5 * SECOND, 0.95),),
               (image(one[2], RAISED), image(one[3], HIGHEST), image(one[5], CLEARED)),
               labels),
        run_of(tuple(two), (AlarmEvent(START + 2 * SECOND, None, 0.9),), labels=labels,
               name='other 1.2'),
        problems=('bag_2.mcap: cut short',))


def test_figures_are_there(full: Report) -> None:
    """Names and numbers of all results can be read."""
    text = Page(render_report(full)).text
    for figure in (
            'bag.mcap', 'A: firenet 1.2: 1 alarm', 'B: other 1.2: 1 alarm', '95.0 % at 3.00 s',
            'bag_2.mcap: cut short', '2026-01-02T03:04:05+01:00', '3.50 s',
            # The alarms: start, end, duration and peak.
            '2.00 s 2023-11-14 T22:13:22.000Z 5.00 s 2023-11-14 T22:13:25.000Z 3.00 s 95.0 %',
            'at least 11.00 s 90.0 %',
            # The labels.
            'fires 2', 'missed 1', 'false alarms 2', 'hour 120.00', 'fire 1.50 s', '0.50 s',
            # The input.
            'images 10', 'rejected 1', 'bad_step 1 step 1, expected 24', 'longest gap 5.00 s',
            '8.00 s 2023-11-14 T22:13:28.000Z 5.00 s',
            'sensor_msgs/msg/Image', 'on_threshold 0.7', 'kitchens'):
        assert figure in text, figure


def test_opens_without_a_network(full: Report) -> None:
    """Nothing but data within the page is loaded, in its drawings neither; no script is run."""
    page = render_report(full)
    read = Page(page)
    assert not read.every('script')
    sources = [value for _, attributes in read.elements
               for name, value in attributes.items()
               if name in ('src', 'srcset', 'href', 'xlink:href', 'data', 'action', 'poster')]
    assert len(sources) == 3 + 2 + 1 + 2  # images, chart, icon, links to the topic
    assert all(source.startswith(('data:', '#')) for source in sources)
    drawings = [b64decode(code).decode() for code in re.findall(r'svg\+xml;base64,([^"]*)', page)]
    assert len(drawings) == 2
    for drawing in drawings:
        assert not re.search(r'<script|<image|@import|url\([^#]|href="[^#]', drawing)
    assert not re.search(r'@import|url\(|https?:', STYLE)
    policy = next(meta for meta in read.every('meta') if 'http-equiv' in meta)
    assert policy['content'].startswith("default-src 'none'")


def test_can_be_read_aloud(full: Report) -> None:
    """Language, title, headings in order, texts for images and charts, heads of tables."""
    read = Page(render_report(full))
    assert read.elements[0] == ('html', {'lang': 'en'})
    assert len(read.every('title')) == 1
    levels = [int(name[1]) for name, _ in read.elements if re.fullmatch('h[1-6]', name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    chart, *images = (image['alt'] for image in read.every('img'))
    assert all(word in chart for word in ('13.00', 'firenet', '95.0', 'other', '90.0'))
    assert all(re.search(r'\d+\.\d\d.s: \d+\.\d.%', text) for text in images)
    assert len(read.every('caption')) == len(read.every('table')) > 0
    assert all(head['scope'] in ('col', 'row') for head in read.every('th'))


def test_contrast() -> None:
    """
    Text is at least 4.5 times as bright as what it stands on, or the other way; lines 3 times.

    Web Content Accessibility Guidelines 2.2, 1.4.3 and 1.4.11, in light and in dark.
    """
    for part in STYLE.split('@media', 2)[:2]:
        colors = dict(re.findall(r'--([\w-]+): (#\w{6})', part))
        assert all(contrast(colors[name], colors['paper']) >= 4.5
                   for name in ('ink', 'soft', 'link', 'raised'))
        assert contrast(colors['warn-ink'], colors['warn-paper']) >= 4.5
        assert contrast(colors['alarm'], colors['paper']) >= 3
    for color in (*SERIES_COLORS, ALARM_COLOR, NOFIRE_COLOR, REJECTED_COLOR):
        # On a dark page, the chart is inverted.
        inverted = '#' + ''.join(f'{255 - int(color[at:at + 2], 16):02x}' for at in (1, 3, 5))
        assert contrast(color, '#ffffff') >= 3
        assert contrast(inverted, '#14171a') >= 3


def contrast(one: str, other: str) -> float:
    """Compute the contrast of two colors (WCAG 2.2, relative luminance)."""
    def luminance(color: str) -> float:
        channels = [int(color[index:index + 2], 16) / 255 for index in (1, 3, 5)]
        linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
                  for channel in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_text_is_escaped(tmp_path: Path) -> None:
    """A name that is HTML, or a formula, or no valid text at all, is shown as it is."""
    evil = '"><script>alert(1)</script>&\'{{ 7 * 7 }}$\\x$\udc80'
    rejected = Prediction(0, 0, None, False, evil, evil)
    run = Run(evil, ((evil, evil),), ((evil, evil),), (0.7, 0.4),
              (rejected, Prediction(SECOND, SECOND, 0.5, False)), (), (image(rejected, evil),),
              LabelFigures((LabeledEvent(0, SECOND, evil, None),), 0, 0, None))
    report = Report(evil, evil, (TopicReport(evil, evil, (run,)),), (evil,))
    write_report(report, tmp_path / 'report.html')
    write_png(report, tmp_path / 'timeline.png')
    read = Page((tmp_path / 'report.html').read_text(encoding='utf-8'))
    assert not read.every('script')
    assert not any(name.startswith('on') for _, attributes in read.elements
                   for name in attributes)
    assert read.text.count('"><script>alert(1)</script>&\'{{ 7 * 7 }}$\\x$\\udc80') > 15


@pytest.mark.parametrize(('probabilities', 'alarms', 'problems', 'expected'), [
    ((0.1, 0.2), 0, (), 'No alarm.'),
    ((0.1, 0.8), 1, (), '1 alarm.'),
    ((0.8, 0.1, 0.8), 2, (), '2 alarms.'),
    ((0.1,), 0, ('broken',), 'No alarm in what could be read.'),
    ((None, None), 0, (), 'nothing is known')])
def test_verdict(probabilities: tuple[float | None, ...], alarms: int,
                 problems: tuple[str, ...], expected: str) -> None:
    """It is never "no alarm" where nothing was processed."""
    report = report_of(run_of(predictions(*probabilities),
                              (AlarmEvent(START, None, 0.8),) * alarms), problems=problems)
    assert expected in Page(render_report(report)).text


def test_problems(full: Report) -> None:
    """Of many problems, some are listed."""
    problems = tuple(f'bag_{number}.mcap: empty' for number in range(MAX_PROBLEMS + 7))
    read = Page(render_report(replace(full, problems=problems)))
    assert f'{len(problems)} problems' in read.text
    assert len(read.every('li')) == MAX_PROBLEMS + 1
    assert 'and 7 more' in read.text
    assert len(Page(render_report(full)).every('li')) == 1


def test_stamps_that_are_not_set() -> None:
    """Of a camera that stamps nothing, the time of recording is shown, with a warning."""
    unstamped = tuple(replace(one, stamp=0) for one in predictions(0.0, 1.0, 0.0))
    read = Page(render_report(report_of(run_of(unstamped))))
    assert '100.0 % at 1.00 s' in read.text
    stamped = Page(render_report(report_of(run_of(predictions(0.0, 1.0, 0.0)))))
    assert [sum(one.get('class') == 'warning' for one in page.every('p'))
            for page in (read, stamped)] == [1, 0]


def flickering(seconds: int) -> Run:
    """Return random predictions at 30 Hz, with three alarms a second."""
    rng = np.random.default_rng(1)
    return run_of(
        tuple(Prediction(START + index * SECOND // 30, START + index * SECOND // 30,
                         float(rng.random()), index % 10 < 5) for index in range(30 * seconds)),
        tuple(AlarmEvent(START + index * SECOND // 3, START + (2 * index + 1) * SECOND // 6, 0.9)
              for index in range(3 * seconds)))


def test_small_enough() -> None:
    """
    A minute at 30 Hz with flickering alarms stays below 0.4 MB, and with many images below 3 MB.

    Each of the 201 images of noise of each model has more than 50 kB: 20 MB in all. The page has
    the number of those left out; the highest is not. Charts of half an hour are not much larger
    than those of a minute.
    """
    run = flickering(60)
    page = render_report(report_of(run))
    assert len(page.encode()) < 400_000
    assert '180 alarms' in Page(page).text
    long = render_report(report_of(replace(flickering(1800), alarms=())))
    assert len(long.encode()) < 400_000
    many = replace(run, snapshots=(*(image(run.predictions[index], RAISED)
                                     for index in range(0, 1800, 9)),
                                   image(run.predictions[-1], HIGHEST)))
    assert len(many.snapshots[0].jpeg) > 50_000
    page = render_report(report_of(many, many))
    assert 2_000_000 < len(page.encode()) < 3_000_000
    read = Page(page)
    shown = [image['alt'] for image in read.every('img') if 'jpeg' in image['src']]
    left_out = map(int, re.findall(r'(\d+) images left out', read.text))
    assert sum(left_out) == 2 * len(many.snapshots) - len(shown)
    assert sum(HIGHEST in text for text in shown) == 2


@pytest.mark.parametrize(('probability', 'expected'), [
    (0.0, '0.0 %'), (0.0001, '< 0.1 %'), (0.5, '50.0 %'), (0.9994, '99.9 %'),
    (0.9999, '> 99.9 %'), (1.0, '100.0 %')])
def test_percent(probability: float, expected: str) -> None:
    """Only 0 and 1 are rounded to 0 % and 100 %."""
    assert percent(probability).replace('\u00a0', ' ') == expected


@pytest.mark.parametrize(('stamp', 'expected'), [
    (0, ''), (12_500_000_000, ''), (START + SECOND // 4, '2023-11-14T22:13:20.250Z'),
    (SECOND ** 3, '')])
def test_utc(stamp: int, expected: str) -> None:
    """Only stamps that count from 1970 have a date."""
    assert utc(stamp) == expected


@pytest.mark.skipif(CHROMIUM is None, reason='Chromium is not installed')
def test_in_a_browser(full: Report, tmp_path: Path) -> None:
    """
    A real browser logs nothing, and the width of a phone, 375 pixels, suffices.

    A page around the report prints the widths within frames of that size: contents that do not
    fit are wider than their frame. An image from another server shows that the log works.
    """
    long = replace(full, source='/data/' + 'a_long_name_without_an_end' * 9 + '.mcap')
    write_report(long, tmp_path / 'report.html')
    write_report(report_of(run_of(predictions(0.5))), tmp_path / 'small.html')
    frames = ''.join(f'<iframe src="{name}.html" style="width:375px"></iframe>'
                     for name in ('report', 'small'))
    (tmp_path / 'phone.html').write_text(
        f'<body>{frames}<p id="widths"></p><script>onload = () => widths.textContent = '
        "'widths ' + [...document.querySelectorAll('iframe')].map("
        "frame => frame.contentDocument.documentElement.scrollWidth).join(' ')</script>")
    result = browse(tmp_path, 'phone.html')
    assert re.search(r'widths (\d+) (\d+)', result.stdout.split('id="widths">')[1]), result.stdout
    widths = [int(width) for width in result.stdout.split('>widths ')[1].split('<')[0].split()]
    # A scroll bar takes of the 375.
    assert all(300 < width <= 375 for width in widths), widths
    assert 'CONSOLE' not in result.stderr
    text = (tmp_path / 'report.html').read_text()
    (tmp_path / 'spoilt.html').write_text(
        text.replace('</main>', '<img src="http://127.0.0.1:9/x.png"></main>'))
    assert 'CONSOLE' in browse(tmp_path, 'spoilt.html').stderr


def browse(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Open a page; the output is the page after its scripts have run."""
    assert CHROMIUM is not None
    return subprocess.run(
        [CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu', '--disable-extensions',
         '--disable-background-networking', '--allow-file-access-from-files',
         f'--user-data-dir={folder / "profile"}', '--enable-logging=stderr', '--v=0',
         '--dump-dom', (folder / name).as_uri()],
        capture_output=True, text=True, timeout=60, check=True)
