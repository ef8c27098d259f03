# SPDX-License-Identifier: Apache-2.0
"""The figures of a model are right, and say how far they may be off."""

import csv
import hashlib
import json
from pathlib import Path

from command_line import run_module
import cv2
from fire_detector.model.contract import contract_to_json, ModelContract
from fire_detector.model.file import sidecar_path
from fire_detector.model.locate import find_model
from fire_detector.model.preprocessing import InputSpec
import numpy as np
from numpy.typing import NDArray
import pytest

sklearn_metrics = pytest.importorskip('sklearn.metrics',
                                      reason='the extra training is not installed')

from training import evaluate  # noqa: E402
from training.data.samples import FIRE, LABELS, Sample, SPLITS  # noqa: E402
from training.measurement.calibration import (  # noqa: E402
    BINS,
    calibration_bins,
    expected_calibration_error,
)
from training.measurement.evaluation import (  # noqa: E402
    EvaluationError,
    mistakes_text,
    read_evaluation,
    write_evaluation,
)
from training.measurement.intervals import (  # noqa: E402
    effective_size,
    figures,
    RESAMPLES,
    resamples,
    wilson,
)
from training.measurement.metrics import measure, measure_by_source, operating_points  # noqa: E402
from training.measurement.mistakes import (  # noqa: E402
    find_mistakes,
    mistakes_table,
    Naming,
    read_remarks,
)

ALWAYS_WRITTEN = {'metrics.json', 'summary.md', 'predictions.csv', 'confusion.png',
                  'by_source.png', 'mistakes.md'}
WITH_BOTH_LABELS = {'roc.png', 'precision_recall.png', 'reliability.png'}
RED, BLUE = (0, 0, 255), (255, 0, 0)


def fires(*shown: int) -> NDArray[np.bool_]:
    """Write down which images show fire: 1 for one that does."""
    return np.array(shown, dtype=bool)


@pytest.fixture(scope='session')
def model() -> Path:
    """Return the article's model, whose figures and threshold of a half these tests know."""
    return find_model('firenet.tflite')


def test_metrics_by_hand() -> None:
    """
    Check against numbers worked out by hand.

    Fire at 0.9, 0.6, 0.4 and no fire at 0.7, 0.1: of five, 0.9, 0.6 and 0.1 are right. Of the six
    pairs of fire and no fire, fire scores higher in 0.9>0.7, 0.9>0.1, 0.6>0.1 and 0.4>0.1. One of
    two without fire is more than 5 %: only 0.9 may be called fire. Each image has a calibration
    bin of its own: 0.1 + 0.4 + 0.6 + 0.7 + 0.1 = 1.9, of five images.
    """
    found = measure(np.array([0.9, 0.6, 0.4, 0.7, 0.1]), fires(1, 1, 1, 0, 0))
    assert (found.fire, found.nofire) == (3, 2)
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.recall == pytest.approx(2 / 3)
    assert found.false_alarm_rate == pytest.approx(1 / 2)
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found.roc_auc == pytest.approx(4 / 6)
    assert found.recall_at_1_percent_false_alarms == pytest.approx(1 / 3)
    assert found.recall_at_5_percent_false_alarms == pytest.approx(1 / 3)
    assert found.ece == pytest.approx(1.9 / 5)


def test_metrics_agree_with_scikit_learn() -> None:
    """On many images, of whom some have equal probabilities."""
    rng = np.random.default_rng(0)
    probability = rng.random(500).round(2)
    fire = rng.random(500) < probability
    found = measure(probability, fire, 0.6)
    called = probability >= 0.6
    assert found.accuracy == pytest.approx(sklearn_metrics.accuracy_score(fire, called))
    assert found.balanced_accuracy == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(fire, called))
    assert found.recall == pytest.approx(sklearn_metrics.recall_score(fire, called))
    assert found.roc_auc == pytest.approx(sklearn_metrics.roc_auc_score(fire, probability))


