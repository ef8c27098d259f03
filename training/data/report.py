# SPDX-License-Identifier: Apache-2.0
"""What there is to know about labeled images before a network learns from them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
import hashlib
from pathlib import Path

import numpy as np
from training.data.contact_sheet import Tile, write_contact_sheet
from training.data.samples import LABELS, labels_of, Sample, select, SPLITS

# Of the images of one label in one split.
LARGE_GROUP = 0.05
# Of one label in one split; with fewer, rates that are measured there are uncertain.
ENOUGH_GROUPS = 10
NAMED_FILES = 3


def format_counts(samples: Sequence[Sample]) -> str:
    """Lay out as a table how many images and groups each source and split has."""
    sources = sorted({sample.source for sample in samples})
    rows: list[tuple[str, ...]] = [('source', 'split', *LABELS, 'groups', 'largest group')]
    for source in sources:
        own = [sample for sample in samples if sample.source == source]
        rows += [_count_row(source, split, select(own, split)) for split in SPLITS]
    rows += [_count_row('all', split, select(samples, split)) for split in SPLITS]
    rows.append(_count_row('all', 'all', samples))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return '\n'.join('  '.join(
        cell.ljust(width) if index < 2 else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))) for row in rows)


def _count_row(source: str, split: str, samples: Sequence[Sample]) -> tuple[str, ...]:
    groups = Counter(sample.group for sample in samples)
    counts = np.bincount(labels_of(samples), minlength=len(LABELS))
    return (source, split, *map(str, counts), str(len(groups)),
            str(max(groups.values(), default=0)))


def format_sizes(sizes: Collection[tuple[int, int]]) -> str:
    """Return the smallest, median and largest of image sizes, given as width and height."""
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    chosen = {'smallest': ordered[0], 'median': ordered[len(ordered) // 2],
              'largest': ordered[-1]}
    return ', '.join(f'{name} {width}x{height}' for name, (width, height) in chosen.items())


def find_leaks(samples: Iterable[Sample]) -> list[list[Sample]]:
    """
    Find files with equal bytes in more than one split.

    :param samples: images that can be read.
    :return: the samples of each set of equal files, in order.
    """
    by_length = defaultdict(list)
    for sample in samples:
        by_length[sample.path.stat().st_size].append(sample)
    by_content = defaultdict(list)
    for alike in by_length.values():
        if _splits(alike) > 1:
            for sample in alike:
                by_content[hashlib.sha256(sample.path.read_bytes()).digest()].append(sample)
    return [equal for equal in by_content.values() if _splits(equal) > 1]


def _splits(samples: Iterable[Sample]) -> int:
    return len({sample.split for sample in samples})


def warnings(samples: Sequence[Sample]) -> list[str]:
    """Return what makes numbers that are measured with these images doubtful."""
    found = []
    for split in SPLITS:
        for label, name in enumerate(LABELS):
            groups = Counter(sample.group for sample in select(samples, split)
                             if sample.label == label)
            found += _group_warnings(f'{split}, {name}', groups)
    leaks = find_leaks(samples)
    if leaks:
        named = '; '.join(' = '.join(f'{sample.path} ({sample.split})' for sample in equal)
                          for equal in leaks[:NAMED_FILES])
        found.append(f'equal files in more than one split: {len(leaks)}, such as {named}')
    return found


def _group_warnings(where: str, groups: Counter[str]) -> list[str]:
    """Return what is doubtful about the groups of one split and label, given with their sizes."""
    total = sum(groups.values())
    largest, size = groups.most_common(1)[0]
    largest_group = f'the largest is {largest!r} with {size} of {total} images'
    if len(groups) < ENOUGH_GROUPS:
        return [f'{where}: fewer than {ENOUGH_GROUPS} groups ({len(groups)}), so what is learned '
                f'or measured is uncertain; {largest_group}']
    # An image by itself is no group of near-duplicates, however few there are.
    large = [number for number in groups.values() if number > max(1, LARGE_GROUP * total)]
    if large:
        return [f'{where}: groups of more than {LARGE_GROUP:.0%} each make up '
                f'{sum(large) / total:.0%} of the images; {largest_group}']
    return []


def draw_evenly(samples: Sequence[Sample], count: int, seed: int = 0) -> list[Sample]:
    """
    Draw samples from as many groups as possible, and evenly from each.

    :param samples: the samples to draw from.
    :param count: how many to draw at most.
    :param seed: of the choice.
    :return: the samples, in the order they had.
    """
    taken = Counter[str]()
    turns = []
    for index in np.random.default_rng(seed).permutation(len(samples)).tolist():
        group = samples[index].group
        turns.append((taken[group], index))
        taken[group] += 1
    # Stable: within a turn, the order stays shuffled.
    turns.sort(key=lambda turn: turn[0])
    return [samples[index] for index in sorted(index for _, index in turns[:count])]


def write_sheets(samples: Sequence[Sample], images: int, folder: Path) -> list[Path]:
    """
    Write a contact sheet of each source and label.

    :param samples: images that can be read.
    :param images: how many images a sheet has at most.
    :param folder: where the PNG files go.
    :return: the files written.
    """
    written = []
    of_sheet = defaultdict(list)
    for sample in samples:
        of_sheet[sample.source, sample.label].append(sample)
    for (source, label), own in sorted(of_sheet.items()):
        drawn = draw_evenly(own, images)
        path = folder / f'{source.replace("/", "__")}_{LABELS[label]}.png'
        write_contact_sheet(
            [Tile(sample.path, f'{sample.split}  {sample.path.stem}') for sample in drawn], path,
            f'{source}, {LABELS[label]}: {len(drawn)} of {len(own)} images')
        written.append(path)
    return written
