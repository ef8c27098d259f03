# SPDX-License-Identifier: Apache-2.0
"""The program that ends guards, in a short form, and its judgement by hand."""

import os
import re

from benchmark.guard_ends import KINDS
from benchmark.guard_judgement import judge
from command_line import ROOT, run_module
import pytest

INFINITY = float('inf')


@pytest.mark.parametrize(('arrivals', 'seconds', 'passed'), [
    # Each: when it arrived, and when it was sent; the robot had to stop at 10 s.
    ([(9.9, 9.8), (10.1, 0.0), (10.2, 0.0)], 0.1, True),
    ([(9.9, 9.8), (10.4, 0.0)], 0.4, False),
    ([(9.9, 0.0), (10.1, 10.0), (10.2, 0.0)], 0.2, True),
    ([(10.1, 0.0), (10.2, 10.1)], INFINITY, False),
    ([(9.9, 9.8)], INFINITY, False), ([], INFINITY, False),
    ([(9.8, 0.0), (10.5, 0.0)], 0.0, True)])
def test_judgement(arrivals: list[tuple[float, float]], seconds: float, passed: bool) -> None:
    """The zeros count that nothing else comes after, from the first of them on."""
    end = judge('SIGINT', 10.0, arrivals)
    assert end.seconds == pytest.approx(seconds)
    assert (not end.problem) is passed


@pytest.mark.time
@pytest.mark.parametrize('ends', [len(KINDS), pytest.param(1000, marks=pytest.mark.slow)])
def test_ends(ends: int) -> None:
    """After each end that there is the last command is zero; in the long form within 0.3 s."""
    path = os.pathsep.join([str(ROOT / 'test'), *filter(None, [os.environ.get('PYTHONPATH')])])
    # Other tests run at the same time as the short form.
    limit = 2.0 if ends == len(KINDS) else 0.3
    result = run_module('benchmark.guard_ends', '--ends', ends, '--limit', limit,
                        environment={'PYTHONPATH': path}, timeout=3 * ends + 120)
    assert result.returncode == 0, result.stdout + result.stderr
    counts = dict(re.findall(r'^(\S.*?) +(\d+) +0 +\d+\.\d+$', result.stdout, re.MULTILINE))
    assert counts.keys() == set(KINDS)
    assert sum(map(int, counts.values())) == ends
