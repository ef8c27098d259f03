# SPDX-License-Identifier: Apache-2.0
"""Alarm rules do what they say, are measured rightly, and the best of them is chosen."""

from collections.abc import Callable, Sequence
import dataclasses
import hashlib
import json
import math
from pathlib import Path
import shutil

from fire_detector.model.contract import AlarmSettings, contract_from_json, contract_to_json
from fire_detector.model.file import read_contract
import numpy as np
import pytest

_ = pytest.importorskip('sklearn', reason='the extra training is not installed')
_ = pytest.importorskip('matplotlib', reason='the extra training is not installed')

from training import alarms  # noqa: E402
from training.clips.clip import ClassifiedClip, Clip, FIRE_KIND  # noqa: E402
from training.measurement.alarm_choice import (  # noqa: E402
    best_of_each,
    Candidate,
    chosen_settings,
    keeps_limits,
    rank,
    rules_to_try,
)
from training.measurement.alarm_figures import (  # noqa: E402
    measure_rule,
    Outcome,
    outcome,
    poisson,
    summarize,
)
from training.measurement.alarm_rules import (  # noqa: E402
    MeanOfEight,
    Rule,
    SingleFrame,
    Windowed,
)
from training.run_folder import TrainingConfig, write_config  # noqa: E402

SINGLE = SingleFrame(0.5)
WriteData = Callable[..., Path]


def clip(name: str = 'clip', kind: str = FIRE_KIND, source: str = 'here') -> Clip:
    """Return a clip without frames."""
    return Clip(name, kind, source, name, lambda: iter(()))


def classified(fire_share: Sequence[float], probability: Sequence[float], step: float = 1.0,
               of: Clip | None = None) -> ClassifiedClip:
    """Return a clip with frames `step` seconds apart."""
    return ClassifiedClip(of or clip(), step * np.arange(len(fire_share)),
                          np.array(fire_share, float), np.array(probability, float))


@pytest.mark.parametrize(('rule', 'probability', 'expected'), [
    (SINGLE, [0.4, 0.5, 0.49, 0.9], [0, 1, 0, 1]),
    (MeanOfEight(0.5), [0, 0, 0, 0, 1, 1, 1, 1], [0] * 7 + [1]),
    (MeanOfEight(0.5), [1] * 9, [0] * 7 + [1, 1]),
    (MeanOfEight(0.5), [1, 1, 1, *[0.4] * 5], [0] * 8),
    (MeanOfEight(0.5), [0.6] * 4 + [0.3] * 4, [0] * 8),
    (MeanOfEight(0.5), [1] * 8 + [0] * 5, [0] * 7 + [1] * 5 + [0]),
    (Windowed(AlarmSettings(0.8, 0.3, 2.0, 3)),
     [0.9, 0.9, 0.9, 0.4, 0.4, 0.2, 0.2], [0, 0, 1, 1, 1, 1, 0])])
def test_rules(rule: Rule, probability: list[float], expected: list[int]) -> None:
    """
    Check against decisions worked out by hand, for frames a second apart.

    Of eight, four at 1 have a mean of 0.5 and are half: an alarm. Three at 1 and five at 0.4 have
    a mean of 5/8, but are less than half; four at 0.6 and four at 0.3 are half, but have a mean
    of 0.45. The node's medians of three are 0.9 from the third frame on, 0.4, which is above the
    off threshold, then 0.2 below it.
    """
    values = np.array(probability, float)
    assert rule.decide(np.arange(len(values), dtype=float), values).tolist() == expected


def test_outcome_by_hand() -> None:
    """
    Half a second a frame; the fire is there in frames 4 to 9, and the camera turns in 3 and 10.

    Frame 1 is a false alarm of half a second. The alarm comes in frame 6, 1 s late, goes in 7 and
    comes again in 8: two flips. The fire's scene is gone in frame 11, the alarm in 13, 1 s later,
    and comes again, falsely, in 14. Without fire are frames 0 to 2, 13 and 14.
    """
    found = outcome(classified(
        [0, 0, 0, 0.3, 0.6, 1, 1, 1, 1, 1, 0.4, 0, 0, 0, 0],
        [0, 1, 0, 0.0, 0.0, 0, 1, 0, 1, 1, 1.0, 1, 1, 0, 1], 0.5), SINGLE)
    assert found == Outcome(fire=True, early=False, time_to_alarm=1.0, time_to_clear=1.0,
                            stuck=False, flips=2, false_alarms=2, nofire_seconds=2.5,
                            alarm_seconds=1.0)
    assert not found.missed


