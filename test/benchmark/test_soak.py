# SPDX-License-Identifier: Apache-2.0
"""The soak run itself, for seconds, or for the minutes that tell something."""

import os
import re
import subprocess
import sys

from benchmark.soak import growth, MOST_GROWTH
from command_line import ROOT
import pytest


def test_growth_by_hand() -> None:
    """
    Compare the last tenth of twenty measurements with the first, beginning at second 10.

    Means of 100 and 102 are medians, too: 2 % of growth. What comes before is left out.
    """
    samples = [(second, 50) for second in range(10)]
    samples += [(second, 100 if second < 12 else 102) for second in range(10, 30)]
    assert growth(samples, 10) == pytest.approx(2.0)
    assert growth(samples, 12) == 0
    with pytest.raises(ValueError, match='no measurement after the 30 s'):
        growth(samples, 30)


@pytest.mark.parametrize('minutes', [0.1, pytest.param(5, marks=pytest.mark.slow)])
def test_soak_runs(minutes: float) -> None:
    """It measures, ends what it started, and its status is its verdict; a long one passes."""
    result = subprocess.run(
        [sys.executable, '-m', 'benchmark.soak', '--minutes', str(minutes)], cwd=ROOT,
        env=os.environ | {'PYTHONPATH': str(ROOT / 'test')}, capture_output=True, text=True,
        check=False, timeout=60 * minutes + 120)
    found = re.search(r'(\d+) images arrived, (\d+) \w+, (\d+) rejected; '
                      r'exit statuses \[0, 0\]\n(?:.*\n)*'
                      r'growth after the first \d+ s: ([+-][\d.]+) %', result.stdout)
    assert found is not None, result.stdout + result.stderr
    assert all(int(count) > 0 for count in found.groups()[:3])
    passed = float(found[4]) < MOST_GROWTH
    assert (result.returncode, 'passed' in result.stdout) == (0 if passed else 1, passed)
    assert passed or minutes < 1
