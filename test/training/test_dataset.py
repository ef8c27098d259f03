# SPDX-License-Identifier: Apache-2.0
"""Folders of images become labeled samples in three splits, and a report."""

from collections.abc import Iterable
import os
from pathlib import Path, PurePath
import string

import cv2
from fire_detector.images.files import ImageFileError
import numpy as np
import pytest

_ = pytest.importorskip('tqdm', reason='the extra training is not installed')

from training.data.contact_sheet import (  # noqa: E402
    CAPTION,
    MARGIN,
    MIN_COLUMNS,
    SIDE,
    Tile,
    TITLE,
    write_contact_sheet,
)
from training.data.groups import count_by_group, group_rule, split_groups  # noqa: E402
from training.data.image_folders import kind_of_folder  # noqa: E402
from training.data.joining import read_dataset  # noqa: E402
from training.data.loading import skip_unreadable  # noqa: E402
from training.data.manifest import read_manifest, write_manifest  # noqa: E402
from training.data.report import (  # noqa: E402
    count_images,
    draw_evenly,
    find_doubts,
    find_leaks,
    format_sizes,
)
from training.data.samples import DatasetError, FIRE, LABELS, Sample, select, SPLITS  # noqa: E402
from training.dataset import main  # noqa: E402

NOFIRE = 1 - FIRE
FRAMES = 2
HEADER = 'file,label,source,group,split\n'
ROWS = ''.join(f'{split}_{label}.jpg,{label},here,{split}_{label},{split}\n'
               for split in SPLITS for label in LABELS)


