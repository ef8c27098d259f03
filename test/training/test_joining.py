# SPDX-License-Identifier: Apache-2.0
"""Data folders are joined by group, their labels corrected, and given a meaning."""

from collections.abc import Sequence
from pathlib import Path

import pytest

_ = pytest.importorskip('pandas', reason='the extra training is not installed')

from training.data.corrections import corrections_for, read_corrections  # noqa: E402
from training.data.joining import read_dataset  # noqa: E402
from training.data.near_duplicates import find_pairs  # noqa: E402
from training.data.report import count_images  # noqa: E402
from training.data.samples import DatasetError, KINDS, LABELS, Meaning, SPLITS  # noqa: E402
from training.dataset import main  # noqa: E402
from training.run_folder import (  # noqa: E402
    read_config,
    read_run,
    run_of,
    TrainingConfig,
    write_config,
)

CORRECTIONS = Path(__file__).resolve().parents[2] / 'training' / 'corrections.csv'
HEADER = 'file,label,source,group,split\n'


def write_folder(folder: Path, more: Sequence[str] = (), kinds: Sequence[str] = LABELS) -> Path:
    """
    Write a manifest with an image of each kind in each split, and more rows; return its folder.

    The groups are called FOLDER_SPLIT_KIND, the files SPLIT_KIND.jpg.
    """
    folder.mkdir()
    rows = [f'{split}_{kind}.jpg,{kind},{folder.name},{folder.name}_{split}_{kind},{split}'
            for split in SPLITS for kind in kinds]
    (folder / 'manifest.csv').write_text(HEADER + '\n'.join([*rows, *more]) + '\n')
    return folder


def test_group_in_two_folders_is_one(tmp_path: Path) -> None:
    """A group of the first folder goes on in the second; the second alone may lack a label."""
    one = write_folder(tmp_path / 'one')
    two = tmp_path / 'two'
    two.mkdir()
    (two / 'manifest.csv').write_text(
        f'{HEADER}a.jpg,nofire,two,one_val_fire,val\ntrain_fire.jpg,nofire,two,new,train\n')
    dataset = read_dataset([one, two])
    assert dataset.folders == (one, two)
    assert [sample.path for sample in dataset.samples[-2:]] == [
        two / 'a.jpg', two / 'train_fire.jpg']
    assert {sample.source for sample in dataset.samples
            if sample.group == 'one_val_fire'} == {'one', 'two'}
    assert len(dataset.without(['two']).samples) == 6 - 1


@pytest.mark.parametrize('kind', ['nofire', 'smoke_only'])
def test_group_in_two_splits_is_refused(tmp_path: Path, kind: str) -> None:
    """Neither folder leaks, both together do; so would an image that is set apart."""
    one = write_folder(tmp_path / 'one')
    two = write_folder(tmp_path / 'two', [f'a.jpg,{kind},two,one_val_fire,test'])
    assert len(list(read_dataset([one]))) == 6
    assert len(list(read_dataset([two]))) == 7
    with pytest.raises(DatasetError, match=f"{one}, {two}: group 'one_val_fire' is in two splits"):
        read_dataset([one, two])


def test_folder_that_is_named_twice(tmp_path: Path) -> None:
    """Each of its images would count double."""
    one = write_folder(tmp_path / 'one')
    with pytest.raises(DatasetError, match='named twice'):
        read_dataset([one, tmp_path / 'one' / '..' / 'one'])


def test_plain_folders_keep_their_groups_apart(tmp_path: Path) -> None:
    """Frames of clip1 in two folders of two people are not of one clip; rules hold for both."""
    for folder in ('mine', 'yours'):
        for label in LABELS:
            for clip in range(3):
                path = tmp_path / folder / label / f'{label}{"abc"[clip]}_1.jpg'
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
    folders = [tmp_path / 'mine', tmp_path / 'yours']
    assert {sample.group for sample in read_dataset(folders).samples} == {
        f'{folder}/{label}{clip}' for folder in ('mine', 'yours') for label in LABELS
        for clip in 'abc'}
    assert {sample.group for sample in read_dataset(folders[:1]).samples} == {
        f'{label}{clip}' for label in LABELS for clip in 'abc'}
    listed = write_folder(tmp_path / 'listed')
    assert len(read_dataset([*folders, listed], 'file').samples) == 18
    with pytest.raises(DatasetError, match='has groups and splits already'):
        read_dataset([listed], 'file')


