# SPDX-License-Identifier: Apache-2.0
"""The figures of a model are right, with intervals, and are written as they are."""

from collections.abc import Callable
import csv
import dataclasses
import hashlib
import json
from pathlib import Path
import shutil
from typing import Any

import cv2
from fire_detector.model.contract import contract_to_json, ModelContract
from fire_detector.model.file import read_contract, sidecar_path
from fire_detector.model.preprocessing import InputSpec
import numpy as np
from numpy.typing import NDArray
import pytest

_ = pytest.importorskip('sklearn', reason='the extra training is not installed')
pd = pytest.importorskip('pandas', reason='the extra training is not installed')

from training import evaluate  # noqa: E402
from training.conversion.runtimes import Outputs  # noqa: E402
from training.data.samples import FIRE, LABELS, Sample  # noqa: E402
from training.measurement.calibration import (  # noqa: E402
    BINS,
    calibration_bins,
    expected_calibration_error,
)
from training.measurement.evaluation import (  # noqa: E402
    evaluate_predictions,
    NAMED,
    read_record,
    RecordError,
)
from training.measurement.intervals import (  # noqa: E402
    effective_size,
    Estimate,
    figures,
    RESAMPLES,
    resamples,
    wilson,
)
from training.measurement.metrics import measure, measure_by_source, operating_points  # noqa: E402
from training.measurement.predictions import (  # noqa: E402
    fire_sizes,
    predictions_of,
    read_predictions,
    SIZES,
    write_predictions,
)

ALWAYS_WRITTEN = {'metrics.json', 'summary.md', 'predictions.csv', 'confusion.png',
                  'by_source.png', 'mistakes.md'}
WITH_BOTH_LABELS = {'roc.png', 'precision_recall.png', 'reliability.png'}
WriteData = Callable[..., Path]


def fires(*fire: int) -> NDArray[np.bool_]:
    """Return whether each image shows fire, from ones and zeros."""
    return np.array(fire, dtype=bool)


def table(probability: NDArray[np.floating], fire: NDArray[np.bool_],
          groups: NDArray[np.str_]) -> Any:
    """Return predictions for images of one source."""
    return predictions_of([
        Sample(Path(str(number)), FIRE if shows else 1 - FIRE, 'here', str(group), 'test')
        for number, (shows, group) in enumerate(zip(fire, groups, strict=True))], probability)


def estimate(found: Any, name: str) -> Estimate:
    """Return an estimate, which must not be None."""
    value = found.estimates[name]
    assert isinstance(value, Estimate)
    return value


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


def test_metrics_of_a_source_with_one_label() -> None:
    """What cannot be measured is None; a probability equal to the threshold is called fire."""
    samples = [Sample(Path('a'), FIRE, 'one', 'g', 'test'),
               Sample(Path('b'), 1 - FIRE, 'two', 'h', 'test')]
    found = measure_by_source(np.array([0.5, 0.3]), samples)
    assert list(found) == ['overall', 'one', 'two']
    assert found['overall'].roc_auc == 1.0
    assert found['one'].recall == 1.0
    assert found['two'].recall is None
    assert found['one'].false_alarm_rate is None
    for name in ('balanced_accuracy', 'roc_auc', 'recall_at_1_percent_false_alarms', 'ece'):
        assert getattr(found['one'], name) is None
    assert measure_by_source(np.array([0.5, 0.3]), samples, 0.51)['one'].recall == 0.0


def test_recall_at_few_false_alarms_with_ties() -> None:
    """
    Images of equal probability are called alike.

    Fire at 0.8, 0.8, 0.5; no fire once at 0.8 and 19 times at 0.1. One of twenty is 5 %: from 0.5
    on is allowed, and finds every fire. At 1 %, none may be called, and nothing is above 0.8. Of
    100 without fire, one at the limit of 1 % may be.
    """
    probability = np.array([0.8, 0.8, 0.5, 0.8, *[0.1] * 19])
    fire = fires(1, 1, 1, *[0] * 20)
    found = measure(probability, fire)
    assert found.recall_at_5_percent_false_alarms == 1.0
    assert found.recall_at_1_percent_false_alarms == 0.0
    one, five = (point for point in operating_points(probability, fire, 0.6)[::-1]
                 if point.chosen_for.startswith('at most'))
    assert (five.threshold, five.recall, five.false_alarm_rate) == (0.5, 1.0, 0.05)
    assert (one.threshold, one.recall, one.precision) == (None, 0.0, None)
    assert measure(np.array([0.9, 0.9, *[0.1] * 99]),
                   fires(1, *[0] * 100)).recall_at_1_percent_false_alarms == 1.0


