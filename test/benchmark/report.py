# SPDX-License-Identifier: Apache-2.0
"""The benchmark's results as a table and as a plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.bench import SUBJECTS
from benchmark.results import Ratio, Results
from benchmark.workload import SIZES
from fire_detector.cli.command_line import padded
from fire_detector.parameters.detector import COMPRESSED, RAW

# Blue, orange and green of the palette of Okabe and Ito, which the color-blind can tell apart.
_COLORS, _MARKERS = ('#0072b2', '#e69f00', '#009e73'), ('o', 's', '^')


def table(results: Results, found: Sequence[Ratio], committed: Mapping[str, float]) -> str:
    """
    Return everything that was measured in Markdown.

    :param results: all of it.
    :param found: the ratios.
    :param committed: those that were measured before, by name.
    """
    return '\n'.join([
        ', '.join(f'{name} {value}' for name, value in results.machine),
        *_table('images at 30 Hz|subject|CPU ms|latency p50|p95|p99 ms|detections|memory MB',
                [[cost.case.name, cost.subject, f'{cost.cpu:.2f}', *_milliseconds(cost.latency),
                  f'{cost.detections} of {cost.images}' if cost.detections else '-',
                  f'{cost.memory / 10 ** 6:.0f}'] for cost in results.costs]),
        *_table('overload|images Hz|detections Hz|age p50|p99|max ms|allowed',
                [[each.subject, f'{each.rate:.0f}', f'{each.output_rate:.0f}',
                  *_milliseconds(each.ages), f'{each.oldest_allowed:.1f}']
                 for each in results.overloads]),
        *_table('model|runtime|threads|inference ms|CPU ms',
                [[each.model, each.runtime, str(each.threads), f'{each.wall:.3f}',
                  f'{each.cpu:.3f}'] for each in results.inferences]), '',
        f'idle: {100 * results.idle:.2f} % of a core, inactive: {100 * results.inactive:.2f} %, '
        f'start to first detection: {results.start.cpu:.2f} s of CPU in '
        f'{results.start.wall:.2f} s',
        *_table('ratio|value|limit||committed|change',
                [[ratio.name, f'{ratio.value:.3f}', f'{ratio.limit:g}',
                  'met' if ratio.met else 'MISSED', *_change(ratio, committed)]
                 for ratio in found])])


def summary(found: Sequence[Ratio]) -> str:
    """Return in one line how many ratios are met, and which are not."""
    missed = [f'{ratio.name} {ratio.value:.2f} (limit {ratio.limit:g})'
              for ratio in found if not ratio.met]
    return (f'{len(found) - len(missed)} of {len(found)} ratios met'
            + (f'; MISSED: {", ".join(missed)}' if missed else ''))


def plot(results: Results, path: Path) -> None:
    """Draw the cost of an image over its pixels, raw and JPEG."""
    # Only here, since it is not installed on a robot.
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


def _milliseconds(values: Sequence[float] | None) -> list[str]:
    return [f'{value:.1f}' for value in values] if values else ['-'] * 3


def _change(ratio: Ratio, committed: Mapping[str, float]) -> tuple[str, str]:
    before = committed.get(ratio.name)
    return ('-', '-') if before is None else (
        f'{before:.3f}', f'{100 * (ratio.value / before - 1):+.1f} %')


def _table(head: str, rows: Sequence[Sequence[str]]) -> list[str]:
    first, *others = padded([head.split('|'), *rows])
    rule = ['-' * len(cell) for cell in first]
    return ['', *(f'| {" | ".join(line)} |' for line in (first, rule, *others))]