@pytest.mark.parametrize(('meaning', 'fire', 'nofire', 'apart'), [
    (Meaning(), 'fire', 'nofire', 'benign_flame smoke_only'),
    (Meaning(fire=frozenset(('fire', 'benign_flame'))), 'fire benign_flame', 'nofire',
     'smoke_only'),
    (Meaning(nofire=frozenset(('nofire', 'smoke_only', 'benign_flame'))), 'fire',
     'benign_flame smoke_only nofire', ''),
])
def test_what_counts_as_fire(tmp_path: Path, meaning: Meaning, fire: str, nofire: str,
                             apart: str) -> None:
    """Wanted flames and smoke alone are set apart, unless they are asked for as a label."""
    dataset = read_dataset([write_folder(tmp_path / 'one', kinds=KINDS)], meaning=meaning)
    found = {label: [kind for kind in KINDS if kind in {
        sample.kind for sample in dataset.samples if LABELS[sample.label] == label}]
        for label in LABELS}
    assert found == {'fire': fire.split(), 'nofire': nofire.split()}
    assert [kind for kind in KINDS if kind in {sample.kind for sample in dataset.apart}
            ] == apart.split()
    assert {LABELS[sample.label] for sample in dataset.apart} <= {'nofire'}
    assert len(list(dataset)) == 12


def test_meaning_that_contradicts_itself() -> None:
    """A kind is one of the two at most, and has to be known."""
    with pytest.raises(ValueError, match="'smoke_only' cannot be fire and no fire"):
        Meaning(frozenset(('fire', 'smoke_only')), frozenset(('nofire', 'smoke_only')))
    with pytest.raises(ValueError, match="'smoke' is not one of"):
        Meaning(frozenset(('fire', 'smoke')))


def test_corrections(tmp_path: Path) -> None:
    """A fire that is a hearth is set apart, one without fire is another label, one is left out."""
    one = write_folder(tmp_path / 'one', ['a.jpg,fire,one,a,train', 'b.jpg,fire,one,b,train',
                                          'c.jpg,fire,one,c,train'])
    listed = tmp_path / 'list.csv'
    listed.write_text('file,label,reason\na.jpg,benign_flame,hearth\nb.jpg,nofire,lamp\n'
                      'elsewhere.jpg,nofire,in a folder that is not named\n')
    (one / 'corrections.csv').write_text('file,label,reason\nc.jpg,left_out,blurred\n')
    for name in 'abc':
        (one / f'{name}.jpg').touch()
    dataset = read_dataset([one], corrections=listed)
    assert [sample.path.name for sample in dataset.apart] == ['a.jpg']
    assert [sample.path.name for sample in dataset.left_out] == ['c.jpg']
    assert [LABELS[sample.label] for sample in dataset.samples
            if sample.path.name == 'b.jpg'] == ['nofire']
    assert len(list(dataset)) == 6 + 2
    two = write_folder(tmp_path / 'two')
    (two / 'a.jpg').touch()
    with pytest.raises(DatasetError, match=f'a.jpg is a file in {one}/a.jpg and {two}/a.jpg'):
        corrections_for([one, two], listed)


@pytest.mark.parametrize(('text', 'message'), [
    ('a.jpg,smoke,why\n', r"corrections.csv:2: label 'smoke' is not one of"),
    ('a.jpg,fire,\n', "corrections.csv:2: nothing in column 'reason'"),
    ('a.jpg,fire,why\na.jpg,nofire,why\n', 'corrections.csv:3: a.jpg is listed a second time'),
])
def test_corrections_that_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """The line is named; a correction without a reason is none."""
    path = tmp_path / 'corrections.csv'
    path.write_text(f'file,label,reason\n{text}')
    with pytest.raises(DatasetError, match=message):
        read_corrections(path)


