# SPDX-License-Identifier: Apache-2.0
"""What tiles bring for small fires is counted right."""

import hashlib
import json
from pathlib import Path
import shutil

from command_line import run_module
import cv2
from fire_detector.images.files import read_image
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.file import read_contract
from fire_detector.model.tiling import (
    ALL,
    GRID,
    Grid,
    NONE,
    tile,
    TILE_MODES,
    TiledClassifier,
    TURN,
)
import numpy as np
import pytest

_ = pytest.importorskip('sklearn', reason='the extra training is not installed')

from training import small_fires  # noqa: E402
from training.conversion import runtimes  # noqa: E402
from training.data.boxes import Box  # noqa: E402
from training.data.samples import FIRE, LABELS, Sample, SPLITS  # noqa: E402
from training.measurement.intervals import wilson  # noqa: E402
from training.measurement.small_fires import (  # noqa: E402
    COMBINATIONS,
    compared_grids,
    describe,
    Images,
    NO_BOXES,
    node_ways,
    other_ways,
    recalls,
    size_of_fire,
    SIZES,
    threshold_within,
)
from training.run_folder import SAMPLES, TrainingConfig, write_config  # noqa: E402

# Width and height of a box that covers so much of its image.
BOXES = {'under 1 %': (0.05, 0.1), '1 to 5 %': (0.1, 0.2), '5 to 20 %': (0.3, 0.3),
         'over 20 %': (0.5, 0.5)}


def images(*sizes: str) -> Images:
    """Describe images, each of a group of its own; '' is one without fire."""
    return Images(np.arange(len(sizes)).astype(str), np.array(sizes))


@pytest.mark.parametrize(('boxes', 'size'), [
    ((), NO_BOXES),
    ((Box(0, 0, 0.1, 0.09),), 'under 1 %'),
    ((Box(0, 0, 0.125, 0.125),), '1 to 5 %'),
    ((Box(0, 0, 0.1, 0.09), Box(0.5, 0.5, 0.6, 0.59)), '1 to 5 %'),
    ((Box(0, 0, 0.2, 0.25),), '5 to 20 %'),
    ((Box(0, 0, 0.5, 0.5),), 'over 20 %'),
])
def test_sizes_of_fires(boxes: tuple[Box, ...], size: str) -> None:
    """By hand: 0.009, 0.0156, twice 0.009, just 0.05, and 0.25 of the image."""
    assert size_of_fire(boxes) == size


def test_images_are_told_by_label_and_boxes() -> None:
    """Boxes count for fires only, found by the image's path."""
    names = {'small': FIRE, 'unknown': FIRE, 'calm': 1 - FIRE}
    samples = [Sample(Path(name), label, 'here', f'of {name}', 'test')
               for name, label in names.items()]
    box = (Box(0, 0, 0.05, 0.1),)
    found = describe(samples, {Path('small'): box, Path('calm'): box})
    assert found.sizes.tolist() == ['under 1 %', NO_BOXES, '']
    assert found.groups.tolist() == ['of small', 'of unknown', 'of calm']
    assert found.counts() == dict.fromkeys(SIZES, 0) | {'under 1 %': 1, NO_BOXES: 1, 'all': 2}


def test_recall_by_size() -> None:
    """
    Check against numbers worked out by hand.

    Of two answers that may be given about each image, both, one and none of the three small
    fires' are 0.5 or more: 3 of 6. Of the image without fire, one of two. The interval is that
    of 3 images, not of 6 answers.
    """
    answers = np.array([[0.5, 0.9], [0.4, 0.6], [0.1, 0.2], [0.7, 0.3]])
    found = recalls(answers, images(SIZES[0], SIZES[0], SIZES[0], ''), 0.5)
    assert found.recall[SIZES[0]] == found.recall['all'] == wilson(0.5, 3)
    assert found.recall[SIZES[1]] is None
    assert found.recall[NO_BOXES] is None
    assert found.false_alarm_rate == wilson(0.5, 1)
    never = recalls(answers, images(SIZES[0], SIZES[0], SIZES[0], ''), None)
    assert never.recall['all'] == wilson(0, 3)


def test_frames_of_one_group_count_as_one() -> None:
    """Three frames of one fire leave open as much as one image does."""
    described = Images(np.array(['video'] * 3), np.array([SIZES[0]] * 3))
    assert recalls(np.array([[0.9]] * 3), described, 0.5).recall[SIZES[0]] == wilson(1, 1)
    assert recalls(np.array([[0.9]] * 3), described, 0.5).false_alarm_rate is None


def test_threshold_for_few_false_alarms() -> None:
    """
    Check against numbers worked out by hand.

    Of 50 answers about images without fire, at 0.02 to 1.00, 2 % are one. Without it, that at
    0.98 may not be called; the next answer above is a fire's, at 0.99.
    """
    calm = np.arange(1, 51) / 50
    answers = np.append(calm, [0.99, 0.5])[:, np.newaxis]
    mask = np.append(np.full(50, True), [False, False])
    assert threshold_within(answers, mask, 0.02) == 0.99
    assert threshold_within(answers, mask, 0.04) == 0.98
    assert threshold_within(answers, mask, 0.0) is None
    tied = np.array([[0.8], [0.8], [0.7], [0.9]])
    assert threshold_within(tied, np.array([True, True, True, False]), 0.4) == 0.9