def test_operating_points() -> None:
    """
    There is a row for each tenth, the model's own threshold and each limit, in order.

    Fire at 0.7 and 0.3, no fire at 0.6: at 0.55, one of two fires and the one without are called.
    """
    points = operating_points(np.array([0.7, 0.3, 0.6]), fires(1, 1, 0), 0.55)
    assert [point.threshold for point in points] == [
        0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.7, 0.7, 0.7, 0.8, 0.9]
    own = points[5]
    assert own.chosen_for
    assert (own.recall, own.false_alarm_rate, own.precision) == (0.5, 1.0, 0.5)
    assert points[-1].precision is None
    assert len(operating_points(np.array([0.7]), fires(1), 0.5)) == 9


def test_calibration() -> None:
    """
    Check against numbers worked out by hand.

    Four of five images at 0.8 show fire: no error. Of two at 1.0, in the last bin, one shows
    fire: off by 0.5, for two of seven images. 0.8 is the lower end of bin 12 of 15.
    """
    probability = np.array([0.8] * 5 + [1.0] * 2)
    fire = fires(1, 1, 1, 1, 0, 1, 0)
    assert expected_calibration_error(probability[:5], fire[:5]) == pytest.approx(0)
    assert expected_calibration_error(probability, fire) == pytest.approx(0.5 * 2 / 7)
    middle, last = calibration_bins(probability, fire)
    assert middle == {'low': 12 / BINS, 'high': 13 / BINS, 'images': 5,
                      'mean_probability': pytest.approx(0.8), 'fire_share': 0.8}
    assert (last['high'], last['images'], last['mean_probability'], last['fire_share']) == (
        1.0, 2, 1.0, 0.5)


@pytest.mark.parametrize(('share', 'size', 'low', 'high'), [
    (0.5, 10, 0.2366, 0.7634), (0.8, 10, 0.4902, 0.9433), (0.0, 10, 0.0, 0.2775),
    (1.0, 10, 0.7225, 1.0), (1.0, 1, 0.2065, 1.0)])
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


def test_copies_of_an_image_are_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten frames of each scene have the figures and intervals of one frame of each."""
    monkeypatch.setattr('training.measurement.intervals.RESAMPLES', 200)
    rng = np.random.default_rng(0)
    probability = rng.random(40)
    fire = rng.random(40) < probability
    names = np.array([f'scene {number:02}' for number in range(40)])
    ten = [np.repeat(values, 10) for values in (probability, fire, names)]
    once, ten_times = figures(table(probability, fire, names), 0.5), figures(table(*ten), 0.5)
    assert (once.groups, ten_times.groups, ten_times.fire) == (40, 40, 10 * once.fire)
    for name in once.estimates:
        one, other = estimate(once, name), estimate(ten_times, name)
        assert one.low <= one.value <= one.high
        assert (other.value, other.low, other.high) == pytest.approx(
            (one.value, one.low, one.high))
    as_photos = figures(table(ten[0], ten[1], np.arange(400).astype(str)), 0.5)
    narrow, wide = estimate(as_photos, 'roc_auc'), estimate(once, 'roc_auc')
    assert narrow.high - narrow.low < 0.5 * (wide.high - wide.low)


def test_bootstrap_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Check against an interval worked out by hand.

    Of 200 fires and 200 images without, 160 each are right: balanced accuracy is 0.8, its
    standard error sqrt(2 * 0.8 * 0.2 / 200) / 2 = 0.02, and the interval 1.96 times that wide.
    """
    monkeypatch.setattr('training.measurement.intervals.RESAMPLES', 500)
    right = np.tile(np.arange(200) < 160, 2)
    fire = np.repeat([True, False], 200)
    found = estimate(figures(table(np.where(right == fire, 0.9, 0.1), fire,
                                   np.arange(400).astype(str)), 0.5), 'balanced_accuracy')
    assert (found.low, found.value, found.high) == pytest.approx(
        (0.8 - 0.0392, 0.8, 0.8 + 0.0392), abs=0.007)