def write_image(path: Path, height: int, width: int, color: tuple[int, ...]) -> Path:
    """Write an image of one BGR color, in the format of the suffix, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((height, width, 3), color, np.uint8)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
    return path


def make(data: Path, files: Iterable[str]) -> Path:
    """Write small images, no two alike, and return the folder."""
    for number, name in enumerate(files):
        write_image(data / name, 4, 6, (number % 256, number // 256, 0))
    return data


def clips(count: int) -> list[str]:
    """Return the names of the frames of so many clips for each label."""
    return [f'{label}/{label}{letter}_{frame:04}.png' for label in LABELS
            for letter in string.ascii_lowercase[:count] for frame in range(FRAMES)]


def read_folder(folder: Path, group_by: str | None = None,
                seed: int | None = None) -> list[Sample]:
    """Return the samples of one data folder."""
    return read_dataset([folder], group_by, seed).samples


def sample(group: str, label: int = FIRE, split: str = 'train', path: str = 'x.png') -> Sample:
    """Return a sample of the source `here`."""
    return Sample(Path(path), label, 'here', group, split)


@pytest.mark.parametrize(('kind', 'names'), [
    ('fire', ['fire', 'FIRE', 'fire_images', 'Fire Images', '1_fire', 'fire-picture']),
    ('benign_flame', ['benign_flame', 'Benign flames']),
    ('smoke_only', ['smoke-only_images']),
    ('nofire', ['NoFire', 'no-fire', 'non_fire_images', 'not_fire', 'Normal', 'neutral',
                'No Fire Images', '0_nofire']),
    (None, ['smoke', 'fireplace', 'campfire', 'images', '2024', '']),
])
def test_names_of_label_folders(kind: str | None, names: list[str]) -> None:
    """A label is recognized in any usual spelling; what only resembles one is none."""
    assert [kind_of_folder(name) for name in names] == [kind] * len(names)


def test_folders_of_a_split_make_no_difference(tmp_path: Path) -> None:
    """The frames of a clip in train/ and test/ are one group, and of one source."""
    names = [f'{split}/{name}' for name in clips(4) for split in ('train', 'Test')]
    samples = read_folder(make(tmp_path, names))
    assert {sample.source for sample in samples} == {tmp_path.name}
    assert len({sample.group for sample in samples}) == 8
    assert len(samples) == 2 * 8 * FRAMES


def test_sources_labels_and_unlabeled_images(tmp_path: Path) -> None:
    """The source is the path to the label folder; without a label folder there is no sample."""
    data = make(tmp_path / 'robot', [
        'kitchen/Fire/a.jpg', 'kitchen/Fire/deep/er/b.PNG', 'old/garage/no_fire/c.bmp',
        'fire_images/d.webp', 'normal/e.jpg', 'normal/f.jpg', 'stray.jpg', 'smoke/g.jpg'])
    (data / 'fire_images' / 'notes.txt').touch()
    (data / 'fire_images' / 'clip.mp4').touch()
    found = {sample.path.relative_to(data).as_posix(): (LABELS[sample.label], sample.source)
             for sample in read_folder(data)}
    assert found == {
        'fire_images/d.webp': ('fire', 'robot'),
        'kitchen/Fire/a.jpg': ('fire', 'kitchen'),
        'kitchen/Fire/deep/er/b.PNG': ('fire', 'kitchen'),
        'normal/e.jpg': ('nofire', 'robot'),
        'normal/f.jpg': ('nofire', 'robot'),
        'old/garage/no_fire/c.bmp': ('nofire', 'old/garage')}
    assert list(found) == sorted(found)


@pytest.mark.parametrize(('rule', 'file', 'group'), [
    ('prefix', 'fire/clip7_0001.jpg', 'clip7'),
    ('prefix', 'nofire/clip7_0002.jpg', 'clip7'),
    ('prefix', 'kitchen/fire/clip7_0001.jpg', 'kitchen/clip7'),
    ('prefix', 'fire/kitchen/clip7-0001.jpg', 'kitchen/clip7'),
    ('prefix', 'fire/clip7/0001.jpg', 'clip7'),
    ('prefix', 'fire/IMG (12).jpg', 'IMG'),
    ('prefix', 'fire/frame_0012_left.jpg', 'frameleft'),
    ('prefix', 'fire/house.jpg', 'house'),
    ('prefix', 'fire/fire2_mp4-56_jpg.rf.1e9523e7b497838a4e40d80da90084d6.jpg', 'fire2_mp4'),
    # A time, or the number of a copy, counts as a number.
    ('prefix', 'fire/1714557005.200.jpg', '.'),
    ('prefix', 'fire/vlcsnap-2024-05-01-12h00m05s123.png', 'vlcsnap-2024-05-01'),
    ('prefix', 'fire/clip7_00-01-05.jpg', 'clip7'),
    ('prefix', 'fire/DSC0001 (1).jpg', 'DSC'),
    ('prefix', 'fire/DSC0001.jpg', 'DSC'),
    ('prefix', 'fire/IMG_20240501_120005.jpg', 'IMG_20240501'),
    ('folder', 'kitchen/fire/clip7/0001.jpg', 'kitchen/clip7'),
    ('folder', 'kitchen/nofire/clip7/0001.jpg', 'kitchen/clip7'),
    ('file', 'fire/a_1.jpg', 'fire/a_1.jpg'),
    (r'(cam\d+)_', 'fire/2024/cam12_0001.jpg', 'cam12'),
])
def test_group_rules(rule: str, file: str, group: str) -> None:
    """Each rule returns the group that stands beside it."""
    path = PurePath(file)
    unlabeled = PurePath(*(part for part in path.parts if part not in LABELS))
    assert group_rule(rule)(path, unlabeled) == group


@pytest.mark.parametrize(('rule', 'message'), [
    ('clip', r"'clip': not one of .*'prefix', 'folder', 'file'.* 0 capturing groups"),
    ('(a)(b)', '2 capturing groups'),
    ('(a', r"'\(a': not one of .* as a regular expression: missing \)"),
    (r'(cam\d+)_', "does not match 'fire/firea_0000.png'"),
    ('(cam)?fire', "does not match 'fire/firea_0000.png'"),
])
def test_group_rule_that_cannot_be_used(tmp_path: Path, rule: str, message: str) -> None:
    """The message says what is wrong with the expression, or which image it misses."""
    make(tmp_path, clips(4))
    with pytest.raises(DatasetError, match=message):
        read_folder(tmp_path, rule)


def test_frames_of_a_clip_stay_together(tmp_path: Path) -> None:
    """A clip in which a fire starts is in both label folders, and yet in one split."""
    data = make(tmp_path, [f'{label}/clip{letter}_{frame}.png' for letter in 'abcdefgh'
                           for frame, label in enumerate(LABELS)])
    splits = {(sample.path.stem[:-2], sample.split) for sample in read_folder(data)}
    assert len(splits) == 8


@pytest.mark.parametrize(('count', 'shares'), [
    (20, (14, 3, 3)), (10, (7, 2, 1)), (4, (2, 1, 1)), (3, (1, 1, 1))])
def test_shares_of_the_splits(tmp_path: Path, count: int, shares: tuple[int, int, int]) -> None:
    """
    Share clips out 70 to 15 to 15, rounded, with one in each split at least.

    20 clips are 14, 3, 3; 10 are 7, 1.5, 1.5; 4 are 2.8, 0.6, 0.6; 3 are 2.1, 0.45, 0.45.
    """
    samples = read_folder(make(tmp_path, clips(count)))
    for label in (FIRE, NOFIRE):
        found = [sum(sample.label == label for sample in select(samples, split))
                 for split in SPLITS]
        assert found == [FRAMES * share for share in shares]


@pytest.mark.parametrize(('fire', 'nofire', 'both'), [
    (3, 3, 0), (4, 4, 0), (0, 0, 3), (2, 2, 1), (3, 1, 2), (3, 0, 3), (1, 1, 2), (5, 9, 1)])
def test_few_groups_of_any_size(fire: int, nofire: int, both: int) -> None:
    """Where each label is in three groups, every split has both labels."""
    rng = np.random.default_rng(0)
    for seed in range(50):
        kinds = [(1, 0)] * fire + [(0, 1)] * nofire + [(1, 1)] * both
        counts = {str(number): np.array(kind) * rng.integers(1, 50, 2)
                  for number, kind in enumerate(kinds)}
        split_of = split_groups(counts, seed)
        for split in SPLITS:
            filled = sum(counts[group] for group in counts if split_of[group] == split)
            assert np.all(filled > 0), (seed, split)


def test_large_group_is_for_training() -> None:
    """
    Put a group beyond the share of a small split into train.

    Fire: one group of 100 and ten of 10, 200 in all, of which 15 % are 30. No fire: 40 of 1.
    """
    groups = ['large'] * 100 + [f'small{number // 10}' for number in range(100)]
    names = [*groups, *(f'no{number}' for number in range(40))]
    counts = count_by_group(names, [FIRE] * 200 + [NOFIRE] * 40)
    split_of = split_groups(counts, seed=0)
    assert split_of['large'] == 'train'
    fire = {split: sum(counts[group][FIRE] for group in counts if split_of[group] == split)
            for split in SPLITS}
    assert fire == {'train': 140, 'val': 30, 'test': 30}


def test_split_depends_on_the_seed_alone(tmp_path: Path) -> None:
    """The order in which files were made makes no difference; another seed does."""
    names = clips(12)

    def splits(folder: str, order: Iterable[str], seed: int) -> list[tuple[str, str]]:
        samples = read_folder(make(tmp_path / folder, order), seed=seed)
        return [(sample.path.name, sample.split) for sample in samples]

    assert splits('one', names, 0) == splits('two', reversed(names), 0)
    assert splits('one', names, 0) != splits('one', names, 1)


def test_phone_photos(tmp_path: Path) -> None:
    """Names that differ by number only are one group; the message says what else there is."""
    data = make(tmp_path, [f'{label}/IMG_{number}.jpg' for label in LABELS
                           for number in range(1000, 1005)])
    with pytest.raises(DatasetError) as caught:
        read_folder(data)
    assert str(caught.value) == (
        f'{data}: too few groups for train, val, test: each label has to be in 3 or more, and by '
        f'--group-by prefix, fire is in 1 and nofire is in 1; by --group-by file, fire is in 5 '
        f'and nofire is in 5, for images that are unrelated')
    assert len(read_folder(data, 'file')) == 10


@pytest.mark.parametrize(('files', 'message'), [
    ([], 'no images or videos in this folder'),
    (['fire/a.png', 'smoke/b.png'],
     r'no folder labeled nofire among those with images \(fire, smoke\); .* nonfire'),
    (['a.png'], r'no folder labeled fire or nofire among those with images \(\.\)'),
    ([f'room{number}/a.png' for number in range(12)], 'room7 and 2 more'),
    (['fire/normal/a.png', 'nofire/b.png'], 'fire/normal/a.png: is in folders of both labels'),
    (['fire/a.png', 'fire/b.png', 'nofire/a.png', 'nofire/b.png', 'nofire/c.png'],
     'fire is in 2 and nofire is in 3; add images'),
])
def test_folders_that_cannot_be_trained_on(
        tmp_path: Path, files: list[str], message: str) -> None:
    """The message says which folders were seen and which names are understood."""
    with pytest.raises(DatasetError, match=message):
        read_folder(make(tmp_path, files))


def test_no_folder_of_images(tmp_path: Path) -> None:
    """A missing folder, a file, and a folder of videos are named as what they are."""
    (tmp_path / 'videos' / 'fire').mkdir(parents=True)
    video = tmp_path / 'videos' / 'fire' / 'clip.mp4'
    video.touch()
    for path, message in ((tmp_path / 'missing', 'no such folder'), (video, 'no such folder'),
                          (tmp_path / 'videos', 'only videos in this folder')):
        with pytest.raises(DatasetError, match=f'{path}: {message}'):
            read_folder(path)


def test_unreadable_files_are_skipped(tmp_path: Path) -> None:
    """An empty, a broken, a missing and a wrongly named file are listed; the others stay."""
    make(tmp_path, ['b.png', 'a.png', 'named.png'])
    (tmp_path / 'empty.png').touch()
    (tmp_path / 'text.png').write_text('no image')
    latin = Path(os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9.png'))
    (tmp_path / 'named.png').rename(latin)
    samples = [sample('g', path=str(path)) for path in (
        tmp_path / 'b.png', tmp_path / 'empty.png', tmp_path / 'text.png',
        tmp_path / 'missing.png', latin, tmp_path / 'a.png')]
    readable, problems = skip_unreadable(samples)
    assert readable == [samples[0], samples[5]]
    for problem, expected in zip(problems, (
            'empty.png: not an image', 'text.png: not an image', 'missing.png: No such file',
            "caf\\udce9.png': the name is not UTF-8; rename"), strict=True):
        assert expected in problem
    assert skip_unreadable([]) == ([], [])


def test_real_data(data: Path) -> None:
    """Every image is listed once, no file is in two splits, and the folders say the same."""
    samples = read_folder(data)
    assert len(samples) == 6130
    assert len(select(samples, 'test')) == 717
    assert len({sample.path for sample in samples}) == len(samples)
    assert find_leaks(samples) == []

    # Without the manifest, each image by itself.
    unlisted = read_folder(data / 'images', 'file')
    assert {(sample.path.resolve(), sample.source, sample.label) for sample in unlisted} == {
        (sample.path.resolve(), sample.source, sample.label) for sample in samples}
    for label, total in ((FIRE, 3594), (NOFIRE, 2536)):
        shares = [sum(sample.label == label for sample in select(unlisted, split)) / total
                  for split in SPLITS]
        assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.001)


@pytest.mark.parametrize(('text', 'message'), [
    (HEADER + ROWS + 'x.jpg,smoke,here,g,train\n', r"manifest.csv:8: label 'smoke'"),
    (HEADER + ROWS + 'x.jpg,fire,here,g,dev\n', r"manifest.csv:8: split 'dev'"),
    (HEADER + ROWS + 'x.jpg,fire,here,test_fire,train\n', "group 'test_fire' is in two splits"),
    (HEADER + ROWS.replace('val_fire.jpg,fire', 'val_fire.jpg,nofire'),
     "no image labeled fire in split 'val'"),
    (HEADER + ROWS + 'x.jpg,fire,here\n', "manifest.csv:8: nothing in column 'group'"),
    (HEADER + ROWS + ',fire,here,g,train\n', "manifest.csv:8: nothing in column 'file'"),
    ('file,label\nx.jpg,fire\n', "manifest.csv: no column 'source'"),
    ('', "manifest.csv: no column 'file'"),
    (HEADER, "no image labeled fire or nofire in split 'train'"),
    (HEADER + ROWS + 'x.jpg,fire,here,g,train,more\n', 'manifest.csv: not a CSV file'),
    (HEADER + ROWS.replace('here', 'küche'), 'manifest.csv: not a CSV file in UTF-8'),
])
def test_manifest_that_cannot_be_trained_on(tmp_path: Path, text: str, message: str) -> None:
    """The message names the file, the line and the value; Latin-1 is refused."""
    (tmp_path / 'manifest.csv').write_text(text, encoding='latin-1')
    with pytest.raises(DatasetError, match=message):
        read_folder(tmp_path)


def test_manifest_of_a_spreadsheet(tmp_path: Path) -> None:
    """UTF-8 as spreadsheets write it, with a signature, is read."""
    text = HEADER + ROWS.replace('here', 'küche')
    (tmp_path / 'manifest.csv').write_text(text, encoding='utf-8-sig')
    assert read_manifest(tmp_path)[0].source == 'küche'


def test_linked_folders_and_other_files(tmp_path: Path,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    """A linked folder is followed, once; files of other formats are counted."""
    make(tmp_path / 'disk', clips(3))
    data = tmp_path / 'data'
    data.mkdir()
    (data / 'fire').symlink_to(tmp_path / 'disk' / 'fire')
    (data / 'nofire').symlink_to(tmp_path / 'disk' / 'nofire')
    (tmp_path / 'disk' / 'fire' / 'loop').symlink_to(tmp_path / 'disk' / 'fire')
    (data / 'x.HEIC').touch()
    assert len(read_folder(data)) == 6 * FRAMES
    assert main(['--data', str(data), '--out', str(tmp_path / 'look')]) == 0
    assert '- 1 .heic\n' in capsys.readouterr().out


def test_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Paths within the data folder are written relative to it, others in full."""
    data = tmp_path / 'data'
    samples = [Sample(data / 'a, "b"' / f'{split}{label}.jpg', label, 'küche',
                      f'{split}{label}', split) for split in SPLITS for label in (FIRE, NOFIRE)]
    samples.append(sample('elsewhere', path=str(tmp_path / 'other' / 'x.jpg')))
    written = tmp_path / 'samples.csv'
    write_manifest(samples, data, written)
    lines = written.read_text(encoding='utf-8').splitlines()
    assert lines[0] == 'file,label,source,group,split'
    assert lines[1] == '"a, ""b""/train0.jpg",fire,küche,train0,train'
    assert lines[-1] == f'{tmp_path}/other/x.jpg,fire,here,elsewhere,train'
    assert read_manifest(data, written) == samples