def test_ways_of_the_node() -> None:
    """
    Check against numbers worked out by hand.

    A fire of 0.2 in the whole and 0.9 in one tile of four: 0.2; in turn 0.55 once and 0.15 three
    times; with all 0.55. No fire, at 0.4 everywhere: 0.4 in every way. At 0.5, a quarter of the
    moments find it in turn. So does the threshold that leaves out 0.4.
    """
    none, turn, everything = node_ways(
        np.array([0.2, 0.4]), np.array([[0.1, 0.1, 0.9, 0.1], [0.4] * 4]),
        images(SIZES[0], ''), 0.5)
    assert [way.name for way in (none, turn, everything)] == [NONE, TURN, ALL] == list(TILE_MODES)
    for way, share in ((none, 0.0), (turn, 0.25), (everything, 1.0)):
        assert way.equal is not None
        assert way.own.recall['all'] == way.equal.recall['all'] == wilson(share, 1)
        assert way.own.false_alarm_rate == way.equal.false_alarm_rate == wilson(0, 1)
    assert none.equal is not None
    assert everything.equal is not None
    assert none.equal.threshold is None
    assert everything.equal.threshold == pytest.approx(0.55)


def test_ways_without_a_image_of_no_fire() -> None:
    """There is nothing to have equally few false alarms on."""
    none, *_ = node_ways(np.array([0.2]), np.full((1, 4), 0.3), images(SIZES[0]), 0.5)
    assert none.equal is None


def test_combinations() -> None:
    """
    Check against numbers worked out by hand.

    Of 0.2, and tiles of 0.1 and 0.8: the largest is 0.8, the mean 0.5; odds of 1 to 4 and 4 to 1
    have a mean of 1 to 1. With a whole of 0.9, odds of 9 and 4 have one of 6: 6 of 7.
    """
    assert {name: rule(0.2, [0.1, 0.8]) for name, rule in COMBINATIONS.items()} == {
        'largest of all': 0.8, 'mean of whole and largest tile': pytest.approx(0.5),
        'mean odds of both': pytest.approx(0.5)}
    assert COMBINATIONS['mean odds of both'](0.9, [0.8]) == pytest.approx(6 / 7)
    assert COMBINATIONS['mean odds of both'](0.0, [1.0]) == pytest.approx(0.5)


def test_other_ways_are_named() -> None:
    """Each grid is there with each combination."""
    found = other_ways(np.array([0.2, 0.4]), {Grid(2, 3, 0.6): np.full((2, 6), 0.6)},
                       images(SIZES[0], ''), 0.5)
    assert [way.name for way in found] == [f'2x3 of 60 %, {name}' for name in COMBINATIONS]
    assert [way.own.recall['all'] for way in found] == [
        wilson(1, 1), wilson(0, 1), wilson(0, 1)]


def write_data(folder: Path) -> Path:
    """
    Write a data folder: red images of fire and blue ones, and a box of each size in `test`.

    In `test` there are five fires, the last without a box, and two images without fire.
    """
    rows, boxes = ['file,label,source,group,split'], ['file,cx,cy,w,h']
    for split in SPLITS:
        for label, color in zip(LABELS, ((0, 0, 255), (255, 0, 0)), strict=True):
            for number in range(5 if (split, label) == ('test', 'fire') else 2):
                name = f'{split}_{label}_{number}.png'
                cv2.imwrite(str(folder / name), np.full((20, 31, 3), color, np.uint8))
                rows.append(f'{name},{label},here,{name},{split}')
    for number, (width, height) in enumerate(BOXES.values()):
        boxes.append(f'test_fire_{number}.png,0.5,0.5,{width},{height}')
    (folder / 'manifest.csv').write_text('\n'.join(rows) + '\n')
    (folder / 'boxes.csv').write_text('\n'.join(boxes) + '\n')
    return folder


def test_answers_of_the_process_are_the_classifiers(data: Path, model: Path) -> None:
    """What is measured is what the node's own classifier and tiles answer."""
    paths = sorted((data / 'images' / 'news' / 'fire').iterdir())[:3]
    samples = [Sample(path, FIRE, 'news', path.name, 'test') for path in paths]
    grids = (GRID, Grid(2, 3, 0.6))
    runtime, whole, tiles = runtimes.tile_probabilities(model, samples, grids)
    classifier = FireClassifier(model, runtime)
    for index, path in enumerate(paths):
        image = read_image(path)
        assert whole[index] == pytest.approx(classifier.probability(image), abs=1e-6)
        for grid, found in zip(grids, tiles, strict=True):
            assert found.shape == (3, grid.size)
            assert found[index] == pytest.approx(
                [classifier.probability(tile(image, number, grid))
                 for number in range(grid.size)], abs=1e-6)


