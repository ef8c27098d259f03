# SPDX-License-Identifier: Apache-2.0
"""The page about a replay: it shows what was found, opens anywhere, and can be read."""

from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
import re
import shutil
import subprocess

import cv2
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
from fire_detector.replay.report.chart import decimate, tick_times, unbroken
from fire_detector.replay.report.html_text import percent, table, tag, utc
from fire_detector.replay.report.page import page, verdict, write_report
from fire_detector.replay.report.report_style import STYLE
from hypothesis import given, strategies
import numpy as np
import pytest

# 2023-11-14T22:13:20Z.
START = 1_700_000_000.0
SETTINGS = (('on_threshold', '0.7'), ('off_threshold', '0.4'), ('window (s)', '1'))
CHROMIUM = next((path for name in ('chromium', 'chromium-browser', 'google-chrome')
                 if (path := shutil.which(name))), None)
VOID = ('img', 'link', 'meta')


def predictions(*probabilities: float | None, start: float = START,
            alarm_from: float = 0.7) -> tuple[Prediction, ...]:
    """Make an answer a second; None is a rejected image."""
    return tuple(
        Prediction(start + index, start + index, probability,
               probability is not None and probability >= alarm_from,
               'bad_step' if probability is None else '',
               'step 1, expected 24' if probability is None else '')
        for index, probability in enumerate(probabilities))


def run_of(given_answers: tuple[Prediction, ...], alarms: tuple[AlarmEvent, ...] = (),
           snapshots: tuple[Snapshot, ...] = (), labels: LabelFigures | None = None,
           model: str = 'firenet') -> Run:
    """Make a run."""
    return Run(model, '1.2', 'litert', 'ab' * 32, (('trained on', 'kitchens'),), SETTINGS,
               given_answers, alarms, snapshots, labels)


def report_of(*runs: Run, topic: str = '/image', gaps: tuple[tuple[float, float], ...] = (),
              problems: tuple[str, ...] = ()) -> Report:
    """Make a report of one topic."""
    first = runs[0].predictions
    rejected = sum(answer.probability is None for answer in first)
    return Report('bag.mcap', '2026-01-02T03:04:05+01:00', (TopicReport(
        topic, 'sensor_msgs/msg/Image', 9.0, 1.0, gaps,
        (('bad_step', rejected),) if rejected else (), runs),), problems, 3.5)


def image(answer: Prediction, why: str, size: tuple[int, int] = (240, 320)) -> Snapshot:
    """Make a snapshot of noise, which no JPEG makes small."""
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    return Snapshot(answer, why, cv2.imencode('.jpg', pixels)[1].tobytes())


