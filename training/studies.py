# SPDX-License-Identifier: Apache-2.0
"""The recipes that are compared, and the one of the default model."""

from collections.abc import Mapping
from dataclasses import dataclass

# As its authors trained it: no variation, no balance, no choice of anything afterwards.
ARTICLE = ('--arch firenet --no-augment --balance none --group-cap 0 --patience 0 '
           '--no-calibrate --false-alarms 0')
LITE0 = ('--arch lite0 --schedule cosine --learning-rate 0.002 --balance source --patience 0 '
         '--sunsets 0.08')
TEACHER = ('--arch lite0_whole --schedule cosine --learning-rate 0.0003 --balance source '
           '--patience 0 --sunsets 0.08 --epochs 4')
# Shorter than the default's training, so that there is time for three seeds of every row.
SHORT = '--epochs 4'
UNSEEN_EPOCHS = '--epochs 8'
LONG = '--epochs 16'
# What is left out together: indoor and cctv took from the same videos.
UNSEEN = {'cair': ('cair',), 'kaggle999': ('kaggle999',), 'cctv+indoor': ('cctv', 'indoor')}


@dataclass(frozen=True)
class Row:
    """
    Name a recipe.

    :ivar options: options of `training.train`, separated by spaces.
    :ivar teacher: the row whose network teaches this one's; None for labels alone.
    :ivar seeds: how many seeds it is trained with at most; None for all.
    """

    options: str
    teacher: str | None = None
    seeds: int | None = None


@dataclass(frozen=True)
class Converted:
    """
    Name a number format that the networks of another row are converted to.

    :ivar of: the row.
    :ivar number_format: the number format.
    :ivar optimize: options of `training.optimize` for what is done to them before; empty for
        nothing.
    """

    of: str
    number_format: str
    optimize: str = ''


def _unseen() -> dict[str, Row | Converted]:
    rows: dict[str, Row | Converted] = {}
    for name, sources in UNSEEN.items():
        left_out = ' '.join(f'--leave-out {source}' for source in sources)
        rows |= {
            f'firenet without {name}': Row(f'{ARTICLE} --epochs 20 {left_out}'),
            f'default without {name}': Row(f'{LITE0} {UNSEEN_EPOCHS} {left_out}')}
    return rows


STUDIES: Mapping[str, Mapping[str, Row | Converted]] = {
    'default': {
        'firenet': Row(f'{ARTICLE} --epochs 40'),
        'default': Row(f'{LITE0} {LONG}'),
        'not varied': Row(f'{LITE0} {LONG} --no-augment'),
    },
    'ablation': {
        'teacher': Row(TEACHER, seeds=1),
        'base': Row(f'{LITE0} {SHORT}'),
        'taught': Row(f'{LITE0} {SHORT}', 'teacher'),
        'not varied': Row(f'{LITE0} {SHORT} --no-augment'),
        'not balanced': Row(f'{LITE0} {SHORT} --balance none'),
        'negative crops': Row(f'{LITE0} {SHORT} --negative-crops 0.25'),
        'no sunsets': Row(f'{LITE0} {SHORT} --sunsets 0'),
        '128 pixels': Row(f'{LITE0} {SHORT} --input-size 128'),
        '160 pixels': Row(f'{LITE0} {SHORT} --input-size 160'),
        'int8': Converted('base', 'int8'),
        'int8, quantization-aware': Converted('base', 'int8', '--method qat --epochs 2'),
    },
    'unseen': _unseen(),
}