def test_one_group_of_a_label_says_little() -> None:
    """Frames of one fire, however many, leave open how others would be predicted."""
    found = figures(table(np.array([0.9] * 20 + [0.1, 0.2]), fires(*[1] * 20, 0, 0),
                          np.array(['video'] * 20 + ['b', 'c'])), 0.5)
    recall, area = estimate(found, 'recall'), estimate(found, 'roc_auc')
    assert (recall.value, recall.low) == pytest.approx((1.0, 0.2065), abs=1e-4)
    assert (area.value, area.low, area.high) == (1.0, 0.0, 1.0)


def test_predictions_are_read_as_written(tmp_path: Path) -> None:
    """Nothing is lost on the way through the file, nor is the group `007` the number 7."""
    written = table(np.array([0.123456789, 1.0]), fires(1, 0), np.array(['007', '8']))
    write_predictions(written, tmp_path / 'predictions.csv')
    pd.testing.assert_frame_equal(read_predictions(tmp_path / 'predictions.csv'), written)
    (tmp_path / 'predictions.csv').write_text('a,b\n1,2\n')
    with pytest.raises(ValueError, match=r'predictions\.csv: not a table'):
        read_predictions(tmp_path / 'predictions.csv')


@pytest.mark.usefixtures('few_resamples')
def test_recall_by_size(tmp_path: Path) -> None:
    """
    Boxes of 0.5 %, 4.99 %, 5.2 % and 100 % are in four sizes; one is not known.

    Two boxes of 4 % that overlap to one half cover 6 %. Of the two fires of 5 to 20 %, one is
    found: the interval is that of two images. What has no fire has no size.
    """
    (tmp_path / 'boxes.csv').write_text(
        'file,cx,cy,w,h\n0,0.5,0.5,0.05,0.1\n1,0.5,0.5,0.0998,0.5\n2,0.5,0.5,0.2,0.26\n'
        '3,0.5,0.5,1,1\n5,0.1,0.1,0.2,0.2\n5,0.2,0.1,0.2,0.2\n6,0.5,0.5,1,1\n')
    samples = [Sample(tmp_path / str(number), FIRE if number < 6 else 1 - FIRE, 'here',
                      str(number), 'test') for number in range(7)]
    predictions = predictions_of(samples, [0.9, 0.1, 0.9, 0.9, 0.9, 0.2, 0.1])
    small, some, middle, large = SIZES
    assert fire_sizes(predictions, [tmp_path]).astype(object).where(
        lambda sizes: sizes.notna(), None).tolist() == [
        small, some, middle, large, None, middle, None]
    found = evaluate_predictions(predictions, 0.5, [tmp_path], {}).recall_by_size
    assert found[middle] == {'fire': 2, 'recall': wilson(0.5, 2)}
    assert found[some] == {'fire': 1, 'recall': wilson(0.0, 1)}


@pytest.mark.usefixtures('few_resamples')
def test_at_most_a_dozen_mistakes_are_named(tmp_path: Path) -> None:
    """Of 13 missed fires, the one with the highest probability is counted but not named."""
    found = evaluate_predictions(
        table(np.linspace(0.4, 0.1, NAMED + 1), np.full(NAMED + 1, True),
              np.arange(NAMED + 1).astype(str)), 0.5, [tmp_path], {})
    assert found.mistakes == {'missed fire': 13, 'false alarm': 0}
    assert [one['name'] for one in found.worst_mistakes] == [
        str(number) for number in range(NAMED, 0, -1)]