def test_committed_model_on_the_real_images(data: Path, model: Path, tmp_path: Path) -> None:
    """
    The figures without tiles are those that the model carries, and those with all, the node's.

    Every fire is of one size, and an image takes longer the more of it is looked at.
    """
    out = tmp_path / 'out'
    result = run_module('training.small_fires', model, '--data', data, '--out', out, '--compare')
    assert result.returncode == 0, result.stderr
    found = json.loads((out / 'small_fires.json').read_text())
    assert found['model_sha256'] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert found['command'] == (
        f'python -m training.small_fires {model} --data {data} --out {out} --compare')
    contract = read_contract(model)
    assert (found['fire']['all'], found['nofire']) == (344, 373)
    assert found['threshold'] == contract.threshold
    assert sum(found['fire'].values()) == 2 * 344
    none, turn, everything = found['ways']
    assert none['own']['recall']['all']['value'] == contract.metrics['test_recall']
    assert none['own']['false_alarm_rate']['value'] == contract.metrics['test_false_alarm_rate']
    assert turn['own']['recall']['all'] != everything['own']['recall']['all']
    assert all(way['equal']['false_alarm_rate']['value'] <= 0.02 for way in found['ways'])
    latency = found['latency_ms']
    assert latency['none'] < latency['turn'] < latency['all']
    assert len(found['other_ways']) == len(compared_grids()) * len(COMBINATIONS)
    classifier = TiledClassifier(FireClassifier(model, found['runtime']), ALL)
    kept = [line.split(',') for line in (data / 'manifest.csv').read_text().splitlines()]
    calm = [classifier.probability(read_image(data / file)) for file, label, _, _, split, *_
            in kept if (label, split) == ('nofire', 'test')]
    assert np.mean(np.array(calm) >= contract.threshold) == pytest.approx(
        everything['own']['false_alarm_rate']['value'], abs=1e-9)


def test_results_are_written(model: Path, tmp_path: Path,
                             capsys: pytest.CaptureFixture[str]) -> None:
    """Each size has the one image that is of it; a damaged one is named and left out."""
    data = write_data(tmp_path)
    (data / 'test_nofire_1.png').write_bytes(b'not an image')
    out = tmp_path / 'out'
    assert small_fires.main([str(model), '--data', str(data), '--out', str(out)]) == 0
    printed = capsys.readouterr()
    found = json.loads((out / 'small_fires.json').read_text())
    assert found['fire'] == dict.fromkeys(SIZES, 1) | {NO_BOXES: 1, 'all': 5}
    assert (found['nofire'], len(found['unreadable'])) == (1, 1)
    assert found['other_ways'] == []
    summary = (out / 'small_fires.md').read_text()
    assert printed.out.startswith(summary)
    assert '| tiles | under 1 % (1) | 1 to 5 % (1) |' in summary
    assert '1 more could not be read' in summary
    for mode in TILE_MODES[1:]:
        assert f'\n| {mode} | ' in summary
    assert 'training.small_fires: left out: ' in printed.err
    assert 'test_nofire_1.png' in printed.err


def test_images_of_the_run_are_taken(model: Path, tmp_path: Path) -> None:
    """Without --data, they are the run's; the results of each model are in a folder of its own."""
    data = write_data(tmp_path)
    run = tmp_path / 'run'
    run.mkdir()
    write_config(run, TrainingConfig(str(data), None, None, 'firenet'))
    shutil.copy(data / 'manifest.csv', run / SAMPLES)
    models = [run / name for name in ('a.tflite', 'b.tflite')]
    for copy in models:
        shutil.copy(model, copy)
    assert small_fires.main([*map(str, models), '--split', 'val']) == 0
    for copy in models:
        found = json.loads((run / 'evaluation' / copy.name / 'small_fires.json').read_text())
        assert (found['model'], found['data']) == (str(copy), str(data))
        assert (found['split'], found['fire']['all'], found['nofire']) == ('val', 2, 2)


def test_model_of_no_run(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody has to name the images."""
    assert small_fires.main([str(model)]) == 1
    assert 'name the images with --data' in capsys.readouterr().err


def test_only_tflite_is_looked_at_in_tiles(tmp_path: Path,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what to do first."""
    data = write_data(tmp_path)
    assert small_fires.main([str(tmp_path / 'model.h5'), '--data', str(data)]) == 1
    assert capsys.readouterr().err == (
        f"training.small_fires: {tmp_path / 'model.h5'}: not a .tflite file; tiles are measured "
        f"through the node's own classifier, once the model is converted\n")


def test_one_folder_for_several_models(model: Path, tmp_path: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    """It would keep the last one's results only."""
    with pytest.raises(SystemExit):
        small_fires.main([str(model), str(model), '--data', str(tmp_path), '--out', 'x'])
    assert '--out is for one MODEL' in capsys.readouterr().err