def test_missing_manifest_and_needless_group_rule(tmp_path: Path) -> None:
    """A missing manifest is named, and a rule refused where the manifest has the groups."""
    with pytest.raises(DatasetError, match=r'samples.csv: No such file.*file, label, source'):
        read_manifest(tmp_path, tmp_path / 'samples.csv')
    (tmp_path / 'manifest.csv').write_text(HEADER + ROWS)
    with pytest.raises(DatasetError, match='has groups and splits already'):
        read_folder(tmp_path, 'file')


def test_equal_files_in_two_splits(tmp_path: Path) -> None:
    """
    Check which of six images are leaks.

    a (train) and b (test) have equal bytes. c and d, equal too, are both in train. e and f have
    as many bytes as a and c, but others.
    """
    samples = []
    for name, content, split in (
            ('a', b'11', 'train'), ('b', b'11', 'test'), ('c', b'333', 'train'),
            ('d', b'333', 'train'), ('e', b'55', 'val'), ('f', b'666', 'val')):
        (tmp_path / name).write_bytes(content)
        samples.append(sample(name, split=split, path=str(tmp_path / name)))
    assert find_leaks(samples) == [samples[:2]]


def test_doubts_by_hand(tmp_path: Path) -> None:
    """
    Check each threshold from both sides.

    Nine groups are fewer than ten. 'large' with 2 of 21 images is 10 %, the pair with 2 of 40
    just 5 %, and in val, no fire, each image is 10 %, but by itself.
    """
    files = make(tmp_path, (f'{number}.png' for number in range(130)))
    paths = iter(sorted(files.iterdir()))
    sizes = {('train', FIRE): 20, ('train', NOFIRE): 38, ('val', FIRE): 9, ('val', NOFIRE): 10,
             ('test', FIRE): 20, ('test', NOFIRE): 19}
    samples = [sample(f'{split}{label}{number}', label, split, str(next(paths)))
               for (split, label), size in sizes.items() for number in range(size)]
    samples += [sample(group, NOFIRE, split, str(next(paths))) for group, split in (
        ('pair', 'train'), ('pair', 'train'), ('large', 'test'), ('large', 'test'))]
    assert find_doubts(samples) == [
        'val, fire: fewer than 10 groups (9), so what is learned or measured is uncertain; '
        "the largest is 'val00' with 1 of 9 images",
        'test, nofire: groups of more than 5% each make up 10% of the images; '
        "the largest is 'large' with 2 of 21 images"]