def test_alarm_within_the_turn_is_no_false_one() -> None:
    """A fire that raises the alarm before half of it is in view was waited for 0 s."""
    found = outcome(classified([0, 0, 0.4, 0.8, 1], [0, 0, 1, 1, 1]), SINGLE)
    assert (found.time_to_alarm, found.early, found.false_alarms) == (0.0, False, 0)
    assert (found.nofire_seconds, found.time_to_clear, found.stuck) == (2.0, None, False)


def test_early_missed_and_stuck() -> None:
    """Early alarms have no time; an alarm after 3 s is none; one that stays is not cleared."""
    early = outcome(classified([0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1]), SINGLE)
    assert (early.early, early.missed, early.time_to_alarm) == (True, False, None)
    assert (early.false_alarms, early.stuck, early.time_to_clear) == (1, True, None)
    # What is stuck is no time without fire.
    assert (early.nofire_seconds, early.alarm_seconds) == (2.0, 1.0)
    in_time = outcome(classified([0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1]), SINGLE)
    assert (in_time.missed, in_time.time_to_alarm) == (False, 3.0)
    late = outcome(classified([0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1]), SINGLE)
    assert (late.missed, late.time_to_alarm) == (True, None)


def test_gap_counts_as_time() -> None:
    """A frame stands for the time until the next: 2 s before a lost frame."""
    calm = ClassifiedClip(clip(), np.array([0.0, 1.0, 3.0, 4.0]), np.zeros(4),
                          np.array([0.0, 1.0, 0.0, 0.0]))
    found = outcome(calm, SINGLE)
    assert (found.nofire_seconds, found.alarm_seconds, found.false_alarms) == (5.0, 2.0, 1)
    assert (found.fire, found.missed, found.time_to_alarm) == (False, False, None)


def test_figures_by_hand() -> None:
    """
    Three fires are found after 0, 1 and 2 s, one is missed; a lamp alarms twice in 10 s.

    The 95th percentile of 0, 1 and 2 is 90 % of the way from 1 to 2. Before each fire is 1 s
    without, so in all 14 s.
    """
    fires = [classified([0] + [1] * 5, [0] * (1 + late) + [1] * (5 - late), of=clip(source=source))
             for late, source in ((0, 'a'), (1, 'a'), (2, 'b'), (5, 'b'))]
    lamp = classified([0] * 10, [0, 1, 0, 0, 1, 1, 0, 0, 0, 0], of=clip('red', 'red lamp'))
    found = measure_rule(SINGLE, [*fires, lamp])
    assert (found.fires, found.missed, found.early, found.missed_share) == (4, 1, 0, 0.25)
    assert (found.median_time, found.p95_time, found.worst_time) == pytest.approx((1, 1.9, 2))
    assert found.missed_by_source == {'b': 1}
    assert (found.false_alarms, found.false_alarms_by_kind) == (2, {'red lamp': 2})
    assert found.hours == pytest.approx(14 / 3600)
    assert found.share_in_alarm == pytest.approx(3 / 14)
    assert (found.scenes, found.scenes_in_alarm) == (1, 1)
    assert found.false_alarms_an_hour is not None
    assert found.false_alarms_an_hour.value == pytest.approx(2 * 3600 / 14)


def test_most_alarms_that_stay_have_no_time_to_clear() -> None:
    """Of three, one clears after 1 s: with two stuck, the median is no time."""
    cleared = Outcome(fire=True, time_to_alarm=0.0, time_to_clear=1.0)
    stuck = dataclasses.replace(cleared, time_to_clear=None, stuck=True)
    found = summarize([(clip(), cleared), (clip(), cleared), (clip(), stuck)])
    assert (found.median_clear, found.stuck, found.false_alarms_an_hour) == (1.0, 1, None)
    assert summarize([(clip(), cleared), (clip(), stuck), (clip(), stuck)]).median_clear is None


