# SPDX-License-Identifier: Apache-2.0
"""Thin out a curve so that it looks as before."""

from collections.abc import Iterator, Sequence
from itertools import groupby

Point = tuple[float, float]


def decimate(points: Sequence[Point], width: float) -> Iterator[Point]:
    """
    Keep of each column of pixels the first, the lowest, the highest and the last point.

    A line through them covers the same pixels as one through all (Jugel et al., M4: A
    Visualization-Oriented Time Series Data Aggregation, VLDB 2014); no peak is lost.

    :param points: x and y; x does not fall.
    :param width: of a column, in units of x.
    """
    for _, column in groupby(points, key=lambda point: point[0] // width):
        indexed = list(enumerate(column))
        kept = {indexed[0], indexed[-1], min(indexed, key=_height), max(indexed, key=_height)}
        yield from (point for _, point in sorted(kept))


def unbroken(points: Sequence[tuple[float, float | None]], gap: float) -> Iterator[list[Point]]:
    """
    Split a curve where nothing is known, so that no line is drawn across.

    :param points: x and y; y is None where there is none.
    :param gap: distance in x from which on two points are not joined; neither are two of which
        the second is the earlier.
    :return: the pieces, none of them empty.
    """
    piece: list[Point] = []
    for x, y in points:
        if piece and (y is None or not 0 <= x - piece[-1][0] < gap):
            yield piece
            piece = []
        if y is not None:
            piece.append((x, y))
    if piece:
        yield piece


def _height(point: tuple[int, Point]) -> float:
    return point[1][1]