Evaluate = Callable[..., Path]


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch, firenet: Path, tmp_path: Path,
              few_resamples: None) -> Evaluate:
    """Return a function that evaluates made-up predictions, and returns the results' folder."""
    def run(data: Path, predicted: list[float], *options: str, status: int = 0) -> Path:
        monkeypatch.setattr(evaluate, 'outputs', lambda model, samples: Outputs(
            np.array(predicted), None))
        out = tmp_path / 'out'
        assert evaluate.main([str(firenet), '--data', str(data), '--out', str(out),
                              *options]) == status
        return out
    return run


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the plots, which take longer than all else."""
    monkeypatch.setattr(evaluate, 'write_plots', lambda predictions, evaluation, folder: [])


def record_in(out: Path) -> dict[str, Any]:
    """Read the record of an evaluation."""
    found: dict[str, Any] = json.loads((out / 'metrics.json').read_text())
    return found


@pytest.mark.usefixtures('few_resamples')
def test_every_label_has_a_figure(evaluated: Evaluate, no_plots: None, tmp_path: Path) -> None:
    """
    Of two candles one is called fire: in no figure but that of their label, at first.

    The fire is found and the image without is called fire: accuracy 1/2. With candles as fires, 2
    of 3 fires are found: 2/4.
    """
    rows = [('fire', 0.9), ('nofire', 0.7), ('benign_flame', 0.8), ('benign_flame', 0.2)]
    lines = ['file,label,source,group,split']
    for split in ('train', 'val', 'test'):
        for number, (label, _) in enumerate(rows):
            name = f'{split}{number}.png'
            cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3), np.uint8))
            lines.append(f'{name},{label},here,{name},{split}')
    (tmp_path / 'manifest.csv').write_text('\n'.join(lines) + '\n')
    predicted = [probability for _, probability in rows]
    out = evaluated(tmp_path, predicted)
    record = record_in(out)
    called = record['called_fire']
    assert {kind: (found['counts_as'], found['images'], found['share']['value'])
            for kind, found in called.items()} == {
        'fire': ('fire', 1, 1.0), 'benign_flame': ('apart', 2, 0.5), 'nofire': ('nofire', 1, 1.0)}
    assert called['benign_flame']['share'] == dataclasses.asdict(wilson(0.5, 2))
    overall = record['figures']['overall']
    assert (overall['fire'], overall['nofire']) == (1, 1)
    assert overall['estimates']['accuracy']['value'] == 0.5
    assert '| benign_flame | apart | 2 | 2 | 0.500 (' in (out / 'summary.md').read_text()
    assert len(record['worst_mistakes']) == 1
    read = read_predictions(out / 'predictions.csv')
    assert read['label'].tolist() == ['fire', 'nofire', 'apart', 'apart']
    # Those set apart are asked for last; now they are in their place.
    record = record_in(evaluated(tmp_path, predicted, '--as-fire', 'benign_flame'))
    assert record['figures']['overall']['fire'] == 3
    assert record['figures']['overall']['estimates']['accuracy']['value'] == 0.5
    assert record['called_fire']['benign_flame']['counts_as'] == 'fire'


@pytest.mark.usefixtures('few_resamples')
def test_real_images(data: Path, model: Path, tmp_path: Path) -> None:
    """A model in its file is as good as when it was converted, and every result is there."""
    out = tmp_path / 'out'
    words = [str(model), '--data', str(data), '--out', str(out)]
    assert evaluate.main(words) == 0
    record, contract = record_in(out), read_contract(model)
    overall = record['figures']['overall']
    for name in ('accuracy', 'recall', 'false_alarm_rate', 'roc_auc', 'ece'):
        assert overall['estimates'][name]['value'] == pytest.approx(
            contract.metrics[f'test_{name}'], abs=2e-3)
    assert (overall['fire'], overall['nofire']) == (
        contract.metrics['test_fire'], contract.metrics['test_nofire'])
    assert record['model_sha256'] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert record['model_bytes'] == model.stat().st_size
    assert record['threshold'] == contract.threshold
    assert record['command'].split()[3:] == words
    assert sum(one['images'] for one in record['calibration']) == (
        overall['fire'] + overall['nofire'])
    assert {path.name for path in out.iterdir()} == (
        ALWAYS_WRITTEN | WITH_BOTH_LABELS | {'mistakes.png'})


def test_results_of_known_predictions(evaluated: Evaluate, write_data: WriteData) -> None:
    """
    Check the files against predictions chosen by hand.

    Of two fires one is found, at 0.9; of two images without fire none is called.
    """
    out = evaluated(write_data(), [0.9, 0.2, 0.4, 0.1])
    with (out / 'predictions.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(Path(row['file']).name, row['label'], float(row['probability'])) for row in rows] == [
        ('here_test_fire_0.png', 'fire', 0.9), ('here_test_fire_1.png', 'fire', 0.2),
        ('here_test_nofire_0.png', 'nofire', 0.4), ('here_test_nofire_1.png', 'nofire', 0.1)]
    record = record_in(out)
    assert record['figures']['here']['fire'] == 2
    assert record['figures']['overall']['estimates']['accuracy']['value'] == 0.75
    summary = (out / 'summary.md').read_text()
    for name in WITH_BOTH_LABELS | {'mistakes.png', 'confusion.png', 'by_source.png'}:
        assert f']({name})' in summary
        assert cv2.imread(str(out / name)) is not None


@pytest.mark.usefixtures('no_plots')
def test_worst_mistakes(evaluated: Evaluate, tmp_path: Path, write_data: WriteData,
                        monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Missed fires come first, by the lowest probability, then false alarms by the highest.

    They are named as in the data folder, with how much of them burns (two boxes of half the width
    and a tenth of the height, one beside the other, cover 10 %), and what people saw.
    """
    monkeypatch.chdir(write_data().parent)
    data = Path(tmp_path.name)
    (data / 'boxes.csv').write_text('file,cx,cy,w,h\nhere_test_fire_1.png,0.25,0.5,0.5,0.1\n'
                                    'here_test_fire_1.png,0.75,0.5,0.5,0.1\n')
    (data / 'seen.csv').write_text('file,remark\nhere_test_nofire_1.png,"a | lamp,\nlit"\n')
    captions: list[str] = []
    monkeypatch.setattr(evaluate, 'write_contact_sheet', lambda tiles, path, title:
                        captions.extend(tile.caption for tile in tiles))
    out = evaluated(data, [0.4, 0.1, 0.6, 0.8], '--remarks', str(data / 'seen.csv'))
    assert [(one['kind'], one['name'], one['burning'], one['remark'])
            for one in record_in(out)['worst_mistakes']] == [
        ('missed fire', 'here_test_fire_1.png', pytest.approx(0.1), ''),
        ('missed fire', 'here_test_fire_0.png', None, ''),
        ('false alarm', 'here_test_nofire_1.png', None, 'a | lamp,\nlit'),
        ('false alarm', 'here_test_nofire_0.png', None, '')]
    assert [caption.split()[-2] for caption in captions] == ['0.100', '0.400', '0.800', '0.600']
    rows = [line for line in (out / 'mistakes.md').read_text().splitlines()
            if line.startswith('| false alarm')]
    assert r'| a \| lamp, lit |' in rows[0]


