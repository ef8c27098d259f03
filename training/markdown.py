# SPDX-License-Identifier: Apache-2.0
"""Pages for people, in Markdown, from the templates in `templates/`."""

from collections.abc import Sequence
import math
from pathlib import Path
import re
from typing import Any

import jinja2

TEMPLATES = Path(__file__).with_name('templates')


def render(template: str, **context: Any) -> str:
    """
    Render a page.

    :param template: its file in TEMPLATES.
    :param context: what the template uses, by name; numbers may be None, and estimates be
        dataclasses or, as JSON files have them, dictionaries.
    :return: Markdown, with a line feed at the end.
    :raises jinja2.UndefinedError: when the template uses a name or field that is not there.
    """
    # No autoescape: Markdown for people's own disks, not HTML.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, autoescape=False)
    environment.filters |= {'number': format_number, 'interval': _format_interval,
                            'cell': _cell}
    environment.globals['table'] = markdown_table
    text = environment.get_template(template).render(**context)
    return re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'


def format_number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many decimals, or '-' for None and NaN."""
    return '-' if value is None or math.isnan(value) else f'{value:,.{digits}f}'


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return cells as a Markdown table."""
    rule = ['---'] * len(header)
    return '\n'.join(f'| {" | ".join(map(_cell, cells))} |' for cells in (header, rule, *rows))


def _format_interval(estimate: Any, digits: int = 3, scale: float = 1) -> str:
    """Return an estimate and its interval, or '-' for None."""
    if estimate is None:
        return '-'
    fields = estimate if isinstance(estimate, dict) else vars(estimate)
    # Adding 0 makes 0 of -0.
    value, low, high = (f'{round(scale * fields[name], digits) + 0:.{digits}f}'
                        for name in ('value', 'low', 'high'))
    return f'{value} ({low} to {high})'


def _cell(text: object) -> str:
    """Return a text on one line, its column separators escaped."""
    return ' '.join(str(text).replace('|', r'\|').split())
