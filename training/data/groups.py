# SPDX-License-Identifier: Apache-2.0
"""Groups of images that belong together, and the split of each group."""

from collections.abc import Callable, Sequence
from pathlib import PurePath
import re

import numpy as np
from numpy.typing import NDArray
import pandas as pd
from training.data.samples import DatasetError, LABELS, SPLITS

# Returns an image's group: its path below the data folder, and that without the label folders.
GroupRule = Callable[[PurePath, PurePath], str]

# Of all images, in the order of SPLITS.
SHARES = (0.7, 0.15, 0.15)
# What Roboflow appends to the name of every image it exports.
_ROBOFLOW = re.compile(r'[_.](?:jpe?g|png|bmp|webp)\.rf\..*', re.IGNORECASE)
# A number, or a time: 12h00m05s123 as players write it, 00-01-05, 1714557005.200 as bags have it;
# and the number of a copy, as in 'DSC0001 (1)'.
_LAST_NUMBER = re.compile(
    r'[\W_]*(?:\d+h\d+m\d+s\d*|\d\d([-:.])\d\d\1\d\d|\d{9,}[._]\d+|\d+)(?: \(\d+\))?'
    r'[\W_]*(?=\D*$)')


def _by_prefix(file: PurePath, unlabeled: PurePath) -> str:
    name = _ROBOFLOW.sub('', file.stem)
    return (unlabeled.parent / _LAST_NUMBER.sub('', name, count=1)).as_posix()


GROUP_RULES: dict[str, GroupRule] = {
    'prefix': _by_prefix,
    'folder': lambda file, unlabeled: unlabeled.parent.as_posix(),
    'file': lambda file, unlabeled: file.as_posix(),
}


def group_rule(group_by: str) -> GroupRule:
    """
    Return the rule for the group of an image.

    :param group_by: 'prefix': images in one folder whose names are equal but for the last
        number, as the frames of a video are; 'folder': images in one folder; 'file': each
        image by itself; or a regular expression that is searched in the image's path, and
        whose one capturing group is the group. Label folders make no difference to the first two.
    :raises DatasetError: when it is neither the name of a rule nor such an expression; the rule
        itself raises it for an image that the expression does not match.
    """
    if group_by in GROUP_RULES:
        return GROUP_RULES[group_by]
    refused = (f'--group-by {group_by!r}: not one of {tuple(GROUP_RULES)}, and as a regular '
               f'expression')
    try:
        pattern = re.compile(group_by)
    except re.error as error:
        raise DatasetError(f'{refused}: {error}') from error
    if pattern.groups != 1:
        raise DatasetError(f'{refused} it has {pattern.groups} capturing groups instead of one, '
                           f'such as (cam\\d+)_')

    def by_expression(file: PurePath, unlabeled: PurePath) -> str:
        match = pattern.search(file.as_posix())
        if match is None or match[1] is None:
            raise DatasetError(f'--group-by {group_by!r}: does not match {file.as_posix()!r}; '
                               f'it has to match every image')
        return match[1]

    return by_expression


def count_by_group(groups: Sequence[str], labels: Sequence[int]) -> dict[str, NDArray[np.int64]]:
    """
    Count the images of each label in each group.

    :param groups: the group of each image.
    :param labels: the label of each image, an index into LABELS.
    :return: arrays of shape (len(LABELS),), by group in sorted order.
    """
    table = pd.crosstab(np.array(groups), np.array(labels)).reindex(
        columns=range(len(LABELS)), fill_value=0)
    return dict(zip(table.index, table.to_numpy(np.int64), strict=True))


def split_groups(counts: dict[str, NDArray[np.int64]], seed: int) -> dict[str, str]:
    """
    Distribute groups over the splits, so that each has about its share of each label.

    A fold of scikit-learn's StratifiedGroupKFold can lack a label where there are few groups.
    Here every split first gets a small group of each label. The others follow, the largest first,
    and each goes to where the least is as yet, measured by the split's share.

    :param counts: what :func:`count_by_group` returned; each label has to be in at least as many
        groups as there are splits, see :func:`splittable`.
    :param seed: of the order among groups of equal size.
    :return: the split of each group.
    """
    groups = list(counts)
    np.random.default_rng(seed).shuffle(groups)
    groups.sort(key=lambda group: int(counts[group].sum()))
    target = np.outer(SHARES, np.sum(list(counts.values()), axis=0))
    filled = np.zeros_like(target)
    split_of: dict[str, str] = {}

    def assign(group: str, split: int) -> None:
        split_of[group] = SPLITS[split]
        filled[split] += counts[group]

    for split in reversed(range(len(SPLITS))):
        for label in range(len(LABELS)):
            if not filled[split, label]:
                free = [group for group in groups
                        if group not in split_of and counts[group][label]]
                # Another split may need a group that also has the label that is here already.
                assign(min(free, key=lambda group: bool(counts[group][filled[split] > 0].any())),
                       split)
    for group in reversed(groups):
        if group not in split_of:
            # By half of the group, as Sainte-Lague's method rounds: without a bias to either side.
            fullness = (filled + counts[group] / 2) / target
            assign(group, int(np.argmin(fullness @ (counts[group] / target.sum(axis=0)))))
    return split_of


def groups_per_label(counts: dict[str, NDArray[np.int64]]) -> list[int]:
    """Return in how many groups each label is."""
    return [sum(bool(count[label]) for count in counts.values()) for label in range(len(LABELS))]


def splittable(counts: dict[str, NDArray[np.int64]]) -> bool:
    """Return whether every split can have every label."""
    return min(groups_per_label(counts)) >= len(SPLITS)