@pytest.mark.parametrize(('count', 'hours', 'low', 'high'), [
    (0, 1.0, 0.0, 3.6889), (1, 1.0, 0.0253, 5.5716), (10, 2.0, 4.7954 / 2, 18.3904 / 2)])
def test_poisson_interval(count: int, hours: float, low: float, high: float) -> None:
    """Check against published tables; for none, the upper end is -ln(0.025) = 3.6889."""
    found = poisson(count, hours)
    assert (found.low, found.value, found.high) == pytest.approx(
        (low, count / hours, high), abs=1e-4)
    assert poisson(0, 1.0).high == pytest.approx(-math.log(0.025))


def candidate(name: float, **changes: object) -> Candidate:
    """Return the node's rule, named by its threshold, with figures that keep every limit."""
    base = summarize([(clip(), Outcome(
        fire=True, time_to_alarm=0.5, time_to_clear=0.5, nofire_seconds=1800.0))] * 20)
    return Candidate(Windowed(AlarmSettings(name, 0.0)),
                     dataclasses.replace(base, **changes))  # type: ignore[arg-type]


def test_choice_prefers_as_it_says() -> None:
    """
    Few false alarms win, then less time in them, fewer missed, fewer flips, the quicker.

    What breaks a limit comes last, however quiet it is: 3 of 20 missed is more than 10 %.
    """
    order = ('false_alarms', 'share_in_alarm', 'missed', 'flips', 'median_time')
    kept = [candidate(0.10 + index / 100, **dict(zip(order, figures, strict=True)))
            for index, figures in enumerate([
                (1, 0.9, 2, 9, 0.9), (2, 0.1, 2, 9, 0.9), (2, 0.2, 1, 9, 0.9),
                (2, 0.2, 2, 8, 0.9), (2, 0.2, 2, 9, 0.8), (2, 0.2, 2, 9, 0.9)])]
    slow = [candidate(0.16, p95_time=1.1), candidate(0.17, p95_time=None),
            candidate(0.18, median_clear=1.6)]
    missing = candidate(0.19, missed=3)
    ranked = rank([missing, *slow, *kept[::-1]], 0.1)
    assert (ranked[:6], ranked[9]) == (kept, missing)
    assert {best.rule for best in ranked[6:9]} == {best.rule for best in slow}
    assert chosen_settings(kept[0], 0.1) == AlarmSettings(0.10, 0.0)
    for best in kept:
        assert keeps_limits(best.figures, 0.1)
    for best in (*slow, missing):
        assert not keeps_limits(best.figures, 0.1)
        assert chosen_settings(best, 0.1) is None
    assert keeps_limits(missing.figures, 0.15)


def test_early_fires_cannot_be_missed() -> None:
    """Of 20 fires of which 10 came in alarm, 1 missed is 10 %, and 2 are more."""
    assert keeps_limits(candidate(0.5, early=10, missed=1).figures, 0.1)
    assert not keeps_limits(candidate(0.5, early=10, missed=2).figures, 0.1)


def test_rules_to_try() -> None:
    """The model's own threshold is among those of every kind; the best of each is shown."""
    rules = list(rules_to_try(0.123))
    assert {SingleFrame(0.123), MeanOfEight(0.123)} <= set(rules)
    windowed = [rule.settings for rule in rules if isinstance(rule, Windowed)]
    assert 0.123 in {one.on_threshold for one in windowed}
    assert (min(one.window for one in windowed), max(one.window for one in windowed)) == (0.25, 2)
    figures = candidate(0.5).figures
    best = best_of_each([Candidate(rule, figures) for rule in rules], 2)
    assert [one.rule for one in best] == [rules[0], rules[1], SingleFrame(0.123),
                                          MeanOfEight(0.123)]


def write_run(data: Path, model: Path) -> Path:
    """Write a run folder with a converted model into a data folder; return the model."""
    shutil.copy(data / 'manifest.csv', data / 'samples.csv')
    write_config(data, TrainingConfig((str(data),), None, None, 'firenet'))
    (data / 'model.contract.json').write_text(contract_to_json(read_contract(model)))
    (data / 'tflite').mkdir()
    return Path(shutil.copy(model, data / 'tflite' / 'mine.tflite'))


def arguments(model: Path, *more: str) -> list[str]:
    """Return a command line that wants few short clips."""
    return [str(model), '--hours', '0.01', '--fires', '2', '--fps', '5', *more]