def test_run_knows_its_folders_and_what_was_set_apart(tmp_path: Path) -> None:
    """What was read from two folders, by a meaning and corrections, is read from the run again."""
    from training.train import prepare_run
    folders = [tmp_path / 'one', tmp_path / 'two']
    for folder in folders:
        write_folder(folder, kinds=KINDS)
        for line in (folder / 'manifest.csv').read_text().splitlines()[1:]:
            pixel = b'P6 1 1 255 ' + bytes(3)
            (folder / line.split(',')[0]).write_bytes(pixel)
    listed = tmp_path / 'list.csv'
    listed.write_text('file,label,reason\ntwo.jpg,fire,not there\n')
    (folders[1] / 'corrections.csv').write_text(
        'file,label,reason\ntrain_smoke_only.jpg,left_out,why\ntest_fire.jpg,benign_flame,why\n')
    config = TrainingConfig(tuple(map(str, folders)), corrections=str(listed),
                            as_fire=('benign_flame',))
    assert prepare_run(config, tmp_path / 'run') == []
    assert run_of(tmp_path / 'run' / 'model.keras') == tmp_path / 'run'
    assert read_config(tmp_path / 'run') == config
    read = read_run(tmp_path / 'run')
    expected = read_dataset(folders, None, None, config.meaning, listed)
    assert (read.samples, read.apart) == (expected.samples, expected.apart)
    assert len(read.apart) == 6 - 1


def test_run_of_one_folder_from_before(tmp_path: Path) -> None:
    """A configuration that has a text as the data folder is read as one of one folder."""
    write_config(tmp_path, TrainingConfig(('/data',)))
    path = tmp_path / 'config.json'
    path.write_text(path.read_text().replace('[\n    "/data"\n  ]', '"/data"'))
    assert '"data": "/data"' in path.read_text()
    assert read_config(tmp_path).data == ('/data',)


def test_real_folders(data: Path, pool: Path) -> None:
    """
    Join the real images: 6,130 and 16,842, of which 52 and 152 are corrected.

    47 of data and 53 of the pool are left out. Of data's fires 15, of the pool's 116 are none; 19
    others are. Among some sources no near-duplicates are left in different splits, but for two
    sunsets that a hash cannot tell apart.
    """
    dataset = read_dataset([data, pool], corrections=CORRECTIONS)
    assert len(list(dataset)) + len(dataset.left_out) == 6130 + 16842
    assert len(dataset.left_out) == 47 + 53
    counts = count_images(list(dataset)).set_index(['source', 'split']).loc[('(all)', '(all)')]
    assert counts[list(KINDS)].to_dict() == {
        'fire': 3594 + 3332 - 15 - 116 + 19, 'benign_flame': 770 - 18 + 1 + 60 + 6,
        'smoke_only': 101 - 4 + 4 + 14, 'nofire': 2536 + 12639 - 37 - 14}
    corrected = read_corrections(CORRECTIONS)
    missing = [file for file in corrected
               if not (data / file).exists() and not (pool / file).exists()]
    assert missing == []
    leaks = [pair for pair in find_pairs([
        sample for sample in dataset if sample.source in ('cair', 'cctv', 'weather')])
        if pair.leaks]
    assert [(pair.first.path.name, pair.second.path.name) for pair in leaks] == [
        ('0780.jpg', '0788.jpg')]


def test_report_on_two_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both are counted, what is set apart too; a manifest is written for one at a time."""
    folders = [write_folder(tmp_path / name, kinds=KINDS) for name in ('one', 'two')]
    for folder in folders:
        for line in (folder / 'manifest.csv').read_text().splitlines()[1:]:
            (folder / line.split(',')[0]).write_bytes(b'P6 1 1 255 ' + bytes(3))
    words = [word for folder in folders for word in ('--data', str(folder))]
    assert main([*words, '--out', str(tmp_path / 'look'), '--as-nofire', 'smoke_only']) == 0
    report = capsys.readouterr().out
    assert '| source | split | fire | benign_flame | smoke_only | nofire | groups' in report
    assert '| (all) | (all) | 6 | 6 | 6 | 6 | 24 | 1 |' in report
    assert 'Set apart, neither trained on nor in the figures: benign_flame (' in report
    assert 'Skipped' not in report
    with pytest.raises(SystemExit):
        main([*words, '--write-manifest'])
    assert 'one --data at a time' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*words, '--as-fire', 'smoke_only', '--as-nofire', 'smoke_only'])
    assert "'smoke_only' cannot be fire and no fire" in capsys.readouterr().err
