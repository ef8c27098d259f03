# SPDX-License-Identifier: Apache-2.0
"""Judge the ends of guards by what arrived at a base."""

from collections.abc import Sequence
from dataclasses import dataclass

# Seconds.
LIMIT = 0.3


@dataclass(frozen=True)
class End:
    """
    What came of one end.

    :ivar kind: how the guard was ended.
    :ivar seconds: until the zero that was the last command came.
    :ivar problem: what was wrong; empty where it passed.
    """

    kind: str
    seconds: float
    problem: str


def judge(kind: str, since: float, arrivals: Sequence[tuple[float, float]],
          limit: float = LIMIT) -> End:
    """
    Judge what arrived at the base.

    :param kind: of the end.
    :param since: when the robot had to stop, seconds.
    :param arrivals: when each command arrived, and when it had been sent; 0 for a zero.
    :param limit: seconds in which the zero is to come.
    """
    commands = [arrival for arrival, sent in arrivals if sent]
    zeros = [arrival for arrival, sent in arrivals
             if not sent and (not commands or arrival >= commands[-1])]
    if not zeros:
        return End(kind, float('inf'), 'the last command is not zero')
    seconds = max(0.0, zeros[0] - since)
    return End(kind, seconds, '' if seconds <= limit else f'the zero came after {seconds:.2f} s')


def summarize(ends: Sequence[End]) -> str:
    """Return a table of the kinds of ends: how many, the worst time, and what failed."""
    lines = [f'{"kind":<36}{"ends":>5}{"failed":>8}{"worst, s":>10}']
    for kind in sorted({end.kind for end in ends}):
        those = [end for end in ends if end.kind == kind]
        lines.append(f'{kind:<36}{len(those):>5}{sum(bool(end.problem) for end in those):>8}'
                     f'{max(end.seconds for end in those):>10.3f}')
    failed = [end for end in ends if end.problem]
    lines.append(f'{len(ends)} ends, {len(failed)} failed, the last command was zero after '
                 f'{max(end.seconds for end in ends):.3f} s at most')
    return '\n'.join(lines + [f'{end.kind}: {end.problem}' for end in failed])
