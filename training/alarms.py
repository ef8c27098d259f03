# SPDX-License-Identifier: Apache-2.0
"""
Measure how frames become alarms, or choose the settings by which they do.

Measure on `test`: `python -m training.alarms runs/mine/tflite/mine.tflite`; choose on `val`: the
same with `--choose`, and with `--write` into the contract of the run.
"""

import argparse
from collections.abc import Callable, Sequence
import dataclasses
from pathlib import Path
import sys
from typing import Any

from fire_detector.model.contract import AlarmSettings, contract_to_json
from fire_detector.model.file import read_contract, read_sidecar, sidecar_path
from training.clips import made
from training.clips.clip import ClassifiedClip, classify_clips, FIRE_KIND
from training.clips.recorded import recorded_clips, rendered_clip, VIDEO_SOURCE
from training.command import run_command
from training.data.boxes import read_boxes
from training.data.corrections import corrections_for
from training.data.loading import skip_unreadable
from training.data.options import (
    add_data_options,
    corrections_of,
    describe_selection,
    read_data,
)
from training.data.samples import Dataset, DatasetError, LABELS, Sample, select
from training.evaluate import add_out_option
from training.markdown import render
from training.measurement import alarm_choice
from training.measurement.alarm_choice import (
    best_of_each,
    Candidate,
    chosen_settings,
    measure_rules,
    rank,
    rules_to_try,
)
from training.measurement.alarm_figures import (
    IN_TIME,
    MISSED_AFTER,
    outcome,
    RecordedFigures,
    summarize_recorded,
)
from training.measurement.alarm_rules import MeanOfEight, Rule, SingleFrame, Windowed
from training.measurement.evaluation import record_of
from training.measurement.plots import write_alarm_plot
from training.run_folder import evaluation_folder, KERAS_MODEL, run_of, write_json

MEASURED, CHOSEN = 'alarms', 'alarms_choice'
PAGE = 'alarms.md.j2'
FIRE_CLIPS = 150
BEST_LISTED = 10
# Recorded clips, besides one that is made.
PLOTTED = 8


@dataclasses.dataclass(frozen=True)
class AlarmStudy:
    """
    The figures of alarm rules, with one model on one set of clips.

    :ivar fps: frames a second.
    :ivar seed: of the clips.
    :ivar frames: number of frames.
    :ivar settings: the alarm settings in the model.
    :ivar chosen: the chosen settings; None where none were chosen, or none keep to the limits.
    :ivar max_missed_share: the limit of missed fires in choosing; None without a choice.
    :ivar candidates: rules and their figures on the made clips, the model's own first.
    :ivar recorded: outcomes of some rules in the other clips.
    :ivar videos: how the model's own settings, or the chosen ones, did in recorded videos.
    :ivar unreadable: a message for each image that was left out.
    """

    fps: float
    seed: int
    frames: int
    settings: AlarmSettings
    chosen: AlarmSettings | None
    max_missed_share: float | None
    candidates: list[dict[str, Any]]
    recorded: list[dict[str, Any]]
    videos: RecordedFigures
    unreadable: list[str]


def study_alarms(options: argparse.Namespace,
                 dataset: Dataset) -> tuple[AlarmStudy, list[Candidate], list[ClassifiedClip]]:
    """
    Measure alarm rules, and choose one with --choose.

    :param options: the command line's.
    :param dataset: the stills.
    :return: the study, the candidates to list, and the clips to plot.
    :raises DatasetError: when there is no readable still of a label, or the boxes cannot be read.
    """
    settings = read_contract(options.model).alarm
    stills, unreadable = _read_stills(dataset, options.split)
    of_stills, others = _classify(options, dataset.folders, stills)
    compared = (SingleFrame(settings.on_threshold), MeanOfEight(settings.on_threshold))
    candidates = listed = measure_rules((Windowed(settings), *compared), of_stills)
    chosen = None
    if options.choose:
        tried = rank(measure_rules(rules_to_try(settings.on_threshold), of_stills),
                     options.max_missed)
        listed = [*best_of_each(tried, BEST_LISTED), candidates[0]]
        candidates = [candidates[0], *tried]
        chosen = chosen_settings(listed[0], options.max_missed)
    study = AlarmStudy(
        options.fps, options.seed, sum(len(clip.stamps) for clip in (*of_stills, *others)),
        settings, chosen,
        options.max_missed if options.choose else None,
        [candidate.to_record() for candidate in candidates],
        [_outcome_record(clip, rule) for clip in others
         for rule in (Windowed(chosen or settings), *compared)],
        summarize_recorded([(clip.clip, outcome(clip, Windowed(chosen or settings)))
                            for clip in others if clip.clip.source == VIDEO_SOURCE]),
        unreadable)
    # The second, if there is one, since the camera turns in it.
    example = [clip for clip in of_stills if clip.clip.kind == FIRE_KIND][:2][-1]
    # Those that went wrong come first.
    worst = sorted(others, key=lambda clip: _went_right(clip, Windowed(chosen or settings)))
    return study, listed, [*worst[:PLOTTED], example]


def _went_right(clip: ClassifiedClip, rule: Rule) -> bool:
    found = outcome(clip, rule)
    return not (found.missed or found.false_alarms)


