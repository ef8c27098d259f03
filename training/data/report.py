# SPDX-License-Identifier: Apache-2.0
"""Counts, sizes, doubts and contact sheets of labeled images, before a training."""

from collections.abc import Collection, Sequence
import hashlib
from pathlib import Path

import pandas as pd
from training.data.contact_sheet import Tile, write_contact_sheet
from training.data.samples import KINDS, LABELS, Sample, SPLITS, to_table

# Of the images of one label in one split.
LARGE_GROUP = 0.05
# Of one label in one split; with fewer, rates that are measured there are uncertain.
ENOUGH_GROUPS = 10
NAMED_FILES = 3
# In place of a source or split.
TOGETHER = '(all)'


def count_images(samples: Sequence[Sample]) -> pd.DataFrame:
    """
    Count images and groups of each source and split.

    :param samples: at least one.
    :return: a row for each source and split, with the columns `source`, `split`, `fire`,
        `nofire` and others of KINDS that there are, `groups` and `largest group`; TOGETHER stands
        for all sources, and all splits.
    """
    table = to_table(samples)
    table = pd.concat([table, table.assign(source=TOGETHER),
                       table.assign(source=TOGETHER, split=TOGETHER)])
    sources = sorted({sample.source for sample in samples})
    rows = [(source, split) for source in (*sources, TOGETHER) for split in SPLITS]
    by_row = table.groupby(['source', 'split'])
    sizes = table.value_counts(['source', 'split', 'group'])
    return pd.DataFrame({
        **{kind: by_row['kind'].agg(lambda found, kind=kind: (found == kind).sum())
           for kind in KINDS if kind in (*LABELS, *table['kind'])},
        'groups': by_row['group'].nunique(),
        'largest group': sizes.groupby(['source', 'split']).max(),
    }).reindex(pd.MultiIndex.from_tuples([*rows, (TOGETHER, TOGETHER)], names=['source', 'split']),
               fill_value=0).reset_index()


def format_sizes(sizes: Collection[tuple[int, int]]) -> str:
    """Return the smallest, median and largest of image sizes, given as width and height."""
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    chosen = {'smallest': ordered[0], 'median': ordered[len(ordered) // 2],
              'largest': ordered[-1]}
    return ', '.join(f'{name} {width}x{height}' for name, (width, height) in chosen.items())


def find_leaks(samples: Sequence[Sample]) -> list[list[Sample]]:
    """
    Find files with equal bytes in more than one split.

    :param samples: images that can be read.
    :return: the samples of each set of equal files, in order.
    """
    table = pd.DataFrame({'sample': samples, 'split': [sample.split for sample in samples],
                          'content': [sample.path.stat().st_size for sample in samples]})
    # Of equal length; few are left to be read.
    table = table[table.groupby('content')['split'].transform('nunique') > 1]
    table = table.assign(content=[hashlib.sha256(sample.path.read_bytes()).hexdigest()
                                  for sample in table['sample']])
    return [list(equal['sample']) for _, equal in table.groupby('content', sort=False)
            if equal['split'].nunique() > 1]


def find_doubts(samples: Sequence[Sample]) -> list[str]:
    """Return the reasons to doubt what is measured with these images."""
    table = to_table(samples)
    found = []
    for split in SPLITS:
        for label in LABELS:
            groups = table[(table['split'] == split) & (table['kind'] == label)]['group']
            found += _group_doubts(f'{split}, {label}', groups.value_counts())
    leaks = find_leaks(samples)
    if leaks:
        named = '; '.join(' = '.join(f'{sample.path} ({sample.split})' for sample in equal)
                          for equal in leaks[:NAMED_FILES])
        found.append(f'equal files in more than one split: {len(leaks)}, such as {named}')
    return found


def _group_doubts(where: str, sizes: pd.Series) -> list[str]:
    """Return the doubts about the groups of one split and label, from their sizes."""
    total = int(sizes.sum())
    largest_group = f'the largest is {sizes.index[0]!r} with {sizes.iloc[0]} of {total} images'
    if len(sizes) < ENOUGH_GROUPS:
        return [f'{where}: fewer than {ENOUGH_GROUPS} groups ({len(sizes)}), so what is learned '
                f'or measured is uncertain; {largest_group}']
    # An image by itself is no group of near-duplicates, however few there are.
    large = sizes[sizes > max(1, LARGE_GROUP * total)]
    if len(large):
        return [f'{where}: groups of more than {LARGE_GROUP:.0%} each make up '
                f'{large.sum() / total:.0%} of the images; {largest_group}']
    return []


def draw_evenly(samples: Sequence[Sample], count: int, seed: int = 0) -> list[Sample]:
    """
    Draw samples from as many groups as possible, and evenly from each.

    :param samples: the samples to draw from.
    :param count: how many to draw at most.
    :param seed: of the choice.
    :return: the samples, in the order they had.
    """
    groups = pd.Series([sample.group for sample in samples]).sample(frac=1, random_state=seed)
    # Stable: within a turn, the order stays shuffled.
    turns = groups.groupby(groups).cumcount().sort_values(kind='stable')
    return [samples[index] for index in sorted(turns.index[:count])]


def write_sheets(samples: Sequence[Sample], images: int, folder: Path) -> list[Path]:
    """
    Write a contact sheet of each source and kind.

    :param samples: images that can be read.
    :param images: how many images a sheet has at most.
    :param folder: where the PNG files go.
    :return: the files written.
    """
    written = []
    for source, kind in sorted({(sample.source, sample.kind) for sample in samples}):
        own = [sample for sample in samples if (sample.source, sample.kind) == (source, kind)]
        drawn = draw_evenly(own, images)
        path = folder / f'{source.replace("/", "__")}_{kind}.png'
        write_contact_sheet(
            [Tile(sample.path, f'{sample.split}  {sample.path.stem}') for sample in drawn], path,
            f'{source}, {kind}: {len(drawn)} of {len(own)} images')
        written.append(path)
    return written
