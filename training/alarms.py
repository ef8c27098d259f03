# SPDX-License-Identifier: Apache-2.0
"""
Measure how frames become alarms, or choose the settings by which they do.

Measure on `test`: `python -m training.alarms runs/mine/tflite/mine.tflite`; choose on `val`: the
same with `--choose`, and with `--write` into the contract of the run.
"""

import argparse
from collections.abc import Sequence
import dataclasses
import math
from pathlib import Path
import shlex
import sys

from fire_detector.images.files import ImageFileError
from fire_detector.model.classifier import InferenceError, RuntimeUnavailableError
from fire_detector.model.contract import AlarmSettings, contract_to_json, ModelError
from fire_detector.model.file import read_contract, read_sidecar, sidecar_path
from training.clips.answers import answer, Answered
from training.clips.clip import Clip, FIRE_KIND
from training.clips.made import fire_clips, nofire_clips
from training.clips.recorded import recorded_clips, rendered_clip
from training.data.boxes import read_boxes
from training.data.loading import skip_unreadable
from training.data.samples import DatasetError, LABELS, Sample, select
from training.dataset import check_data_arguments
from training.measurement.alarm_choice import (
    best_of_each,
    Candidate,
    chosen_settings,
    MAX_MISSED_SHARE,
    measured,
    ranked,
    rules_to_try,
)
from training.measurement.alarm_figures import outcome
from training.measurement.alarm_plot import write_alarm_plot
from training.measurement.alarm_report import (
    AlarmStudy,
    choice_text,
    recorded_table,
    RecordedOutcome,
    rules_table,
    study_to_json,
    summary,
)
from training.measurement.alarm_rules import MeanOfEight, SingleFrame, Windowed
from training.measurement.evaluation import file_sha256
from training.run_folder import evaluation_folder, KERAS_MODEL, run_of, write_json
from training.selection import add_place_arguments, EPILOG, read_place

MEASURED, CHOSEN = 'alarms', 'alarms_choice'
FIRE_CLIPS = 150
BEST_SHOWN = 10
MIN_FPS, MAX_FPS = 1.0, 60.0


def _made_clips(options: argparse.Namespace, samples: Sequence[Sample],
                data: Path) -> list[Clip]:
    return [*fire_clips(samples, read_boxes(data), options.fires, options.fps, options.seed),
            *nofire_clips(samples, 3600 * options.hours, options.fps, options.seed)]


def _stills(samples: Sequence[Sample], split: str) -> tuple[list[Sample], list[str]]:
    """List the readable stills of a split, and a message about each other."""
    readable, unreadable = skip_unreadable(select(samples, split))
    for index, label in enumerate(LABELS):
        if index not in {sample.label for sample in readable}:
            raise DatasetError(f'no readable image labeled {label} in split {split!r}')
    return readable, unreadable


def study(options: argparse.Namespace, command: str) -> tuple[AlarmStudy, str]:
    """
    Measure, or choose, and write what was found.

    :param options: the command line's.
    :param command: the command line, for the record.
    :return: what was found, and its tables.
    """
    settings = read_contract(options.model).alarm
    split = 'val' if options.choose else 'test'
    samples, data = read_place(options, options.model)
    stills, unreadable = _stills(samples, split)
    made = _made_clips(options, stills, data)
    answers = answer(options.model, [*made, *recorded_clips(data, options.fps),
                                     rendered_clip(options.fps, options.seed)])
    of_stills, others = answers[:len(made)], answers[len(made):]
    compared = (SingleFrame(settings.on_threshold), MeanOfEight(settings.on_threshold))
    candidates = shown = tuple(measured((Windowed(settings), *compared), of_stills))
    chosen = None
    if options.choose:
        tried = ranked(measured(rules_to_try(settings.on_threshold), of_stills),
                       options.max_missed)
        shown = (*best_of_each(tried, BEST_SHOWN), candidates[0])
        candidates = (candidates[0], *tried)
        chosen = chosen_settings(shown[0], options.max_missed)
    rules = (Windowed(chosen or settings), *compared)
    found = AlarmStudy(
        command, str(options.model), file_sha256(options.model), str(data.resolve()), split,
        options.fps, options.seed, sum(len(one.stamps) for one in answers), settings, chosen,
        options.max_missed if options.choose else None, candidates,
        tuple(RecordedOutcome(one.clip.name, rule, outcome(one, rule))
              for one in others for rule in rules), tuple(unreadable))
    out = options.out or evaluation_folder(options.model)
    _write(found, shown, [*others, _example(of_stills)], out)
    return found, (f'{rules_table(shown)}\n\n{recorded_table(found.recorded)}\n\n'
                   f'Results are in {out}; begin with {out / _stem(found)}.md')


