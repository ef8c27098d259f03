# SPDX-License-Identifier: Apache-2.0
"""Tables for people, in Markdown."""

from collections.abc import Sequence
import re

# The last part of a page, with the command that made it.
ORIGIN = 'Where it comes from'


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out cells as a Markdown table."""
    rule = ['---'] * len(header)
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in (header, rule, *rows))


def below_heading(text: str) -> str:
    """
    Make a page a part of another, below a heading of the second level.

    :param text: Markdown; its one heading of the first level is left out, and so are images,
        which are files beside it, and the part ORIGIN. Other headings go one level down.
    """
    kept = []
    for line in text.split(f'\n## {ORIGIN}\n')[0].splitlines():
        if line.startswith(('# ', '![')):
            continue
        kept.append(f'#{line}' if line.startswith('##') else line)
    return re.sub(r'\n{3,}', '\n\n', '\n'.join(kept)).strip()
