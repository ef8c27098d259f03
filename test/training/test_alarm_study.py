# SPDX-License-Identifier: Apache-2.0
"""Alarm rules do what they say, are measured rightly, and the best of them is chosen."""

from collections.abc import Sequence
import dataclasses
import hashlib
import json
import math
from pathlib import Path
import shutil
import subprocess
import sys

from command_line import ROOT
import cv2
from fire_detector.model.contract import AlarmSettings, contract_from_json, contract_to_json
from fire_detector.model.file import read_contract
import numpy as np
import pytest

_ = pytest.importorskip('sklearn', reason='the extra training is not installed')
_ = pytest.importorskip('matplotlib', reason='the extra training is not installed')

from training import alarms  # noqa: E402
from training.clips.answers import Answered  # noqa: E402
from training.clips.clip import Clip, FIRE_KIND  # noqa: E402
from training.data.samples import LABELS, SPLITS  # noqa: E402
from training.measurement.alarm_choice import (  # noqa: E402
    best_of_each,
    Candidate,
    chosen_settings,
    keeps_limits,
    ranked,
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
RED, BLUE = (0, 0, 255), (255, 0, 0)


def clip(name: str = 'clip', kind: str = FIRE_KIND, source: str = 'here') -> Clip:
    """Name a clip without frames."""
    return Clip(name, kind, source, name, lambda: iter(()))


def answered(shown: Sequence[float], probability: Sequence[float], step: float = 1.0,
             of: Clip | None = None) -> Answered:
    """Return a clip with frames `step` seconds apart."""
    return Answered(of or clip(), step * np.arange(len(shown)), np.array(shown, float),
                    np.array(probability, float))


def decided(rule: Rule, probability: Sequence[float]) -> list[int]:
    """Ask a rule about frames a second apart."""
    values = np.array(probability, float)
    return [int(one) for one in rule.decide(np.arange(len(values), dtype=float), values)]


def test_single_frame() -> None:
    """A frame at the threshold is fire, and the next one is asked anew."""
    assert decided(SINGLE, [0.4, 0.5, 0.49, 0.9]) == [0, 1, 0, 1]


def test_mean_of_eight() -> None:
    """
    Check against numbers worked out by hand.

    Four of eight at 1 have a mean of 0.5, and are half: an alarm, at the eighth frame. Three at 1
    and five at 0.4 have a mean of 5/8, but are less than half. Four at 0.6 and four at 0.3 are
    half, but have a mean of 0.45.
    """
    rule = MeanOfEight(0.5)
    assert decided(rule, [0, 0, 0, 0, 1, 1, 1, 1]) == [0] * 7 + [1]
    assert decided(rule, [1] * 9) == [0] * 7 + [1, 1]
    assert decided(rule, [1, 1, 1, *[0.4] * 5]) == [0] * 8
    assert decided(rule, [0.6] * 4 + [0.3] * 4) == [0] * 8
    assert decided(rule, [1] * 8 + [0] * 5) == [0] * 7 + [1] * 5 + [0]


def test_window_is_the_nodes_own() -> None:
    """
    Check against medians worked out by hand.

    Of three frames each: 0.9 from the third on, 0.4 above the off threshold, then 0.2 below it.
    """
    rule = Windowed(AlarmSettings(0.8, 0.3, 2.0, 3))
    assert decided(rule, [0.9, 0.9, 0.9, 0.4, 0.4, 0.2, 0.2]) == [0, 0, 1, 1, 1, 1, 0]
    assert rule.text == 'on 0.8, off 0.3, 2 s, 3 frames'


def test_outcome_by_hand() -> None:
    """
    Half a second a frame; the fire is there in frames 4 to 9, and the camera turns in 3 and 10.

    Frame 1 is a false alarm of half a second. The alarm comes in frame 6, 1 s late, goes in 7 and
    comes again in 8: two flips. The fire's scene is gone in frame 11, the alarm in 13, 1 s later,
    and comes again, falsely, in 14. Without fire are frames 0 to 2, 13 and 14.
    """
    found = outcome(answered(
        [0, 0, 0, 0.3, 0.6, 1, 1, 1, 1, 1, 0.4, 0, 0, 0, 0],
        [0, 1, 0, 0.0, 0.0, 0, 1, 0, 1, 1, 1.0, 1, 1, 0, 1], 0.5), SINGLE)
    assert found == Outcome(fire=True, early=False, time_to_alarm=1.0, time_to_clear=1.0,
                            stuck=False, flips=2, false_alarms=2, nofire_seconds=2.5,
                            alarm_seconds=1.0)
    assert not found.missed


def test_alarm_within_the_turn_is_no_false_one() -> None:
    """A fire that is seen before half of it is in view has waited for nothing."""
    found = outcome(answered([0, 0, 0.4, 0.8, 1], [0, 0, 1, 1, 1]), SINGLE)
    assert (found.time_to_alarm, found.early, found.false_alarms) == (0.0, False, 0)
    assert (found.nofire_seconds, found.time_to_clear, found.stuck) == (2.0, None, False)


def test_early_missed_and_stuck() -> None:
    """Early alarms have no time; an alarm after 3 s is none; one that stays is not cleared."""
    early = outcome(answered([0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1]), SINGLE)
    assert (early.early, early.missed, early.time_to_alarm) == (True, False, None)
    assert (early.false_alarms, early.stuck, early.time_to_clear) == (1, True, None)
    # What is stuck is no time without fire.
    assert (early.nofire_seconds, early.alarm_seconds) == (2.0, 1.0)
    in_time = outcome(answered([0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1]), SINGLE)
    assert (in_time.missed, in_time.time_to_alarm) == (False, 3.0)
    late = outcome(answered([0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1]), SINGLE)
    assert (late.missed, late.time_to_alarm) == (True, None)


def test_gap_counts_as_time() -> None:
    """A frame stands for the time until the next: 2 s before a lost frame."""
    calm = Answered(clip(), np.array([0.0, 1.0, 3.0, 4.0]), np.zeros(4),
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
    fires = [answered([0] + [1] * 5, [0] * (1 + late) + [1] * (5 - late), of=clip(source=source))
             for late, source in ((0, 'a'), (1, 'a'), (2, 'b'), (5, 'b'))]
    lamp = answered([0] * 10, [0, 1, 0, 0, 1, 1, 0, 0, 0, 0], of=clip('red', 'red lamp'))
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
    cleared = Outcome(True, False, 0.0, 1.0, False, 0, 0, 0.0, 0.0)
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
    base = summarize([(clip(), Outcome(True, False, 0.5, 0.5, False, 0, 0, 1800.0, 0.0))] * 20)
    return Candidate(Windowed(AlarmSettings(name, 0.0)),
                     dataclasses.replace(base, **changes))  # type: ignore[arg-type]


def test_choice_prefers_as_it_says() -> None:
    """
    Few false alarms win, then less time in them, fewer missed, fewer flips, the quicker.

    What breaks a limit comes last, however quiet it is: 3 of 20 missed is more than 10 %.
    """
    expected = [
        candidate(0.10, false_alarms=1, share_in_alarm=0.9, missed=2, flips=9, median_time=0.9),
        candidate(0.11, false_alarms=2, share_in_alarm=0.1, missed=2, flips=9, median_time=0.9),
        candidate(0.12, false_alarms=2, share_in_alarm=0.2, missed=1, flips=9, median_time=0.9),
        candidate(0.13, false_alarms=2, share_in_alarm=0.2, missed=2, flips=8, median_time=0.9),
        candidate(0.14, false_alarms=2, share_in_alarm=0.2, missed=2, flips=9, median_time=0.8),
        candidate(0.15, false_alarms=2, share_in_alarm=0.2, missed=2, flips=9, median_time=0.9),
        candidate(0.16, p95_time=1.1),
        candidate(0.17, p95_time=None),
        candidate(0.18, median_clear=1.6),
        candidate(0.19, missed=3),
    ]
    assert ranked(expected[::-1], 0.1)[:6] == expected[:6]
    assert {one.rule for one in ranked(expected[::-1], 0.1)[6:9]} == {
        one.rule for one in expected[6:9]}
    assert ranked(expected[::-1], 0.1)[9] == expected[9]
    assert chosen_settings(expected[0], 0.1) == AlarmSettings(0.10, 0.0)
    assert [keeps_limits(one.figures, 0.1) for one in expected] == [True] * 6 + [False] * 4
    assert all(chosen_settings(one, 0.1) is None for one in expected[6:])
    assert keeps_limits(expected[9].figures, 0.15)


def test_early_fires_cannot_be_missed() -> None:
    """Of 20 fires of which 10 came in alarm, 1 missed is 10 %, and 2 are more."""
    assert keeps_limits(candidate(0.5, early=10, missed=1).figures, 0.1)
    assert not keeps_limits(candidate(0.5, early=10, missed=2).figures, 0.1)


def test_rules_to_try() -> None:
    """The model's own threshold is among those of every kind; the best of each is shown."""
    rules = list(rules_to_try(0.123))
    for kind in ('single frame', 'mean of 8, half agree'):
        assert kind in {rule.kind for rule in rules if rule.text == 'on 0.123'}
    windowed = [rule.settings for rule in rules if isinstance(rule, Windowed)]
    assert 0.123 in {one.on_threshold for one in windowed}
    assert (min(one.window for one in windowed), max(one.window for one in windowed)) == (0.25, 2)
    figures = candidate(0.5).figures
    best = best_of_each([Candidate(rule, figures) for rule in rules], 2)
    assert [one.rule for one in best] == [rules[0], rules[1], SingleFrame(0.123),
                                          MeanOfEight(0.123)]


def write_run(folder: Path, model: Path) -> Path:
    """Write a run folder with tiny images and a converted model; give the model."""
    lines = ['file,label,source,group,split']
    for split in SPLITS:
        for label, color in zip(LABELS, (RED, BLUE), strict=True):
            for number in range(2):
                name = f'{split}_{label}_{number}.png'
                cv2.imwrite(str(folder / name), np.full((24, 32, 3), color, np.uint8))
                lines.append(f'{name},{label},here,{name},{split}')
    for name in ('manifest.csv', 'samples.csv'):
        (folder / name).write_text('\n'.join(lines) + '\n')
    write_config(folder, TrainingConfig(str(folder), None, None, 'firenet'))
    (folder / 'model.contract.json').write_text(contract_to_json(read_contract(model)))
    (folder / 'tflite').mkdir()
    return Path(shutil.copy(model, folder / 'tflite' / 'mine.tflite'))


def arguments(model: Path, *more: str) -> list[str]:
    """Ask for few short clips."""
    return [str(model), '--hours', '0.01', '--fires', '2', '--fps', '5', *more]


def answer_as(monkeypatch: pytest.MonkeyPatch, fire: float) -> None:
    """Answer `fire` to frames that show a fire, and 0.05 to others, without a model."""
    def scripted(model: Path, clips: Sequence[Clip]) -> list[Answered]:
        answers = []
        for one in clips:
            stamps, shown = np.array([(frame.time, frame.shown) for frame in one.frames()]).T
            answers.append(Answered(one, stamps, shown, np.where(shown >= 0.5, fire, 0.05)))
        return answers
    monkeypatch.setattr(alarms, 'answer', scripted)


def test_measuring_end_to_end(model: Path, tmp_path: Path,
                              capsys: pytest.CaptureFixture[str]) -> None:
    """The node's classifier answers clips of the run's `test`; every file is in its folder."""
    copy = write_run(tmp_path, model)
    (tmp_path / 'test_fire_0.png').write_bytes(b'not an image')
    assert alarms.main(arguments(copy)) == 0
    printed = capsys.readouterr()
    assert 'left out' in printed.err
    alarm = read_contract(model).alarm
    assert (f'| median of a window | on {alarm.on_threshold:g}, off {alarm.off_threshold:g}, '
            f'{alarm.window:g} s, {alarm.min_frames} frames |') in printed.out
    out = tmp_path / 'evaluation' / 'tflite_mine.tflite'
    assert {path.name for path in out.iterdir()} == {'alarms.md', 'alarms.json', 'alarms.png'}
    record = json.loads((out / 'alarms.json').read_text())
    assert record['model_sha256'] == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert record['command'].startswith(f'python -m training.alarms {copy} --hours 0.01')
    assert (record['split'], record['fps'], record['chosen']) == ('test', 5.0, None)
    assert record['settings']['window'] == 1.0
    assert [one['rule'] for one in record['candidates']] == [
        'median of a window', 'single frame', 'mean of 8, half agree']
    assert (record['candidates'][0]['fires'], record['candidates'][0]['scenes']) == (1, 4)
    assert len(record['unreadable']) == 1
    assert (out / 'alarms.md').read_text().count('![') == 1


def test_choosing_end_to_end(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                             capsys: pytest.CaptureFixture[str]) -> None:
    """
    The choice on `val` is written into the run's contract, and nothing else of it is changed.

    Fires are answered with 0.55: thresholds above it miss all, those below have no false alarms.
    """
    copy = write_run(tmp_path, model)
    answer_as(monkeypatch, 0.55)
    assert alarms.main(arguments(copy, '--choose', '--write')) == 0
    assert 'Chosen: the fewest false alarms an hour' in capsys.readouterr().out
    path = tmp_path / 'model.contract.json'
    written, before = contract_from_json(path.read_text(), str(path)), read_contract(model)
    assert written.alarm != before.alarm
    assert written.alarm.on_threshold <= 0.55
    assert dataclasses.replace(written, alarm=before.alarm) == before
    out = tmp_path / 'evaluation' / 'tflite_mine.tflite'
    assert {path.name for path in out.iterdir()} == {
        'alarms_choice.md', 'alarms_choice.json', 'alarms_choice.png'}
    record = json.loads((out / 'alarms_choice.json').read_text())
    assert record['chosen'] == dataclasses.asdict(written.alarm)
    assert (record['split'], record['max_missed_share']) == ('val', 0.1)
    assert len(record['candidates']) == 1 + len(list(rules_to_try(0.5)))


def test_nothing_to_choose(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                           capsys: pytest.CaptureFixture[str]) -> None:
    """A model that sees no fire gets no settings, and its contract stays."""
    copy = write_run(tmp_path, model)
    before = (tmp_path / 'model.contract.json').read_text()
    answer_as(monkeypatch, 0.05)
    assert alarms.main(arguments(copy, '--choose', '--write')) == 1
    printed = capsys.readouterr()
    assert 'None of the settings keep these limits.' in printed.out
    assert 'nothing is written' in printed.err
    assert (tmp_path / 'model.contract.json').read_text() == before


def test_refusals(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be done is said in a line, or is an error of usage."""
    assert alarms.main(arguments(model)) == 1
    assert 'not in a run folder of training.train' in capsys.readouterr().err
    assert alarms.main([str(tmp_path / 'none.tflite'), '--data', str(tmp_path)]) == 1
    assert 'cannot read the model' in capsys.readouterr().err
    for wrong in (['--write'], ['--fps', '0'], ['--hours', 'nan'], ['--max-missed', '2'],
                  ['--fires', '0']):
        with pytest.raises(SystemExit):
            alarms.main([str(model), *wrong])


def test_tensorflow_stays_out() -> None:
    """With it in the process, tflite-runtime would load no model."""
    check = ('import sys, training.alarms; '
             'print([name for name in ("tensorflow", "keras") if name in sys.modules])')
    result = subprocess.run([sys.executable, '-c', check], cwd=ROOT, capture_output=True,
                            text=True, check=True)
    assert result.stdout == '[]\n'