def _stem(found: AlarmStudy) -> str:
    return MEASURED if found.max_missed_share is None else CHOSEN


def _example(answers: Sequence[Answered]) -> Answered:
    """Take a made clip with a fire, one in which the camera turns if there is one."""
    return [one for one in answers if one.clip.kind == FIRE_KIND][:2][-1]


def _write(found: AlarmStudy, shown: tuple[Candidate, ...], plotted: Sequence[Answered],
           out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    stem = _stem(found)
    write_alarm_plot(plotted, Windowed(found.chosen or found.settings), out / f'{stem}.png')
    (out / f'{stem}.md').write_text(summary(found, shown, f'{stem}.png'), encoding='utf-8')
    write_json(out / f'{stem}.json', study_to_json(found))


def write_chosen(run: Path, settings: AlarmSettings) -> Path:
    """
    Write alarm settings into the contract of a run's models, for the next conversion.

    :param run: the run folder.
    :param settings: the settings.
    :return: the contract's file.
    :raises ModelError: when the run has no usable contract.
    """
    path = sidecar_path(run / KERAS_MODEL)
    contract = dataclasses.replace(read_sidecar(run / KERAS_MODEL), alarm=settings)
    path.write_text(contract_to_json(contract), encoding='utf-8')
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m training.alarms', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG)
    parser.add_argument('model', metavar='MODEL', type=Path, help='.tflite file')
    add_place_arguments(parser)
    parser.add_argument('--choose', action='store_true',
                        help='choose settings on val, rather than measure on test')
    parser.add_argument('--write', action='store_true',
                        help="with --choose: write the choice into the run's contract")
    parser.add_argument('--max-missed', metavar='SHARE', type=_share, default=MAX_MISSED_SHARE,
                        help='with --choose: share of the fires that may be missed '
                             '(default: %(default)s)')
    parser.add_argument('--fps', metavar='N', type=_frame_rate, default=10.0,
                        help='frames a second (default: %(default)s)')
    parser.add_argument('--hours', metavar='H', type=_positive, default=1.0,
                        help='time of the clips without fire (default: %(default)s)')
    parser.add_argument('--fires', metavar='N', type=int, default=FIRE_CLIPS,
                        help='clips with a fire, at most (default: %(default)s)')
    parser.add_argument('--seed', metavar='N', type=int, default=0,
                        help='of the clips (default: %(default)s)')
    return parser


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f'{text} is not above 0')
    return number


def _frame_rate(text: str) -> float:
    number = float(text)
    if not MIN_FPS <= number <= MAX_FPS:
        raise argparse.ArgumentTypeError(f'{text} is not from {MIN_FPS:g} to {MAX_FPS:g}')
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f'{text} is not from 0 to 1')
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks; return the exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    options = parser.parse_args(words)
    check_data_arguments(parser, options)
    if options.write and not options.choose:
        parser.error('--write is for --choose')
    if options.fires < 1 or options.seed < 0:
        parser.error('--fires is 1 or more, --seed 0 or more')
    try:
        run = run_of(options.model) if options.write else None
        found, tables = study(options, shlex.join(['python', '-m', 'training.alarms', *words]))
        for message in found.unreadable:
            print(f'training.alarms: left out: {message}', file=sys.stderr)
        print(tables)
        if options.choose:
            print(f'\n{choice_text(found)}')
        if run is not None:
            if found.chosen is None:
                print('training.alarms: nothing is written: no settings keep the limits; '
                      '--max-missed may be raised', file=sys.stderr)
                return 1
            print(f'Written into {write_chosen(run, found.chosen)}; convert the model again')
    except (DatasetError, InferenceError, ModelError, OSError, ImageFileError,
            RuntimeUnavailableError) as error:
        print(f'training.alarms: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
