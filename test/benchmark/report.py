# SPDX-License-Identifier: Apache-2.0
"""Lay the benchmark's results out, as a table and as a plot."""

from collections.abc import Sequence
from pathlib import Path

from fire_detector.cli.command_line import padded
from fire_detector.parameters.detector import COMPRESSED, RAW

from benchmark.results import Ratio, Results
from benchmark.subjects import SUBJECTS
from benchmark.workload import SIZES

# Blue, orange and green of the palette of Okabe and Ito, which the color-blind can tell apart.
_COLORS = ('#0072b2', '#e69f00', '#009e73')
_MARKERS = ('o', 's', '^')


def table(results: Results, found: Sequence[Ratio]) -> str:
    """Write everything that was measured in Markdown."""
    lines = [', '.join(f'{name} {value}' for name, value in results.machine), '',
             *_table(['images at 30 Hz', 'subject', 'CPU ms', 'latency p50', 'p95', 'p99 ms',
                      'answered', 'memory MB'],
                     [[cost.case.name, cost.subject, f'{cost.cpu:.2f}',
                       *(f'{each:.1f}' for each in cost.latency or ()),
                       *([] if cost.latency else ['-'] * 3),
                       f'{cost.answered} of {cost.shown}' if cost.answered else '-',
                       f'{cost.memory / 10 ** 6:.0f}'] for cost in results.costs]), '',
             *_table(['overload', 'shown Hz', 'answered Hz', 'age p50', 'p99', 'max ms',
                      'allowed'],
                     [[each.subject, f'{each.rate:.0f}', f'{each.answer_rate:.0f}',
                       *(f'{age:.1f}' for age in each.ages or ()),
                       *([] if each.ages else ['-'] * 3), f'{each.oldest_allowed:.1f}']
                      for each in results.overloads]), '',
             *_table(['model', 'runtime', 'threads', 'inference ms', 'CPU ms'],
                     [[each.model, each.runtime, str(each.threads), f'{each.wall:.3f}',
                       f'{each.cpu:.3f}'] for each in results.inferences]), '',
             f'idle: {100 * results.idle:.2f} % of a core, inactive: '
             f'{100 * results.inactive:.2f} %, start to first answer: '
             f'{results.start.cpu:.2f} s of CPU in {results.start.wall:.2f} s', '',
             *_table(['ratio', 'value', 'limit', ''],
                     [[ratio.name, f'{ratio.value:.2f}', f'{ratio.limit:g}',
                       'met' if ratio.met else 'MISSED'] for ratio in found])]
    return '\n'.join(lines)


def summary(found: Sequence[Ratio]) -> str:
    """Return the ratios in one line."""
    missed = [ratio for ratio in found if not ratio.met]
    return (f'{len(found) - len(missed)} of {len(found)} ratios met'
            + (f'; MISSED: {_said(missed)}' if missed else '')
            + f'; all: {_said(found)}')


def plot(results: Results, path: Path) -> None:
    """Draw the cost of an image over its pixels, raw and JPEG."""
    # Only here, where somebody wants a plot: a Pi has no use for it.
    from matplotlib.figure import Figure
    figure = Figure(figsize=(9, 3.6), layout='constrained')
    for axes, transport, title in zip(figure.subplots(1, 2, sharey=True), (RAW, COMPRESSED),
                                      ('raw', 'JPEG'), strict=True):
        for subject, color, marker in zip(SUBJECTS, _COLORS, _MARKERS, strict=True):
            costs = [cost for cost in results.costs
                     if (cost.case.transport, cost.subject) == (transport, subject)]
            axes.plot([cost.case.width * cost.case.height / 1e6 for cost in costs],
                      [cost.cpu for cost in costs], color=color, marker=marker, label=subject)
        axes.set(title=f'{title} images', xlabel='pixels', xlim=(0, None), ylim=(0, None))
        axes.set_xticks([width * height / 1e6 for width, height in SIZES],
                        [f'{width}x{height}' for width, height in SIZES], fontsize=8)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel('CPU ms an image')
    figure.axes[0].legend()
    figure.savefig(path, dpi=110)


def _said(found: Sequence[Ratio]) -> str:
    return ', '.join(f'{ratio.name} {ratio.value:.2f} (limit {ratio.limit:g})' for ratio in found)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    first, *others = padded([head, *rows])
    rule = ['-' * len(cell) for cell in first]
    return [f'| {" | ".join(line)} |' for line in (first, rule, *others)]
