# SPDX-License-Identifier: Apache-2.0
"""Labeled images in plain folders: the label is the name of a folder they are in."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
import re

from fire_detector.images.files import (
    find_files,
    IMAGE_SUFFIXES,
    ImageFileError,
    is_video,
    walk_files,
)
from training.data.groups import (
    count_by_group,
    group_rule,
    GROUP_RULES,
    groups_per_label,
    split_groups,
    splittable,
)
from training.data.samples import DatasetError, KINDS, LABELS, Sample, SPLITS

# Names of folders, in small letters and nothing else, without 'images' or 'pictures' at the end.
SPELLINGS = {
    'fire': ('fire', 'fires', 'flame', 'flames', 'withfire'),
    'benign_flame': ('benignflame', 'benignflames'),
    'smoke_only': ('smokeonly',),
    'nofire': ('nofire', 'nofires', 'nonfire', 'notfire', 'withoutfire', 'normal', 'neutral'),
}
_KIND_OF = {spelling: kind for kind, spellings in SPELLINGS.items() for spelling in spellings}
# Folders of somebody else's split, which is made anew: one clip may lie in two of them.
SPLIT_FOLDERS = frozenset(('train', 'training', 'val', 'valid', 'validation', 'test', 'testing'))
NAMED_FOLDERS = 10


@dataclass(frozen=True)
class _Image:
    path: Path
    file: PurePath  # relative to the data folder
    unlabeled: PurePath  # the same without the folders of labels and splits
    label: int
    source: str
    kind: str


def find_images(data: Path) -> list[Path]:
    """
    List the image files in a folder and below, in sorted order.

    :raises DatasetError: when it is no folder, cannot be read, or has no images.
    """
    if not data.is_dir():
        raise DatasetError(f'{data}: no such folder; name the folder with the images')
    try:
        found = [file for file in find_files(data) if not is_video(file)]
    except ImageFileError as error:
        raise DatasetError(str(error)) from error
    if not found:
        raise DatasetError(f'{data}: only videos in this folder; save their frames as images')
    return found


def other_files(data: Path) -> list[str]:
    """Return how many files of other formats there are in a folder and below, by suffix."""
    counts = Counter(path.suffix.lower() or path.name for path in walk_files(data)
                     if path.suffix.lower() not in IMAGE_SUFFIXES)
    return [f'{count} {suffix}' for suffix, count in sorted(counts.items())]


def kind_of_folder(name: str) -> str | None:
    """
    Return which kind of images the name of a folder stands for.

    :param name: such as 'fire', 'No-Fire' or 'non_fire_images'.
    :return: one of KINDS; None when it stands for none.
    """
    letters = ''.join(filter(str.isalpha, name.lower()))
    return _KIND_OF.get(re.sub(r'(image|picture)s?$', '', letters))


def read_folders(data: Path, group_by: str, seed: int) -> list[Sample]:
    """
    Read the labeled images in a folder, and split them by group.

    :param data: a folder. An image's label is that of the folder it is in, directly or further
        up; its source is the path from `data` to that folder, or the name of `data`. Folders
        called train, val or test make no difference.
    :param group_by: which images make a group; see :func:`training.data.groups.group_rule`.
    :param seed: of the split.
    :return: the samples, sorted by path; images in no label folder are not among them.
    :raises DatasetError: when there are no images, a label has none, an image is under both
        labels, or the groups are too few to have both labels in every split.
    """
    rule = group_rule(group_by)
    files = find_images(data)
    images = [image for path in files if (image := _labeled(data, path)) is not None]
    _check_labels(data, files, {image.label for image in images})
    labels = [image.label for image in images]
    groups = [rule(image.file, image.unlabeled) for image in images]
    counts = count_by_group(groups, labels)
    if not splittable(counts):
        raise DatasetError(_too_few_groups(data, group_by, images, groups_per_label(counts)))
    split_of = split_groups(counts, seed)
    return [Sample(image.path, image.label, image.source, group, split_of[group], image.kind)
            for image, group in zip(images, groups, strict=True)]


def _labeled(data: Path, path: Path) -> _Image | None:
    file = path.relative_to(data)
    folders = [folder for folder in file.parts[:-1] if folder.lower() not in SPLIT_FOLDERS]
    found = [kind_of_folder(folder) for folder in folders]
    kinds = sorted({kind for kind in found if kind is not None}, key=KINDS.index)
    if not kinds:
        return None
    if len(kinds) > 1:
        raise DatasetError(f'{path}: is in folders of both labels, {" and ".join(kinds)}; '
                           f'rename one of them')
    kind = kinds[0]
    unlabeled = [folder for folder, own in zip(folders, found, strict=True) if own is None]
    source = PurePath(*folders[:found.index(kind)]).as_posix()
    return _Image(path, file, PurePath(*unlabeled, file.name),
                  LABELS.index('fire' if kind == 'fire' else 'nofire'),
                  data.resolve().name if source == '.' else source, kind)


def _check_labels(data: Path, files: Sequence[Path], present: set[int]) -> None:
    missing = [label for index, label in enumerate(LABELS) if index not in present]
    if missing:
        seen = sorted({file.parent.relative_to(data).as_posix() for file in files})
        more = f' and {len(seen) - NAMED_FOLDERS} more' if len(seen) > NAMED_FOLDERS else ''
        understood = '; '.join(f'for {label}: {", ".join(SPELLINGS[label])}' for label in missing)
        raise DatasetError(f'{data}: no folder labeled {" or ".join(missing)} among those with '
                           f'images ({", ".join(seen[:NAMED_FOLDERS])}{more}); name it as one '
                           f'of these, whatever the case, separators and digits, {understood}')


def _too_few_groups(data: Path, group_by: str, images: Sequence[_Image],
                    per_label: Sequence[int]) -> str:
    """Return the message for too few groups, with the rules under which there are enough."""
    labels = [image.label for image in images]

    def describe(rule: str, numbers: Sequence[int]) -> str:
        return f'by --group-by {rule}, ' + ' and '.join(
            f'{label} is in {number}' for label, number in zip(LABELS, numbers, strict=True))

    advice = []
    for name, rule in GROUP_RULES.items():
        counts = count_by_group(
            [rule(image.file, image.unlabeled) for image in images], labels)
        if splittable(counts):
            advice.append(describe(name, groups_per_label(counts)) + (
                ', for images that are unrelated' if name == 'file' else ''))
    return (f'{data}: too few groups for {", ".join(SPLITS)}: each label has to be in '
            f'{len(SPLITS)} or more, and {describe(group_by, per_label)}; '
            f'{"; ".join(advice) or "add images of other scenes"}')
