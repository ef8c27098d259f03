# SPDX-License-Identifier: Apache-2.0
"""Tables that are read as text."""

from collections.abc import Sequence


def padded(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Fill up cells with blanks, so that those of a column are equally wide."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