def test_metrics_of_a_source_with_one_label() -> None:
    """What cannot be measured is None, and not a number."""
    samples = [Sample(Path('a'), FIRE, 'one', 'g', 'test'),
               Sample(Path('b'), 1 - FIRE, 'two', 'h', 'test')]
    found = measure_by_source(np.array([0.8, 0.3]), samples)
    assert list(found) == ['overall', 'one', 'two']
    assert found['overall'].roc_auc == 1.0
    assert found['one'].recall == 1.0
    assert found['two'].recall is None
    assert found['one'].false_alarm_rate is None
    for name in ('balanced_accuracy', 'roc_auc', 'recall_at_1_percent_false_alarms', 'ece'):
        assert getattr(found['one'], name) is None


def test_threshold_is_that_of_the_caller() -> None:
    """A probability equal to the threshold is called fire."""
    samples = [Sample(Path('a'), FIRE, 'here', 'g', 'test')]
    assert measure_by_source(np.array([0.3]), samples, 0.3)['overall'].recall == 1.0
    assert measure_by_source(np.array([0.3]), samples, 0.31)['overall'].recall == 0.0


def test_recall_at_few_false_alarms_with_ties() -> None:
    """
    Images of equal probability are called alike.

    Fire at 0.8, 0.8, 0.5; no fire once at 0.8 and 19 times at 0.1. One of twenty is 5 %: from 0.5
    on is allowed, and finds every fire. At 1 %, none may be called, and nothing is above 0.8.
    """
    probability = np.array([0.8, 0.8, 0.5, 0.8, *[0.1] * 19])
    fire = fires(1, 1, 1, *[0] * 20)
    found = measure(probability, fire)
    assert found.recall_at_5_percent_false_alarms == 1.0
    assert found.recall_at_1_percent_false_alarms == 0.0
    points = {point.chosen_for: point for point in operating_points(probability, fire, 0.6)}
    five = points['at most 5 % false alarms']
    assert (five.threshold, five.recall, five.false_alarm_rate) == (0.5, 1.0, 0.05)
    one = points['at most 1 % false alarms']
    assert (one.threshold, one.recall, one.precision) == (None, 0.0, None)


def test_one_in_a_hundred_is_one_percent() -> None:
    """
    A rate equal to the limit keeps to it.

    One of 100 images without fire is at 0.9, as is the one fire: calling both is allowed.
    """
    probability = np.array([0.9, 0.9, *[0.1] * 99])
    found = measure(probability, fires(1, *[0] * 100))
    assert found.recall_at_1_percent_false_alarms == 1.0


def test_operating_points() -> None:
    """
    There is a row for each tenth, the model's own threshold and each limit, in order.

    Fire at 0.7 and 0.3, no fire at 0.6: at 0.55, one of two fires and the one without are called.
    """
    points = operating_points(np.array([0.7, 0.3, 0.6]), fires(1, 1, 0), 0.55)
    assert [point.threshold for point in points] == [
        0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.7, 0.7, 0.7, 0.8, 0.9]
    own = points[5]
    assert own.chosen_for == "the model's own"
    assert (own.recall, own.false_alarm_rate, own.precision) == (0.5, 1.0, 0.5)
    assert points[-1].precision is None
    assert len(operating_points(np.array([0.7]), fires(1), 0.5)) == 9


def test_calibration() -> None:
    """
    Check against numbers worked out by hand.

    Four of five images at 0.8 show fire: no error. Of two at 1.0, in the last bin, one shows
    fire: off by 0.5, for two of seven images.
    """
    probability = np.array([0.8] * 5 + [1.0] * 2)
    fire = fires(1, 1, 1, 1, 0, 1, 0)
    assert expected_calibration_error(probability[:5], fire[:5]) == pytest.approx(0)
    assert expected_calibration_error(probability, fire) == pytest.approx(0.5 * 2 / 7)
    bins = calibration_bins(probability, fire)
    assert len(bins) == BINS
    assert (bins[0].low, bins[-1].high) == (0.0, 1.0)
    assert (bins[12].fire, bins[12].nofire, bins[12].fire_share) == (4, 1, 0.8)
    assert (bins[-1].fire, bins[-1].nofire, bins[-1].mean_probability) == (1, 1, 1.0)
    assert bins[0].fire_share is None