def predict_as(monkeypatch: pytest.MonkeyPatch, fire: float) -> None:
    """Predict `fire` for frames that show a fire, and 0.05 for others, without a model."""
    def scripted(model: Path, clips: Sequence[Clip]) -> list[ClassifiedClip]:
        found = []
        for made in clips:
            stamps, share = np.array([(frame.time, frame.fire_share) for frame in made.frames()]).T
            found.append(ClassifiedClip(made, stamps, share, np.where(share >= 0.5, fire, 0.05)))
        return found
    monkeypatch.setattr(alarms, 'classify_clips', scripted)


def test_measuring_end_to_end(model: Path, write_data: WriteData,
                              capsys: pytest.CaptureFixture[str]) -> None:
    """The node's classifier classifies clips of the run's `test`; every file is there."""
    run = write_data()
    copy = write_run(run, model)
    (run / 'here_test_fire_0.png').write_bytes(b'not an image')
    assert alarms.main(arguments(copy)) == 0
    assert 'here_test_fire_0.png' in capsys.readouterr().err
    out = run / 'evaluation' / 'tflite_mine.tflite'
    assert {path.name for path in out.iterdir()} == {'alarms.md', 'alarms.json', 'alarms.png'}
    record = json.loads((out / 'alarms.json').read_text())
    assert record['model_sha256'] == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert record['command'].startswith(f'python -m training.alarms {copy} --hours 0.01')
    assert (record['split'], record['fps'], record['chosen']) == ('test', 5.0, None)
    assert record['settings'] == dataclasses.asdict(read_contract(model).alarm)
    assert len(record['candidates']) == 3
    assert (record['candidates'][0]['fires'], record['candidates'][0]['scenes']) == (1, 4)
    assert len(record['unreadable']) == 1
    assert '](alarms.png)' in (out / 'alarms.md').read_text()


def test_choosing_end_to_end(model: Path, write_data: WriteData,
                             monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The choice on `val` is written into the run's contract, and nothing else of it is changed.

    Fires are predicted with 0.55: thresholds above it miss all, those below have no false alarms.
    """
    run = write_data()
    copy = write_run(run, model)
    predict_as(monkeypatch, 0.55)
    assert alarms.main(arguments(copy, '--choose', '--write')) == 0
    path = run / 'model.contract.json'
    written, before = contract_from_json(path.read_text(), str(path)), read_contract(model)
    assert written.alarm != before.alarm
    assert written.alarm.on_threshold <= 0.55
    assert dataclasses.replace(written, alarm=before.alarm) == before
    out = run / 'evaluation' / 'tflite_mine.tflite'
    assert {path.name for path in out.iterdir()} == {
        'alarms_choice.md', 'alarms_choice.json', 'alarms_choice.png'}
    record = json.loads((out / 'alarms_choice.json').read_text())
    assert record['chosen'] == dataclasses.asdict(written.alarm)
    assert (record['split'], record['max_missed_share']) == ('val', 0.1)
    assert len(record['candidates']) == 1 + len(list(rules_to_try(0.5)))


def test_nothing_to_choose(model: Path, write_data: WriteData,
                           monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that predicts no fire gets no settings, and its contract stays."""
    run = write_data()
    copy = write_run(run, model)
    before = (run / 'model.contract.json').read_text()
    predict_as(monkeypatch, 0.05)
    assert alarms.main(arguments(copy, '--choose', '--write')) == 1
    assert (run / 'model.contract.json').read_text() == before


def test_refusals(model: Path, tmp_path: Path, write_data: WriteData,
                  capsys: pytest.CaptureFixture[str]) -> None:
    """The file or option at fault is named, and the exit status is not 0."""
    assert alarms.main(arguments(model)) == 1
    assert str(model) in capsys.readouterr().err
    assert alarms.main([str(tmp_path / 'none.tflite'), '--data', str(write_data())]) == 1
    assert 'none.tflite' in capsys.readouterr().err
    for wrong in (['--write'], ['--fps', '0'], ['--hours', 'nan'], ['--max-missed', '2'],
                  ['--fires', '0']):
        with pytest.raises(SystemExit):
            alarms.main([str(model), *wrong])
        assert wrong[0] in capsys.readouterr().err
