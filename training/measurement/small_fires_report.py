# SPDX-License-Identifier: Apache-2.0
"""What was measured of a model on small fires: the record of it, and its tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from fire_detector.model.tiling import ALL, Grid, NONE, TURN
from training.markdown import markdown_table, ORIGIN
from training.measurement.evaluation import estimate_text, left_out_text, split_text
from training.measurement.intervals import Estimate
from training.measurement.small_fires import ANY, FALSE_ALARM_LIMIT, NO_BOXES, Recalls, SIZES, Way

LIMIT_TEXT = f'at most {100 * FALSE_ALARM_LIMIT:g} % false alarms'


@dataclass(frozen=True)
class SmallFires:
    """
    What was measured of a model, on which images.

    :ivar command: the command line that measured it.
    :ivar model: the model's path, as the command line had it.
    :ivar model_sha256: SHA-256 of the file, in hexadecimal.
    :ivar data: the folder of the images, absolute.
    :ivar sources: the sources that were chosen; empty for all.
    :ivar split: a member of SPLITS, or ALL.
    :ivar threshold: the model's own.
    :ivar runtime: the TFLite runtime that answered and was timed.
    :ivar grid: how images are cut.
    :ivar fire: number of fire images of each size, without boxes, and of all.
    :ivar nofire: number of images without fire.
    :ivar ways: what was measured, for each of TILE_MODES.
    :ivar latency_ms: milliseconds of one image, for each of TILE_MODES.
    :ivar timed_on: height and width of that image.
    :ivar other_ways: the same for other grids and combinations; empty where not asked for.
    :ivar unreadable: one message for each image that was left out.
    """

    command: str
    model: str
    model_sha256: str
    data: str
    sources: tuple[str, ...]
    split: str
    threshold: float
    runtime: str
    grid: Grid
    fire: dict[str, int]
    nofire: int
    ways: tuple[Way, ...]
    latency_ms: dict[str, float]
    timed_on: tuple[int, int]
    other_ways: tuple[Way, ...]
    unreadable: tuple[str, ...]


def gains_table(found: SmallFires) -> str:
    """Lay out what tiles bring and cost, against the whole image alone."""
    none = found.ways[0]
    names = (*SIZES[:2], ANY)
    rows = []
    for way in found.ways[1:]:
        alarms = _change(way.own.false_alarm_rate, none.own.false_alarm_rate)
        rows.append([
            way.name, *(_change(way.own.recall[name], none.own.recall[name])
                        for name in names), alarms,
            *('-' if way.equal is None or none.equal is None
              else _change(way.equal.recall[name], none.equal.recall[name])
              for name in names),
            f'{found.latency_ms[way.name] - found.latency_ms[NONE]:+.2f}'])
    return markdown_table(
        ['tiles', *(f'recall, {name}' for name in names), 'false alarms',
         *(f'recall at equal false alarms, {name}' for name in names), 'ms'], rows)


def own_table(found: SmallFires) -> str:
    """Lay out what is found at the model's threshold, and how long it takes."""
    header = ['tiles', *_size_titles(found), f'false alarms ({found.nofire})', 'ms']
    return markdown_table(header, [
        [*_cells(way.name, way.own), f'{found.latency_ms[way.name]:.2f}'] for way in found.ways])


def equal_table(found: SmallFires, ways: Sequence[Way]) -> str:
    """Lay out what each way finds at its own threshold for few false alarms."""
    header = ['tiles', *_size_titles(found), f'false alarms ({found.nofire})', 'threshold']
    return markdown_table(header, [
        [*_cells(way.name, way.equal),
         'none' if way.equal.threshold is None else f'{way.equal.threshold:.6g}']
        for way in ways if way.equal is not None])


def summary(found: SmallFires) -> str:
    """Write the results for people."""
    split, left_out = split_text(found.split, found.sources), left_out_text(found.unreadable)
    parts = [
        f'{found.fire[ANY]} images of fire and {found.nofire} without, of {split}.{left_out} '
        'Recall is told by the share of the image that the boxes around the fire cover; '
        f'fires of which no boxes are known stand under "{NO_BOXES}". In brackets, the number of '
        'images, and 95 % intervals that count the images of one group as one.',
        f'Tiles are {found.grid} of width and height. "{TURN}" is the first moment, when one tile '
        'of an image has been looked at: the mean over which one it is. The node remembers the '
        f'others, so on a scene that stays its answers become those of "{ALL}" within '
        f'{found.grid.size} images.',
        '## What tiles bring', gains_table(found),
        'Differences from the whole image alone: at the threshold of the model, and where each '
        f'way has its own threshold for {LIMIT_TEXT}.',
        f'## At the threshold of the model, {found.threshold:g}', own_table(found),
        'Milliseconds are medians of preprocessing and inference of one image of '
        f'{found.timed_on[1]}x{found.timed_on[0]}, by {found.runtime} in one thread on this '
        'machine: use them as ratios.']
    if any(way.equal is not None for way in found.ways):
        parts += [f'## With {LIMIT_TEXT}', equal_table(found, found.ways),
                  'Each way has a threshold of its own, taken from these same images.']
    if found.other_ways:
        parts += [f'## Other tiles, all looked at, with {LIMIT_TEXT}',
                  equal_table(found, found.other_ways)]
    parts += [f'## {ORIGIN}', f'    {found.command}',
              f'`{found.model}`: SHA-256 `{found.model_sha256}`']
    return '\n\n'.join(parts) + '\n'


def _size_titles(found: SmallFires) -> list[str]:
    return [f'{name} ({count})' for name, count in found.fire.items()]


def _cells(name: str, recalls: Recalls) -> list[str]:
    return [name, *map(estimate_text, recalls.recall.values()),
            estimate_text(recalls.false_alarm_rate)]


def _change(after: Estimate | None, before: Estimate | None) -> str:
    if after is None or before is None:
        return '-'
    return f'{after.value - before.value:+.3f}'