class Page(HTMLParser):
    """Take a page apart, and check that its tags are closed in the order they were opened."""

    def __init__(self, text: str) -> None:
        """Parse it."""
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
        """Remember an element."""
        self.elements.append((tag, {name: value or '' for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the one that is open."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember what can be read."""
        if self._open and self._open[-1] != 'style':
            self.texts.append(data)


@pytest.fixture
def full() -> Report:
    """
    Make a report that has everything, of two models.

    The first raised one alarm, from 2 s to 5 s; the second another from 2 s that stood at the
    end, and was wrong about the first image only.
    """
    one = predictions(0.1, 0.2, 0.9, 0.95, None, 0.3, 0.1, 0.1, 0.1, 0.1)
    one = (*one[:4], replace(one[4], alarm=True), *one[5:])
    two = predictions(0.6, 0.2, 0.8, 0.8, None, 0.8, 0.8, 0.9, 0.9, 0.9)
    labels = LabelFigures((LabeledEvent(START + 1.5, START + 4, FIRE, 0.5),
                           LabeledEvent(START + 5, START + 8, NOFIRE, None),
                           LabeledEvent(START + 8, START + 9, FIRE, None)), 1, 2, 120.0)
    return report_of(
        run_of(one, (AlarmEvent(START + 2, START + 5, 0.95),),
               (image(one[2], RAISED), image(one[3], HIGHEST), image(one[5], CLEARED)),
               labels),
        run_of(two, (AlarmEvent(START + 2, None, 0.9),), labels=labels, model='other'),
        gaps=((START + 6, 1.0),), problems=('bag_2.mcap: cut short',))


def test_what_is_shown(full: Report) -> None:
    """Everything that was found can be read."""
    text = Page(page(full)).text
    for told in (
            'bag.mcap', 'A: firenet 1.2: 1 alarm. B: other 1.2: 1 alarm.',
            'Highest probability: 95.0 % at 3.00 s on /image (A: firenet 1.2).',
            '1 problem: this report may be incomplete bag_2.mcap: cut short',
            'Made 2026-01-02T03:04:05+01:00, in 3.50 s.',
            # The alarms.
            '2.00 s 2023-11-14 T22:13:22.000Z 5.00 s 2023-11-14 T22:13:25.000Z 3.00 s 95.0 %',
            'still raised at the end at least 7.00 s 90.0 %',
            # The labels.
            'fire 1.50 s', '0.50 s', 'missed', 'false alarms per hour 120.00',
            # The input.
            'bad_step 1 step 1, expected 24', 'longest gap 1.00 s',
            'rate 1.00 images a second', 'sensor_msgs/msg/Image',
            'on_threshold 0.7', 'trained on kitchens', 'ab' * 32, 'runtime litert'):
        assert told in text, told


def test_opens_without_a_network(full: Report) -> None:
    """Nothing but data within the page is loaded, no script is run."""
    read = Page(page(full))
    assert not read.every('script')
    sources = [value for _, attributes in read.elements
               for name, value in attributes.items()
               if name in ('src', 'srcset', 'href', 'xlink:href', 'data', 'action', 'poster')]
    assert len(sources) == 3 + 1 + 2  # images, icon, links to the topic
    assert all(source.startswith(('data:', '#')) for source in sources)
    assert not re.search(r'@import|url\(|https?:', STYLE)
    policy = next(meta for meta in read.every('meta') if 'http-equiv' in meta)
    assert policy['content'].startswith("default-src 'none'")


def test_can_be_read_aloud(full: Report) -> None:
    """Language, title, headings in order, texts for images and drawings, heads of tables."""
    read = Page(page(full))
    assert read.elements[0] == ('html', {'lang': 'en'})
    assert len(read.every('title')) >= 1
    levels = [int(name[1]) for name, _ in read.elements if re.fullmatch('h[1-6]', name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(re.search(r'at \d+\.\d\d.s: \d+\.\d.% fire', image['alt'])
               for image in read.every('img'))
    assert all(drawing.get('aria-label') or drawing.get('aria-hidden')
               for drawing in read.every('svg'))
    assert len(read.every('caption')) == len(read.every('table')) > 0
    assert all(head['scope'] in ('col', 'row') for head in read.every('th'))


def test_contrast() -> None:
    """
    Text is at least 4.5 times as bright as what it stands on, or the other way; lines 3 times.

    Web Content Accessibility Guidelines 2.2, 1.4.3 and 1.4.11, in light and in dark.
    """
    light, dark = (dict(re.findall(r'--([\w-]+): (#\w{6})', part))
                   for part in STYLE.split('@media', 2)[:2])
    for colors in (light, dark):
        assert {'paper', 'ink', 'soft', 'a', 'b', 'alarm'} <= set(colors)
        for name in ('ink', 'soft', 'link', 'raised'):
            assert contrast(colors[name], colors['paper']) >= 4.5, name
        assert contrast(colors['warn-ink'], colors['warn-paper']) >= 4.5
        for name in ('a', 'b', 'alarm', 'nofire'):
            assert contrast(colors[name], colors['paper']) >= 3, name


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
    """A name that is HTML, or no valid text at all, is shown as it is."""
    evil = '"><script>alert(1)</script>&\'\udc80'
    answer = Prediction(0.0, 0.0, None, False, evil, evil)
    events = (LabeledEvent(0.0, 1.0, evil, None),)
    run = Run(evil, evil, evil, evil, ((evil, evil),), ((evil, evil),),
              (answer, Prediction(1.0, 1.0, 0.5, False)), (),
              (Snapshot(Prediction(1.0, 1.0, 0.5, False), evil, b'x'),),
              LabelFigures(events, 0, 0, None))
    report = Report(evil, evil, (TopicReport(
        evil, evil, 1.0, 1.0, (), ((evil, 1),), (run, run)),), (evil,))
    path = tmp_path / 'report.html'
    write_report(report, path)
    read = Page(path.read_text(encoding='utf-8'))
    assert not read.every('script')
    assert not any(name.startswith('on') for _, attributes in read.elements
                   for name in attributes)
    assert read.text.count('"><script>alert(1)</script>&\'\\udc80') > 15


@pytest.mark.parametrize(('probabilities', 'alarms', 'problems', 'told'), [
    ((0.1, 0.2), 0, (), 'No alarm.'),
    ((0.1, 0.8), 1, (), '1 alarm.'),
    ((0.8, 0.1, 0.8), 2, (), '2 alarms.'),
    ((0.1,), 0, ('broken',), 'No alarm in what could be read.'),
    ((None, None), 0, (), 'No image was answered: nothing is known.'),
    ((), 0, (), 'No image was answered: nothing is known.'),
])
def test_verdict(probabilities: tuple[float | None, ...], alarms: int,
                 problems: tuple[str, ...], told: str) -> None:
    """It never calls quiet what was not looked at."""
    report = report_of(run_of(predictions(*probabilities),
                              (AlarmEvent(START, None, 0.8),) * alarms), problems=problems)
    assert verdict(report) == told
    assert told in Page(page(report)).text


def test_nothing_to_show() -> None:
    """A bag without images makes a page that says so."""
    text = Page(page(Report('bag', 'now', (), ('bag: no metadata.yaml',)))).text
    assert 'There was no topic with images.' in text
    assert 'No image was answered: nothing is known.' in text
    assert 'bag: no metadata.yaml' in text


def test_one_image() -> None:
    """A topic of one image has a chart, though it takes no time."""
    text = page(report_of(run_of(predictions(0.5))))
    assert curves(text) == ['M0.0 100.0h0']


def test_chart(full: Report) -> None:
    """
    Curves, alarms and labels stand where they belong.

    The axis is 9 s long and 1000 units wide: 111.1 units a second; the plot is 200 units high. The
    first alarm goes from 2 s, 222.2, to 5 s, 555.6: 333.3 wide; the second from there to the end.
    A line is broken at 4 s, where an image was rejected, and over gaps: each second is one here.
    """
    report = replace(full, topics=(replace(full.topics[0], gaps=((START + 6, 1.5),)),))
    text = page(report)
    one, two = curves(text)
    assert one.startswith('M0.0 180.0L111.1 160.0L222.2 20.0L333.3 10.0h0M555.6 140.0L')
    assert one.count('M') == two.count('M') == 2
    assert bands(text, 'alarm run0') == [('222.2', '333.3')]
    assert bands(text, 'alarm run1') == [('222.2', '222.2'), ('555.6', '444.4')]
    assert bands(text, 'is-fire') == [('166.7', '277.8'), ('888.9', '111.1')]
    assert bands(text, 'is-nofire') == [('555.6', '333.3')]
    assert bands(text, 'rejected') == [('444.4', '1.0')]
    assert 'd="M0.0 60.0L1000.0 60.0" class="threshold run0"' in text
    assert 'd="M0.0 120.0L1000.0 120.0" class="threshold run0"' in text
    gaps = replace(full, topics=(replace(full.topics[0], gaps=((START + 6, 1.0),)),))
    assert curves(page(gaps))[0].count('M') == 9


def curves(text: str) -> list[str]:
    """Return the paths of the curves, without those of the legend."""
    return [path for path in re.findall(r'<path d="([^"]*)" class="curve', text)
            if path != 'M0.0 5.0L1000.0 5.0']


def bands(text: str, style: str) -> list[tuple[str, str]]:
    """Return x and width of the stretches of a style."""
    return [(match[1], match[2]) for match in re.finditer(
        rf'<rect x="([\d.]+)" y="0" height="[\d.]+" width="([\d.]+)" class="{style}"', text)]


def test_stamps_that_tell_no_time() -> None:
    """A camera that stamps nothing is shown by the time of recording, and the page says so."""
    unstamped = tuple(replace(answer, stamp=0.0) for answer in predictions(0.0, 1.0, 0.0))
    text = page(report_of(run_of(unstamped)))
    assert curves(text) == ['M0.0 200.0L500.0 0.0L1000.0 200.0h0']
    assert 'do not tell the time' in text
    one_odd = (*predictions(0.0, 0.0), replace(predictions(0.0, 0.0, 1.0)[2], stamp=0.0))
    assert curves(page(report_of(run_of(one_odd)))) == ['M0.0 200.0L500.0 200.0L1000.0 0.0h0']
    assert 'do not tell the time' not in page(report_of(run_of(predictions(0.0, 1.0))))


def test_a_loop_is_not_joined() -> None:
    """Where time goes back, the line begins anew."""
    looped = predictions(0.0, 0.5, 0.0) + predictions(0.0, 0.5, 0.0)
    assert curves(page(report_of(run_of(looped))))[0].count('M') == 2


def test_small_enough() -> None:
    """
    A minute at 30 Hz with flickering alarms and many images stays below 3 MB.

    Each of the 200 images of noise has more than 50 kB: 10 MB in all. The page says how many
    are left out; the highest is not.
    """
    rng = np.random.default_rng(1)
    many = tuple(Prediction(START + index / 30, START + index / 30, float(rng.random()),
                        index % 10 < 5) for index in range(1800))
    alarms = tuple(AlarmEvent(START + index / 3, START + index / 3 + 1 / 6, 0.9)
                   for index in range(180))
    snapshots = (*(image(many[index], RAISED) for index in range(0, 1990 - 200, 9)),
                 image(many[-1], HIGHEST))
    assert len(snapshots[0].jpeg) > 50_000
    text = page(report_of(run_of(many, alarms, snapshots), run_of(many, alarms, snapshots)))
    assert 2_000_000 < len(text.encode()) < 3_000_000
    read = Page(text)
    shown = len(read.every('img'))
    left_out = re.findall(r'(\d+) images left out to keep this page small', read.text)
    assert sum(map(int, left_out)) == 2 * len(snapshots) - shown
    assert sum('highest' in image['alt'] for image in read.every('img')) == 2
    assert '180 alarms' in read.text


def test_decimation_by_hand() -> None:
    """Of a column, the first, lowest, highest and last point are left, in their order."""
    column = [(0.0, 5.0), (0.1, 9.0), (0.2, 5.0), (0.3, 1.0), (0.4, 5.0), (0.5, 6.0)]
    assert list(decimate([*column, (1.0, 3.0)], 1.0)) == [
        (0.0, 5.0), (0.1, 9.0), (0.3, 1.0), (0.5, 6.0), (1.0, 3.0)]


@given(strategies.lists(strategies.tuples(strategies.floats(0, 1000), strategies.floats(0, 1))))
def test_no_peak_is_lost(points: list[tuple[float, float]]) -> None:
    """In every column the highest and lowest stay, no more than four, and none is made up."""
    points.sort(key=lambda point: point[0])
    kept = list(decimate(points, 1.0))
    assert set(kept) <= set(points)
    for column in {x // 1 for x, _ in points}:
        before = [y for x, y in points if x // 1 == column]
        after = [y for x, y in kept if x // 1 == column]
        assert (min(after), max(after)) == (min(before), max(before))
        assert (after[0], after[-1]) == (before[0], before[-1])
        assert len(after) <= 4


def test_unbroken() -> None:
    """A line ends at what is not known, at a gap, and where x goes back."""
    points = [(0.0, 1.0), (1.0, None), (2.0, 2.0), (3.0, 3.0), (9.0, 4.0), (8.0, 5.0)]
    assert list(unbroken(points, 5.0)) == [
        [(0.0, 1.0)], [(2.0, 2.0), (3.0, 3.0)], [(9.0, 4.0)], [(8.0, 5.0)]]


@pytest.mark.parametrize(('length', 'ticks'), [
    (1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (9.0, [0, 2, 4, 6, 8]),
    (60.0, [0, 10, 20, 30, 40, 50, 60]), (3600.0, [0, 500, 1000, 1500, 2000, 2500, 3000, 3500])])
def test_ticks(length: float, ticks: list[float]) -> None:
    """Times on the axis are round, and few."""
    assert tick_times(length) == pytest.approx(ticks)


@pytest.mark.parametrize(('probability', 'said'), [
    (0.0, '0.0 %'), (0.0001, '< 0.1 %'), (0.5, '50.0 %'), (0.9994, '99.9 %'),
    (0.9999, '> 99.9 %'), (1.0, '100.0 %')])
def test_percent(probability: float, said: str) -> None:
    """What is not certain is not called certain."""
    assert percent(probability).replace('\u00a0', ' ') == said


@pytest.mark.parametrize(('stamp', 'said'), [
    (0.0, ''), (12.5, ''), (1_700_000_000.25, '2023-11-14T22:13:20.250Z'), (1e18, ''),
    (float('inf'), ''), (float('nan'), '')])
def test_utc(stamp: float, said: str) -> None:
    """Only stamps that count from 1970 are told as a date."""
    assert utc(stamp) == said


def test_tag() -> None:
    """Texts and attributes are escaped, elements are not; a table's cells are texts."""
    assert tag('p', 'a < b', tag('b', '&'), class_='"x"') == (
        '<p class="&quot;x&quot;">a &lt; b<b>&amp;</b></p>')
    assert '<th scope="row">&lt;</th><td>&amp;</td>' in table('', ('', ''), [('<', '&')])


@pytest.mark.skipif(CHROMIUM is None, reason='Chromium is not installed')
def test_in_a_browser(full: Report, tmp_path: Path) -> None:
    """
    A real browser has nothing to complain about, and a phone's 375 pixels suffice.

    A page around it tells the widths within frames of that size: what does not fit is wider than
    its frame. In the end there is an image from another place, so that a complaint is known to
    be heard.
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
    """Open a page; what its scripts made of it comes as output."""
    assert CHROMIUM is not None
    return subprocess.run(
        [CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu', '--disable-extensions',
         '--disable-background-networking', '--allow-file-access-from-files',
         f'--user-data-dir={folder / "profile"}', '--enable-logging=stderr', '--v=0',
         '--dump-dom', (folder / name).as_uri()],
        capture_output=True, text=True, timeout=60, check=True)
