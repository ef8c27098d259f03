# SPDX-License-Identifier: Apache-2.0
"""Make HTML in which every text is escaped, and say numbers to people."""

from collections.abc import Iterable
from datetime import datetime, timezone
from html import escape
import math

# Stamps above are seconds since 1970, others count from the start of something.
WALL_CLOCK = 1e9
# So that no line is broken between a number and its unit.
SPACE = '\u00a0'
_WITHOUT_END_TAG = ('img', 'link', 'meta')


class Html(str):
    """Text that is HTML already; any other string is taken for plain text."""


def tag(name: str, *children: str, **attributes: str | float) -> Html:
    """
    Make an element.

    :param name: of the element.
    :param children: elements, and texts, which are escaped.
    :param attributes: escaped, too; `class_` stands for class, `aria_label` for aria-label.
    """
    head = name + ''.join(f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
                          for key, value in attributes.items())
    if name in _WITHOUT_END_TAG:
        return Html(f'<{head}>')
    return Html(f'<{head}>{join(children)}</{name}>')


def join(parts: Iterable[str]) -> Html:
    """Put elements and texts one after the other; texts are escaped."""
    return Html(''.join(part if isinstance(part, Html) else escape(part) for part in parts))


def table(caption: str, head: Iterable[str], rows: Iterable[Iterable[str]],
          class_: str = '') -> Html:
    """
    Make a table that scrolls by itself where it is wider than the page.

    :param caption: its title.
    :param head: titles of the columns.
    :param rows: cells; the first of each is the title of its row.
    :param class_: of the table.
    """
    columns = tag('tr', *(tag('th', title, scope='col') for title in head))
    body = [tag('tr', tag('th', first, scope='row'), *(tag('td', cell) for cell in rest))
            for first, *rest in rows]
    return tag('div', tag('table', tag('caption', caption), tag('thead', columns),
                          tag('tbody', *body), class_=class_),
               class_='scroll', role='region', aria_label=caption, tabindex=0)


def pairs(caption: str, rows: Iterable[tuple[str, str]]) -> Html:
    """Make a table of names and values."""
    return table(caption, ('Name', 'Value'), rows, class_='pairs')


def percent(probability: float) -> str:
    """Return a probability; one below 1 is never rounded up to it, nor one above 0 down to it."""
    shown = f'{100 * probability:.1f}'
    if shown == '100.0' and probability < 1:
        shown = f'>{SPACE}99.9'
    elif shown == '0.0' and probability > 0:
        shown = f'<{SPACE}0.1'
    return f'{shown}{SPACE}%'


def seconds(value: float) -> str:
    """Return a time in seconds."""
    return f'{value:.2f}{SPACE}s'


def utc(stamp: float) -> str:
    """Return when a stamp was, in UTC; nothing where it does not count from 1970."""
    if not WALL_CLOCK < stamp < math.inf:
        return ''
    try:
        when = datetime.fromtimestamp(stamp, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return ''
    return when.isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def moment(stamp: float) -> Html:
    """Return when a stamp was, in UTC; nothing where it does not count from 1970."""
    iso = utc(stamp)
    day, at, time = iso.partition('T')
    # Where it has to be broken, then between the two.
    return tag('time', tag('span', day), tag('span', at + time), datetime=iso) if iso else Html()


def counted(number: int, noun: str) -> str:
    """Explain how many of something: 'no alarm', '1 alarm', '2 alarms'."""
    return f'{number or "no"} {noun}{"s" if number > 1 else ""}'