@pytest.mark.usefixtures('no_plots')
def test_remarks_of_the_data_folder(evaluated: Evaluate, write_data: WriteData,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of images may have remarks of its own; where a column is missing, it is named."""
    data = write_data()
    (data / 'remarks.csv').write_text('file,remark\nhere_test_fire_0.png,a candle\n')
    out = evaluated(data, [0.4, 0.9, 0.1, 0.1])
    assert record_in(out)['worst_mistakes'][0]['remark'] == 'a candle'
    (data / 'remarks.csv').write_text('file,seen\n')
    evaluated(data, [], status=1)
    error = capsys.readouterr().err
    assert str(data / 'remarks.csv') in error
    assert 'remark' in error


@pytest.mark.usefixtures('no_plots')
def test_split_and_sources_are_chosen(evaluated: Evaluate, write_data: WriteData) -> None:
    """Of 'all' splits, only the named sources are measured; without mistakes there is no sheet."""
    out = evaluated(write_data(('one', 'two', 'three')), [0.9, 0.9, 0.1, 0.1] * 6,
                    '--split', 'all', '--source', 'one', '--source', 'three')
    record = record_in(out)
    assert list(record['figures']) == ['overall', 'one', 'three']
    assert (record['split'], record['sources']) == ('all', ['one', 'three'])
    assert (record['figures']['overall']['fire'], record['worst_mistakes']) == (12, [])
    assert not (out / 'mistakes.png').exists()
    record = record_in(evaluated(out.parent, [0.9, 0.9, 0.1, 0.1], '--not-source', 't*'))
    assert list(record['figures']) == ['overall', 'one']
    assert (record['sources'], record['without']) == ([], ['t*'])
    assert 'without t*' in (out / 'summary.md').read_text()


def test_one_label_only(evaluated: Evaluate, write_data: WriteData) -> None:
    """What takes both labels is left out, and is not there from an earlier evaluation."""
    data = write_data()
    with (data / 'manifest.csv').open('a') as file:
        file.write('here_test_nofire_0.png,nofire,calm,here_test_nofire_0.png,test\n')
    assert (evaluated(data, [0.9, 0.2, 0.4, 0.1, 0.7]) / 'roc.png').exists()
    out = evaluated(data, [0.7], '--source', 'calm')
    assert {path.name for path in out.iterdir()} == ALWAYS_WRITTEN | {'mistakes.png'}
    estimates = record_in(out)['figures']['overall']['estimates']
    assert (estimates['roc_auc'], estimates['false_alarm_rate']['value']) == (None, 1.0)
    assert '(roc.png)' not in (out / 'summary.md').read_text()


@pytest.mark.usefixtures('no_plots')
def test_unreadable_images(evaluated: Evaluate, write_data: WriteData,
                           capsys: pytest.CaptureFixture[str]) -> None:
    """One is named and left out; of unreadable images alone, nothing is written."""
    data = write_data()
    broken = data / 'here_test_fire_0.png'
    broken.write_bytes(b'not an image')
    out = evaluated(data, [0.9, 0.4, 0.1])
    assert f'training.evaluate: left out: {broken}' in capsys.readouterr().err
    record = record_in(out)
    assert (record['figures']['overall']['fire'], len(record['unreadable'])) == (1, 1)
    for path in data.glob('*_test_*'):
        path.write_bytes(b'')
    shutil.rmtree(out)
    evaluated(data, [], status=1)
    assert 'none of the 4 images' in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(('words', 'named'), [
    (['--source', 'tow'], ('tow', 'one, two')),
    (['--source', 'early'], ("'test'", 'early')),
    (['--not-source', '*_hard*'], ('*_hard*', 'one, two')),
    (['--group-by', 'folder'], ('manifest.csv',))])
def test_images_that_are_not_there(firenet: Path, write_data: WriteData, words: list[str],
                                   named: tuple[str, ...],
                                   capsys: pytest.CaptureFixture[str]) -> None:
    """The message names what was wanted, and what there is."""
    data = write_data(('one', 'two'))
    with (data / 'manifest.csv').open('a') as file:
        file.write('x.png,fire,early,x,train\n' if 'early' in words else '')
    assert evaluate.main([str(firenet), '--data', str(data), *words]) == 1
    error = capsys.readouterr().err
    assert all(text in error for text in named)


def test_missing_model(firenet: Path, tmp_path: Path, write_data: WriteData,
                       capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the file; a model outside of a run folder needs --data."""
    missing = tmp_path / 'missing.tflite'
    assert evaluate.main([str(missing), '--data', str(write_data())]) == 1
    assert f'training.evaluate: {missing}: ' in capsys.readouterr().err
    assert evaluate.main([str(firenet)]) == 1
    assert '--data' in capsys.readouterr().err


@pytest.mark.usefixtures('few_resamples', 'no_plots')
@pytest.mark.parametrize('name', ['model.keras', 'model.h5', 'model.savedmodel'])
def test_formats_of_training(tmp_path: Path, name: str, write_data: WriteData) -> None:
    """
    Check the formats of Keras with a network whose predictions are worked out by hand.

    It predicts sigmoid(4 * (mean red - mean blue)) for fire. An image without has no red and a
    blue of 1: sigmoid(-4) = 0.018. One of fire has 25 of 40 rows red and 15 blue: sigmoid(4 *
    (0.625 - 0.375)) = 0.731. The darker ones have 215 of 255 and a red of 40 below, or all over:
    sigmoid(4 * (0.527 + 0.059 - 0.375)) = 0.699, sigmoid(4 * (0.157 - 1)) = 0.033.
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
    out = tmp_path / 'evaluation'
    assert evaluate.main([str(path), '--data', str(write_data()), '--out', str(out)]) == 0
    assert read_predictions(out / 'predictions.csv')['probability'].tolist() == pytest.approx(
        [0.731, 0.699, 0.018, 0.033], abs=2e-3)
    files = [path] if path.is_file() else [file for file in path.rglob('*') if file.is_file()]
    assert record_in(out)['model_bytes'] == sum(file.stat().st_size for file in files)


@pytest.mark.parametrize('text', ['', '[]', '{"model": 1}', '{"model_sha256": "other"}'])
def test_records_of_something_else(tmp_path: Path, text: str) -> None:
    """A file that is no record, or of another model, is named."""
    path = tmp_path / 'metrics.json'
    path.write_text(text)
    with pytest.raises(RecordError, match=f'{path}: '):
        read_record(path, 'digest')
    with pytest.raises(RecordError, match=r'missing\.json: '):
        read_record(tmp_path / 'missing.json', 'digest')