@pytest.mark.parametrize(('share', 'size', 'low', 'high'), [
    (0.5, 10, 0.2366, 0.7634),
    (0.8, 10, 0.4902, 0.9433),
    (0.0, 10, 0.0, 0.2775),
    (1.0, 10, 0.7225, 1.0),
    (1.0, 1, 0.2065, 1.0),
])
def test_wilson_interval(share: float, size: float, low: float, high: float) -> None:
    """
    Check against numbers worked out by hand.

    With z = 1.960, z^2 = 3.841: for 0 of 10 the ends are 0 and z^2 / (10 + z^2) = 0.2775. For 5
    of 10 the center is 0.5, and half the width 1.960 * sqrt(0.025 + 3.841/400) / 1.3841 = 0.2634.
    """
    found = wilson(share, size)
    assert (found.low, found.value, found.high) == pytest.approx((low, share, high), abs=1e-4)
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(('groups', 'size'), [
    ('abcd', 4.0), ('aabb', 2.0), ('aaab', 16 / 10), ('aaaa', 1.0)])
def test_effective_size(groups: str, size: float) -> None:
    """Images of one group count as one; by hand, 'aaab' is (3 + 1)^2 / (9 + 1)."""
    assert effective_size(np.array(list(groups))) == pytest.approx(size)


def test_groups_are_resampled_whole() -> None:
    """As many groups as there are, each with all of its images."""
    groups = np.array(list('abacb'))
    drawn = [groups[indices].tolist() for indices in resamples(groups)]
    assert len(drawn) == RESAMPLES
    sizes = {'a': 2, 'b': 2, 'c': 1}
    for names in drawn:
        assert sum(names.count(name) / size for name, size in sizes.items()) == 3
        assert all(names.count(name) % size == 0 for name, size in sizes.items())


def test_copies_of_a_image_tell_nothing_new() -> None:
    """Ten frames of each scene have the figures and intervals of one frame of each."""
    rng = np.random.default_rng(0)
    probability = rng.random(40)
    fire = rng.random(40) < probability
    names = np.array([f'scene {number:02}' for number in range(40)])
    once = figures(probability, fire, names, 0.5)
    ten_times = figures(np.repeat(probability, 10), np.repeat(fire, 10), np.repeat(names, 10),
                        0.5)
    assert (once.groups, ten_times.groups, ten_times.fire) == (40, 40, 10 * once.fire)
    for name, estimate in once.estimates.items():
        other = ten_times.estimates[name]
        assert estimate is not None
        assert other is not None
        assert estimate.low <= estimate.value <= estimate.high
        assert (other.value, other.low, other.high) == pytest.approx(
            (estimate.value, estimate.low, estimate.high))
    as_photos = figures(np.repeat(probability, 10), np.repeat(fire, 10),
                        np.arange(400).astype(str), 0.5)
    narrow, wide = as_photos.estimates['roc_auc'], once.estimates['roc_auc']
    assert narrow is not None
    assert wide is not None
    assert narrow.high - narrow.low < 0.5 * (wide.high - wide.low)


def test_bootstrap_interval() -> None:
    """
    Check against an interval worked out by hand.

    Of 200 fires and 200 images without, 160 each are right: balanced accuracy is 0.8, its
    standard error sqrt(2 * 0.8 * 0.2 / 200) / 2 = 0.02, and the interval 1.96 times that wide.
    """
    right = np.tile(np.arange(200) < 160, 2)
    fire = np.repeat([True, False], 200)
    found = figures(np.where(right == fire, 0.9, 0.1), fire, np.arange(400).astype(str), 0.5)
    estimate = found.estimates['balanced_accuracy']
    assert estimate is not None
    assert (estimate.low, estimate.value, estimate.high) == pytest.approx(
        (0.8 - 0.0392, 0.8, 0.8 + 0.0392), abs=0.004)