def test_table_of_counts() -> None:
    """Two fire frames of one clip and one other image, by source and together."""
    samples = [sample('clip'), sample('clip'), Sample(Path('y'), NOFIRE, 'all', 'y', 'test')]
    counts = count_images(samples)
    assert list(counts) == ['source', 'split', 'fire', 'nofire', 'groups', 'largest group']
    assert counts.to_numpy().tolist() == [
        ['all', 'train', 0, 0, 0, 0],
        ['all', 'val', 0, 0, 0, 0],
        ['all', 'test', 0, 1, 1, 1],
        ['here', 'train', 2, 0, 1, 2],
        ['here', 'val', 0, 0, 0, 0],
        ['here', 'test', 0, 0, 0, 0],
        ['(all)', 'train', 2, 0, 1, 2],
        ['(all)', 'val', 0, 0, 0, 0],
        ['(all)', 'test', 0, 1, 1, 1],
        ['(all)', '(all)', 2, 1, 2, 2]]


def test_sizes_are_compared_by_area() -> None:
    """Of 9x9 = 81, 1x100 = 100 and 40x30 = 1200 pixels, the second is in the middle."""
    assert format_sizes([(1, 100), (40, 30), (9, 9)]) == (
        'smallest 9x9, median 1x100, largest 40x30')


