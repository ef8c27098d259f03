# SPDX-License-Identifier: Apache-2.0
"""Near-duplicates and suspicious labels: lists to work through, contact sheets to look at."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from training.data.contact_sheet import Tile, write_contact_sheet
from training.data.near_duplicates import Pair
from training.data.samples import KINDS, relative_name

if TYPE_CHECKING:
    from training.data.suspects import Suspect

PAIRS, SUSPECTS = 'near_duplicates', 'suspects'


def write_pairs(pairs: Sequence[Pair], folders: Sequence[Path], images: int,
                out: Path) -> list[str]:
    """
    Write all pairs as a CSV file, and those in different splits as a contact sheet.

    :param pairs: the most alike first.
    :param folders: the data folders, which names are relative to.
    :param images: how many images the sheet has at most.
    :param out: the folder to write to.
    :return: a line about each pair in different splits.
    """
    rows = [(relative_name(pair.first.path, folders), pair.first.split,
             relative_name(pair.second.path, folders), pair.second.split, pair.bits)
            for pair in pairs]
    _write_csv(rows, ('file', 'split', 'other', 'other_split', 'bits'), out / f'{PAIRS}.csv')
    leaks = [pair for pair in pairs if pair.leaks]
    if leaks:
        shown = leaks[:max(1, images // 2)]
        write_contact_sheet(
            [Tile(sample.path, f'{pair.bits}  {sample.split}  {sample.source} {sample.path.stem}')
             for pair in shown for sample in (pair.first, pair.second)], out / f'{PAIRS}.png',
            f'Near-duplicates in different splits, side by side: {len(shown)} of {len(leaks)}')
    return [f'{name} ({split}) = {other} ({other_split}), {bits} bits differ'
            for name, split, other, other_split, bits in rows if split != other_split]


def write_suspects(suspects: Sequence['Suspect'], folders: Sequence[Path], images: int,
                   out: Path) -> list[str]:
    """
    Write suspects as a CSV file, and as a contact sheet of each kind.

    :param suspects: the most suspicious first.
    :param folders: the data folders, which names are relative to.
    :param images: how many images a sheet has at most.
    :param out: the folder to write to.
    :return: a line about each.
    """
    rows = [(relative_name(suspect.sample.path, folders), suspect.sample.kind,
             suspect.looks_like, round(suspect.probability, 4)) for suspect in suspects]
    _write_csv(rows, ('file', 'label', 'looks_like', 'probability'), out / f'{SUSPECTS}.csv')
    for kind in KINDS:
        own = [suspect for suspect in suspects if suspect.sample.kind == kind]
        if own:
            write_contact_sheet(
                [Tile(suspect.sample.path, f'{suspect.looks_like}? {suspect.sample.source} '
                                           f'{suspect.sample.path.stem}')
                 for suspect in own[:images]], out / f'{SUSPECTS}_{kind}.png',
                f'{kind}? The most suspicious {len(own[:images])} of {len(own)}')
    return [f'{name}: {kind}? It looks like {looks_like}; {probability:.3f} for {kind}'
            for name, kind, looks_like, probability in rows]


def _write_csv(rows: Sequence[tuple[object, ...]], columns: Sequence[str], path: Path) -> None:
    pd.DataFrame(rows, columns=list(columns)).to_csv(path, index=False, lineterminator='\n')