def test_one_group_of_a_label_says_little() -> None:
    """Frames of one fire, however many, leave open how others would be seen."""
    found = figures(np.array([0.9] * 20 + [0.1, 0.2]), fires(*[1] * 20, 0, 0),
                    np.array(['video'] * 20 + ['b', 'c']), 0.5)
    recall, area = found.estimates['recall'], found.estimates['roc_auc']
    assert recall is not None
    assert area is not None
    assert (recall.value, recall.low) == pytest.approx((1.0, 0.2065), abs=1e-4)
    assert (area.value, area.low, area.high) == (1.0, 0.0, 1.0)


def write_data(folder: Path, sources: tuple[str, ...] = ('here',)) -> Path:
    """Write a data folder: in each source and split, two red images of fire and two blue."""
    lines = ['file,label,source,group,split']
    for source in sources:
        for split in SPLITS:
            for label, color in zip(LABELS, (RED, BLUE), strict=True):
                for number in range(2):
                    name = f'{source}_{split}_{label}_{number}.png'
                    cv2.imwrite(str(folder / name), np.full((20, 30, 3), color, np.uint8))
                    lines.append(f'{name},{label},{source},{name},{split}')
    (folder / 'manifest.csv').write_text('\n'.join(lines) + '\n')
    return folder


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list of the probabilities that a model is to answer, in the manifest's order."""
    chosen: list[float] = []
    monkeypatch.setattr(evaluate, 'probabilities',
                        lambda model, samples: np.array(chosen))
    return chosen


def test_committed_model_on_the_real_images(data: Path, model: Path, tmp_path: Path) -> None:
    """The figures are those that the README tells, and every file is there."""
    result = run_module('training.evaluate', model, '--data', data, '--out', tmp_path / 'out')
    assert result.returncode == 0, result.stderr
    assert '| overall | 344 | 373 | 710 |' in result.stdout
    found = read_evaluation(tmp_path / 'out' / 'metrics.json')
    values = {name: round(estimate.value, 3)
              for name, estimate in found.overall.estimates.items() if estimate is not None}
    assert values['accuracy'] == 0.876
    assert values['recall'] == 0.878
    assert values['false_alarm_rate'] == 0.126
    assert values['roc_auc'] == 0.956
    assert found.model_sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert found.model_bytes == model.stat().st_size
    assert found.threshold == 0.5
    assert found.command.startswith(f'python -m training.evaluate {model} --data {data}')
    assert sum(one.fire + one.nofire for one in found.calibration) == 717
    assert {path.name for path in (tmp_path / 'out').iterdir()} == (
        ALWAYS_WRITTEN | WITH_BOTH_LABELS | {'mistakes.png'})


def test_results_of_known_answers(model: Path, tmp_path: Path, answers: list[float]) -> None:
    """
    Check the files against answers chosen by hand.

    Of two fires one is found, at 0.9; of two images without fire none is called.
    """
    data = write_data(tmp_path)
    answers += [float(np.float32(0.9)), 0.2, 0.4, 0.1]
    out = tmp_path / 'out'
    assert evaluate.main([str(model), '--data', str(data), '--out', str(out)]) == 0
    with (out / 'predictions.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(Path(row['file']).name, row['label'], row['probability']) for row in rows] == [
        ('here_test_fire_0.png', 'fire', '0.900000'),
        ('here_test_fire_1.png', 'fire', '0.200000'),
        ('here_test_nofire_0.png', 'nofire', '0.400000'),
        ('here_test_nofire_1.png', 'nofire', '0.100000')]
    points = read_evaluation(out / 'metrics.json').operating_points
    # The float32 next to 0.9, which is what a model answers, is a little less.
    assert [point.recall for point in points if point.threshold in (0.8, 0.9)] == [0.5, 0.0]
    summary = (out / 'summary.md').read_text()
    assert 'None of the 2 images without fire was called fire.' in summary
    assert 'One in 2.0 of the 2 images of fire was missed.' in summary
    assert '| accuracy | 0.750 ' in summary
    for name in WITH_BOTH_LABELS | {'mistakes.png', 'confusion.png', 'by_source.png'}:
        assert f']({name})' in summary
        assert cv2.imread(str(out / name)) is not None
    assert json.loads((out / 'metrics.json').read_text())['figures']['here']['fire'] == 2