def _read_stills(dataset: Dataset, split: str) -> tuple[list[Sample], list[str]]:
    stills, unreadable = skip_unreadable(select(dataset.samples, split))
    for index, label in enumerate(LABELS):
        if index not in {sample.label for sample in stills}:
            raise DatasetError(f'no readable image labeled {label} in split {split!r}')
    return stills, unreadable


def _classify(options: argparse.Namespace, folders: Sequence[Path], stills: Sequence[Sample]
              ) -> tuple[list[ClassifiedClip], list[ClassifiedClip]]:
    """Classify the clips that are made from stills, and the others."""
    videos = recorded_clips(folders, options.fps, corrections_for(
        folders, corrections_of(options, options.model)))
    planned = [
        *made.fire_clips(stills, read_boxes(*folders), options.fires, options.fps, options.seed),
        *made.nofire_clips(stills, 3600 * options.hours, options.fps, options.seed)]
    clips = classify_clips(options.model, [
        *planned, *videos, rendered_clip(options.fps, options.seed)])
    return clips[:len(planned)], clips[len(planned):]


def _outcome_record(clip: ClassifiedClip, rule: Rule) -> dict[str, Any]:
    found = outcome(clip, rule)
    return {'clip': clip.clip.name, 'shows': clip.clip.kind} | rule.to_record() | vars(found) | {
        'missed': found.missed}


def write_chosen(run: Path, settings: AlarmSettings) -> Path:
    """
    Write alarm settings into the contract of a run's models, for the next conversion.

    :return: the contract's file.
    :raises ModelError: when the run has no usable contract.
    """
    path = sidecar_path(run / KERAS_MODEL)
    contract = dataclasses.replace(read_sidecar(run / KERAS_MODEL), alarm=settings)
    path.write_text(contract_to_json(contract), encoding='utf-8')
    return path


def _write_results(study: AlarmStudy, listed: list[Candidate], plotted: list[ClassifiedClip],
                   record: dict[str, Any], out: Path) -> str:
    stem = MEASURED if study.max_missed_share is None else CHOSEN
    out.mkdir(parents=True, exist_ok=True)
    write_alarm_plot(plotted, Windowed(study.chosen or study.settings), out / f'{stem}.png')
    write_json(out / f'{stem}.json', record)
    page = render(PAGE, study=record, made=made, limits=alarm_choice, in_time=IN_TIME,
                  missed_after=MISSED_AFTER, plot=f'{stem}.png',
                  listed=[candidate.to_record() for candidate in listed])
    (out / f'{stem}.md').write_text(page, encoding='utf-8')
    return page


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m training.alarms', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', metavar='MODEL', type=Path, help='.tflite file')
    add_data_options(parser, required=False)
    add_out_option(parser)
    parser.add_argument('--choose', action='store_true',
                        help='choose settings on val, rather than measure on test')
    parser.add_argument('--write', action='store_true',
                        help="with --choose: write the choice into the run's contract")
    parser.add_argument('--max-missed', metavar='SHARE', type=_within(0, 1),
                        default=alarm_choice.MAX_MISSED_SHARE,
                        help='with --choose: share of the fires that may be missed '
                             '(default: %(default)s)')
    parser.add_argument('--fps', metavar='N', type=_within(1, 60), default=10.0,
                        help='frames a second (default: %(default)s)')
    parser.add_argument('--hours', metavar='H', type=_within(1e-3, 1e3), default=1.0,
                        help='time of the clips without fire (default: %(default)s)')
    parser.add_argument('--fires', metavar='N', type=int, default=FIRE_CLIPS,
                        help='clips with a fire, at most (default: %(default)s)')
    parser.add_argument('--seed', metavar='N', type=int, default=0,
                        help='of the clips (default: %(default)s)')
    return parser


def _within(low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        if not low <= float(text) <= high:
            raise argparse.ArgumentTypeError(f'{text} is not from {low:g} to {high:g}')
        return float(text)
    return number


def _study(options: argparse.Namespace) -> int:
    if options.write and not options.choose:
        raise argparse.ArgumentError(None, '--write is for --choose')
    if options.fires < 1 or options.seed < 0:
        raise argparse.ArgumentError(None, '--fires is 1 or more, --seed 0 or more')
    options.split, options.source = 'val' if options.choose else 'test', []
    options.not_source = []
    run = run_of(options.model) if options.write else None
    dataset = read_data(options, options.model)
    study, listed, plotted = study_alarms(options, dataset)
    selection = describe_selection(options, dataset)
    out = options.out or evaluation_folder(options.model)
    print(_write_results(study, listed, plotted, record_of(options.model, selection, study), out))
    for message in study.unreadable:
        print(f'training.alarms: left out: {message}', file=sys.stderr)
    print(f'Results are in {out}')
    if run is None:
        return 0
    if study.chosen is None:
        print('training.alarms: nothing is written: no settings keep the limits; '
              '--max-missed may be raised', file=sys.stderr)
        return 1
    print(f'Written into {write_chosen(run, study.chosen)}; convert the model again')
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_command(_parser(), _study, arguments)


if __name__ == '__main__':
    sys.exit(main())
