# SPDX-License-Identifier: Apache-2.0
"""Print the score of `make mutants`: `python test/mutation_score.py`, after `mutmut run`."""

import json
from pathlib import Path
import re
import sys

ROOT = Path(__file__).resolve().parents[1]
STATISTICS = ROOT / 'mutants' / 'mutmut-cicd-stats.json'
EQUIVALENT = ROOT / 'test' / 'mutants.md'


def main() -> int:
    """Print how many mutants were killed, of all and of those that are not equivalent."""
    counts = json.loads(STATISTICS.read_text())
    killed = counts['killed'] + counts['timeout'] + counts['segfault']
    equivalent = sum(map(int, re.findall(r'^\| (\d+) \|', EQUIVALENT.read_text(), re.MULTILINE)))
    total = counts['total'] - counts['skipped']
    print(f'{killed} of {total} mutants killed: {killed / total:.3f}; of those that are not '
          f'equivalent: {killed / (total - equivalent):.3f}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