def test_worst_mistakes_come_first(model: Path, tmp_path: Path, answers: list[float],
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    """Missed fires by the lowest probability, then false alarms by the highest."""
    sheets: list[list[str]] = []
    monkeypatch.setattr(evaluate, 'write_contact_sheet', lambda tiles, path, title: sheets.append(
        [title, *(tile.caption for tile in tiles)]))
    answers += [0.4, 0.1, 0.6, 0.8]
    assert evaluate.main([str(model), '--data', str(write_data(tmp_path)),
                          '--out', str(tmp_path / 'out')]) == 0
    assert sheets == [['The most confident of 2 missed fires and 2 false alarms',
                       'missed 0.100 here', 'missed 0.400 here',
                       'alarm 0.800 here', 'alarm 0.600 here']]


def test_worst_mistakes_by_name(model: Path, tmp_path: Path, answers: list[float],
                                monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The page names files as the data folder does, how much of them burns, and what people saw.

    Two boxes of half the width and a tenth of the height, one beside the other, cover 10 %.
    """
    monkeypatch.chdir(tmp_path)
    data = Path('data')
    data.mkdir()
    write_data(data)
    (data / 'boxes.csv').write_text('file,cx,cy,w,h\n'
                                    'here_test_fire_1.png,0.25,0.5,0.5,0.1\n'
                                    'here_test_fire_1.png,0.75,0.5,0.5,0.1\n')
    remarks = tmp_path / 'seen.csv'
    remarks.write_text('file,remark\nhere_test_nofire_0.png,"a | lamp,\nlit"\n'
                       'here_test_nofire_1.png,not called\n')
    answers += [0.4, 0.1, 0.6, 0.3]
    assert evaluate.main([str(model), '--data', 'data', '--out', 'out',
                          '--remarks', str(remarks)]) == 0
    page = Path('out/mistakes.md').read_text()
    assert 'The most confident of 2 missed fires and 1 false alarms.' in page
    assert page.splitlines()[-3:] == [
        '| missed fire | `here_test_fire_1.png` | here | 0.100 | 10.0 % |  |',
        '| missed fire | `here_test_fire_0.png` | here | 0.400 | - |  |',
        r'| false alarm | `here_test_nofire_0.png` | here | 0.600 | - | a \| lamp, lit |']
    assert '[Their names](mistakes.md)' in Path('out/summary.md').read_text()


def test_remarks_of_the_data_folder(model: Path, tmp_path: Path, answers: list[float]) -> None:
    """A folder of images may have remarks of its own."""
    data = write_data(tmp_path)
    (data / 'remarks.csv').write_text('file,remark\nhere_test_fire_0.png,a candle\n')
    answers += [0.4, 0.9, 0.1, 0.1]
    assert evaluate.main([str(model), '--data', str(data), '--out', str(tmp_path / 'out')]) == 0
    assert '| a candle |' in (tmp_path / 'out' / 'mistakes.md').read_text()


def test_remarks_without_column(model: Path, tmp_path: Path, answers: list[float],
                                capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the file and the column."""
    data = write_data(tmp_path)
    (data / 'remarks.csv').write_text('file,seen\n')
    answers += [0.9, 0.9, 0.1, 0.1]
    assert evaluate.main([str(model), '--data', str(data), '--out', str(tmp_path / 'out')]) == 1
    assert f'{data / "remarks.csv"}: no column remark' in capsys.readouterr().err


def test_remarks_of_the_project() -> None:
    """Remarks can be read, and each is about an image and says something."""
    remarks = read_remarks(Path(), Path(evaluate.__file__).with_name('remarks.csv'))
    assert all(file.startswith('images/') and remark for file, remark in remarks.items())


def test_at_most_a_dozen_of_each(tmp_path: Path) -> None:
    """Of 13 missed fires, the one with the highest probability is not named."""
    samples = [Sample(tmp_path / f'{number}.png', FIRE, 'here', str(number), 'test')
               for number in range(13)]
    probability = np.linspace(0.1, 0.4, 13)
    mistakes = find_mistakes(probability, samples, 0.5)
    assert mistakes.missed == tuple(range(13))
    table = mistakes_table(mistakes, probability, samples, Naming(tmp_path, {}))
    assert '`11.png`' in table
    assert '`12.png`' not in table


def test_split_and_sources_are_chosen(model: Path, tmp_path: Path,
                                      answers: list[float]) -> None:
    """Of 'all' splits, only the sources asked for are measured."""
    data = write_data(tmp_path, ('one', 'two', 'three'))
    answers += [0.9, 0.9, 0.1, 0.1] * 6
    out = tmp_path / 'out'
    assert evaluate.main([str(model), '--data', str(data), '--out', str(out), '--split', 'all',
                          '--source', 'one', '--source', 'three']) == 0
    found = read_evaluation(out / 'metrics.json')
    assert list(found.figures) == ['overall', 'one', 'three']
    assert (found.split, found.overall.fire, found.overall.nofire) == ('all', 12, 12)
    assert 'There are none.' in (out / 'summary.md').read_text()
    assert 'There are none.' in (out / 'mistakes.md').read_text()
    assert not (out / 'mistakes.png').exists()


def test_one_label_only(model: Path, tmp_path: Path, answers: list[float]) -> None:
    """What takes both labels is left out, and is not there from an earlier evaluation."""
    data = write_data(tmp_path)
    with (data / 'manifest.csv').open('a') as file:
        file.write('here_test_nofire_0.png,nofire,calm,here_test_nofire_0.png,test\n')
    out = tmp_path / 'out'
    answers += [0.9, 0.2, 0.4, 0.1, 0.7]
    command = [str(model), '--data', str(data), '--out', str(out)]
    assert evaluate.main(command) == 0
    assert (out / 'roc.png').exists()
    answers[:] = [0.7]
    assert evaluate.main([*command, '--source', 'calm']) == 0
    assert {path.name for path in out.iterdir()} == ALWAYS_WRITTEN | {'mistakes.png'}
    found = read_evaluation(out / 'metrics.json')
    assert found.overall.estimates['roc_auc'] is None
    assert mistakes_text(found) == '100 % of the 1 images without fire was called fire.'
    assert '(roc.png)' not in (out / 'summary.md').read_text()


def test_unreadable_image_is_left_out(model: Path, tmp_path: Path, answers: list[float],
                                        capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is measured, and the file is named."""
    data = write_data(tmp_path)
    broken = data / 'here_test_fire_0.png'
    broken.write_bytes(b'not an image')
    answers += [0.9, 0.4, 0.1]
    assert evaluate.main([str(model), '--data', str(data), '--out', str(tmp_path / 'out')]) == 0
    assert f'training.evaluate: left out: {broken}: not an image' in capsys.readouterr().err
    found = read_evaluation(tmp_path / 'out' / 'metrics.json')
    assert (found.overall.fire, found.overall.nofire, len(found.unreadable)) == (1, 2, 1)
    assert '1 more could not be read' in (tmp_path / 'out' / 'summary.md').read_text()


def test_no_readable_image(model: Path, tmp_path: Path,
                             capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to measure, and nothing is written."""
    data = write_data(tmp_path)
    for path in data.glob('*_test_*'):
        path.write_bytes(b'')
    assert evaluate.main([str(model), '--data', str(data), '--out', str(tmp_path / 'out')]) == 1
    assert 'none of the 4 images can be read' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_wrong_source(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the sources that there are."""
    data = write_data(tmp_path, ('one', 'two'))
    assert evaluate.main([str(model), '--data', str(data), '--source', 'tow']) == 1
    assert capsys.readouterr().err == (
        'training.evaluate: no source tow among the images, only one, two; one that was '
        'left out of training is measured with --data and --split all\n')


def test_split_without_images(model: Path, tmp_path: Path,
                                capsys: pytest.CaptureFixture[str]) -> None:
    """The message names split and source."""
    data = write_data(tmp_path)
    with (data / 'manifest.csv').open('a') as file:
        file.write('x.png,fire,early,x,train\n')
    assert evaluate.main([str(model), '--data', str(data), '--source', 'early']) == 1
    assert "no image in split 'test' of early" in capsys.readouterr().err


def test_missing_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the file."""
    data = write_data(tmp_path)
    missing = tmp_path / 'missing.tflite'
    assert evaluate.main([str(missing), '--data', str(data)]) == 1
    assert f'training.evaluate: {missing}: ' in capsys.readouterr().err


def test_images_of_no_run(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model outside of a run folder does not tell its images: --data is asked for."""
    assert evaluate.main([str(model)]) == 1
    assert '--data' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['model.keras', 'model.h5', 'model.savedmodel'])
def test_formats_of_training(tmp_path: Path, name: str) -> None:
    """
    Check the formats of Keras with a network whose answers are worked out by hand.

    It answers sigmoid(4 * (mean red - mean blue)) for fire: sigmoid(4) = 0.982 for a red image,
    sigmoid(-4) = 0.018 for a blue one.
    """
    keras = pytest.importorskip('keras', reason='the extra training is not installed')
    model = keras.Sequential([
        keras.layers.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(1, activation='sigmoid')])
    model.layers[-1].set_weights([np.array([[4.0], [0.0], [-4.0]]), np.zeros(1)])
    path = tmp_path / name
    if path.suffix == '.savedmodel':
        model.export(path, verbose=False)
    else:
        model.save(path)
    sidecar_path(path).write_text(contract_to_json(ModelContract(
        name='redness', version='1.0.0', labels=LABELS, input_spec=InputSpec(8, 8),
        output='sigmoid')))
    result = run_module('training.evaluate', path, '--data', write_data(tmp_path),
                        '--out', tmp_path / 'evaluation')
    assert result.returncode == 0, result.stderr
    with (tmp_path / 'evaluation' / 'predictions.csv').open(newline='') as file:
        answered = [float(row['probability']) for row in csv.DictReader(file)]
    assert answered == pytest.approx([0.982, 0.982, 0.018, 0.018], abs=1e-3)
    found = read_evaluation(tmp_path / 'evaluation' / 'metrics.json')
    files = [path] if path.is_file() else [file for file in path.rglob('*') if file.is_file()]
    assert found.model_bytes == sum(file.stat().st_size for file in files)


def test_evaluation_is_read_as_it_was_written(model: Path, tmp_path: Path,
                                              answers: list[float]) -> None:
    """Nothing is lost on the way through the file."""
    data = write_data(tmp_path)
    answers += [0.9, 0.2, 0.4, 0.1]
    assert evaluate.main([str(model), '--data', str(data), '--out', str(tmp_path)]) == 0
    found = read_evaluation(tmp_path / 'metrics.json')
    write_evaluation(found, tmp_path / 'again.json')
    assert read_evaluation(tmp_path / 'again.json') == found
    assert (tmp_path / 'again.json').read_bytes() == (tmp_path / 'metrics.json').read_bytes()


@pytest.mark.parametrize(('text', 'message'), [
    ('', 'not an evaluation'),
    ('[]', 'not an evaluation'),
    ('{"test": {}}', "no field 'figures'"),
    ('{"figures": {}, "operating_points": [], "calibration": [], "unreadable": []}',
     'not an evaluation'),
])
def test_not_an_evaluation(tmp_path: Path, text: str, message: str) -> None:
    """The message names the file."""
    path = tmp_path / 'metrics.json'
    path.write_text(text)
    with pytest.raises(EvaluationError, match=f'{path}: .*{message}|{path}: {message}'):
        read_evaluation(path)