def test_images_are_drawn_evenly_over_groups() -> None:
    """Of groups with 50, 2 and 1 images, 6 are 3 + 2 + 1; the same again; all at most."""
    samples = [sample(group, path=f'{group}{number}') for group, size in (
        ('long', 50), ('short', 2), ('single', 1)) for number in range(size)]
    drawn = draw_evenly(samples, 6)
    assert sorted(sample.group for sample in drawn) == ['long'] * 3 + ['short'] * 2 + ['single']
    assert drawn == draw_evenly(samples, 6)
    assert drawn != draw_evenly(samples, 6, seed=1)
    assert draw_evenly(samples, 100) == samples


def test_contact_sheet(tmp_path: Path) -> None:
    """
    Check where images and captions are.

    An image of 40x20 becomes SIDE x SIDE / 2, in the middle of its tile: a quarter of the tile
    is free above and below it. The caption, however long, ends with its tile.
    """
    red = write_image(tmp_path / 'red.png', 20, 40, (0, 0, 255))
    out = tmp_path / 'new' / 'sheet.png'
    write_contact_sheet([Tile(red, 'W' * 100), Tile(red, '')], out, 'title ' * 100)
    sheet = cv2.imread(str(out))
    assert sheet.shape == (TITLE + SIDE + CAPTION + MARGIN,
                           MARGIN + MIN_COLUMNS * (SIDE + MARGIN), 3)
    reddish = (sheet == (0, 0, 255)).all(axis=2)
    rows, columns = np.nonzero(reddish)
    assert (rows.min(), rows.max()) == (TITLE + SIDE // 4, TITLE + SIDE // 4 + SIDE // 2 - 1)
    assert (columns.min(), columns.max()) == (MARGIN, MARGIN + SIDE + MARGIN + SIDE - 1)
    caption = sheet[TITLE + SIDE:] != sheet[-1, -1]
    written = np.nonzero(caption.any(axis=(0, 2)))[0]
    assert written.min() >= MARGIN
    assert MARGIN + SIDE // 2 < written.max() <= MARGIN + SIDE
    title = np.nonzero((sheet[:TITLE] != sheet[-1, -1]).any(axis=(0, 2)))[0]
    assert sheet.shape[1] // 2 < title.max() < sheet.shape[1]


def test_contact_sheet_of_odd_images(tmp_path: Path) -> None:
    """An image of one row is drawn; one that cannot be read is named."""
    line = write_image(tmp_path / 'line.png', 1, 900, (255, 255, 255))
    write_contact_sheet([Tile(line, '')], tmp_path / 'sheet.png', '')
    assert (cv2.imread(str(tmp_path / 'sheet.png')) == 255).all(axis=2).sum() == SIDE
    with pytest.raises(ImageFileError, match=r'missing\.png'):
        write_contact_sheet([Tile(tmp_path / 'missing.png', '')], tmp_path / 'x.png', '')


def test_report_on_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of 12 clips a label, one has a broken frame; one frame of test is a copy of train's."""
    data = make(tmp_path / 'data', [*(f'kitchen/{name}' for name in clips(12)), 'smoke/s.png'])
    samples = read_folder(data)
    first = {split: select(samples, split)[0].path for split in SPLITS}
    first['test'].write_bytes(first['train'].read_bytes())
    broken = data / 'kitchen' / 'fire' / 'firea_0002.jpg'
    broken.write_text('no image')
    out = tmp_path / 'look'
    assert main(['--data', str(data), '--out', str(out), '--images', '3']) == 0
    report = capsys.readouterr().out
    assert report == (out / 'dataset.md').read_text() + '\n'
    for expected in (
            '| (all) | (all) | 24 | 24 | 24 | 2 |', 'smallest 6x4, median 6x4, largest 6x4',
            f'- {broken}: not an image', f'- {data / "smoke" / "s.png"}\n',
            '- val, fire: fewer than 10 groups (2)',
            f'{first["train"]} (train)', f'{first["test"]} (test)'):
        assert expected in report
    # Images of one color look alike, whatever the color.
    assert sorted(path.name for path in out.iterdir()) == [
        'dataset.md', 'kitchen_fire.png', 'kitchen_nofire.png', 'near_duplicates.csv',
        'near_duplicates.png']


def test_split_is_frozen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The manifest that is written is read from then on, and not written again."""
    data = make(tmp_path / 'data', clips(6))
    before = read_folder(data, seed=3)
    command = ['--data', str(data), '--out', str(tmp_path / 'look'), '--split-seed', '3',
               '--write-manifest']
    assert main(command) == 0
    assert read_folder(data) == before
    capsys.readouterr()
    assert main(command) == 1
    assert capsys.readouterr().err == (
        f'training.dataset: {data / "manifest.csv"}: exists already; '
        f'move it away to write another\n')


def test_nothing_is_readable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is broken is named beside what lacks because of it."""
    for name in clips(4):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert main(['--data', str(tmp_path), '--out', str(tmp_path / 'look')]) == 1
    error = capsys.readouterr().err
    assert "no image labeled fire or nofire in split 'train', and 16 images cannot" in error
    assert 'firea_0000.png: not an image' in error


@pytest.mark.parametrize(('option', 'value'), [
    ('--images', '0'), ('--images', 'many'), ('--split-seed', '-1'), ('--split-seed', '1.5')])
def test_numbers_out_of_range(option: str, value: str,
                              capsys: pytest.CaptureFixture[str]) -> None:
    """A number that is too small, and what is no whole number, is refused."""
    with pytest.raises(SystemExit):
        main(['--data', '.', f'{option}={value}'])
    assert f'{option}: {value} is not a whole number of' in capsys.readouterr().err


def test_command_line_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong is one line on stderr."""
    assert main(['--data', str(tmp_path / 'missing')]) == 1
    assert capsys.readouterr().err == (f'training.dataset: {tmp_path / "missing"}: no such '
                                       f'folder; name the folder with the images\n')
