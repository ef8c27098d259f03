# SPDX-License-Identifier: Apache-2.0
"""Tables for people, in Markdown."""

from collections.abc import Sequence


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out cells as a Markdown table."""
    rule = ['---'] * len(header)
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in (header, rule, *rows))
