# SPDX-License-Identifier: Apache-2.0
"""
Measure how frames become alarms, or choose the settings by which they do.

Measure on `test`: `python -m training.alarms runs/mine/tflite/mine.tflite`; choose on `val`: the
same with `--choose`, and with `--write` into the contract of the run.
"""

import argparse
from collections.abc import Callable
import dataclasses
from pathlib import Path
import shlex
import sys
from typing import Any

from fire_detector.images.files import ImageFileError
from fire_detector.model.classifier import InferenceError, RuntimeUnavailableError
from fire_detector.model.contract import AlarmSettings, contract_to_json, ModelError
from fire_detector.model.file import read_contract, read_sidecar, sidecar_path
from training.clips import made
from training.clips.clip import ClassifiedClip, classify_clips, FIRE_KIND
from training.clips.recorded import recorded_clips, rendered_clip
from training.data.boxes import read_boxes
from training.data.loading import skip_unreadable
from training.data.options import (
    add_data_options,
    check_data_options,
    Dataset,
    describe_selection,
    read_data,
)
from training.data.samples import DatasetError, LABELS, select
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
from training.measurement.alarm_figures import MISSED_AFTER, outcome
from training.measurement.alarm_rules import MeanOfEight, SingleFrame, Windowed
from training.measurement.evaluation import record_of
from training.measurement.plots import write_alarm_plot
from training.run_folder import evaluation_folder, KERAS_MODEL, run_of, write_json

MEASURED, CHOSEN = 'alarms', 'alarms_choice'
PAGE = 'alarms.md.j2'
FIRE_CLIPS = 150
BEST_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class AlarmStudy:
    """
    What was measured of alarm rules, with one model on one set of clips.

    :ivar fps: frames a second.
    :ivar seed: of the clips.
    :ivar frames: frames that were classified.
    :ivar settings: the alarm settings in the model.
    :ivar chosen: the settings that were chosen; None where none were, or none keep the limits.
    :ivar max_missed_share: the limit of missed fires in choosing; None where none was chosen.
    :ivar candidates: rules and what was measured of them on the made clips, the best first.
    :ivar recorded: what some of them did in the other clips.
    :ivar unreadable: one message for each image that was left out.
    """

    fps: float
    seed: int
    frames: int
    settings: AlarmSettings
    chosen: AlarmSettings | None
    max_missed_share: float | None
    candidates: list[dict[str, Any]]
    recorded: list[dict[str, Any]]
    unreadable: list[str]


def study_alarms(options: argparse.Namespace,
                 dataset: Dataset) -> tuple[AlarmStudy, list[Candidate], list[ClassifiedClip]]:
    """
    Measure alarm rules, and choose one where the options have it.

    :param options: the command line's.
    :param dataset: the stills.
    :return: what was measured, the candidates to list, and the clips to plot.
    :raises DatasetError: when there is no readable still of a label, or the boxes cannot be read.
    """
    settings = read_contract(options.model).alarm
    stills, unreadable = skip_unreadable(select(dataset.samples, options.split))
    for index, label in enumerate(LABELS):
        if index not in {sample.label for sample in stills}:
            raise DatasetError(f'no readable image labeled {label} in split {options.split!r}')
    planned = [
        *made.fire_clips(stills, read_boxes(dataset.folder), options.fires, options.fps,
                         options.seed),
        *made.nofire_clips(stills, 3600 * options.hours, options.fps, options.seed)]
    clips = classify_clips(options.model, [
        *planned, *recorded_clips(dataset.folder, options.fps),
        rendered_clip(options.fps, options.seed)])
    of_stills, others = clips[:len(planned)], clips[len(planned):]
    compared = (SingleFrame(settings.on_threshold), MeanOfEight(settings.on_threshold))
    candidates = listed = measure_rules((Windowed(settings), *compared), of_stills)
    chosen = None
    if options.choose:
        tried = rank(measure_rules(rules_to_try(settings.on_threshold), of_stills),
                     options.max_missed)
        listed = [*best_of_each(tried, BEST_SHOWN), candidates[0]]
        candidates = [candidates[0], *tried]
        chosen = chosen_settings(listed[0], options.max_missed)
    study = AlarmStudy(
        options.fps, options.seed, sum(len(one.stamps) for one in clips), settings, chosen,
        options.max_missed if options.choose else None,
        [one.to_record() for one in candidates],
        [{'clip': one.clip.name} | rule.to_record() | vars(found) | {'missed': found.missed}
         for one in others for rule in (Windowed(chosen or settings), *compared)
         for found in [outcome(one, rule)]],
        unreadable)
    # One in which the camera turns, if there is one.
    example = [one for one in of_stills if one.clip.kind == FIRE_KIND][:2][-1]
    return study, listed, [*others, example]


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


def _write_results(study: AlarmStudy, listed: list[Candidate], plotted: list[ClassifiedClip],
                   record: dict[str, Any], out: Path) -> str:
    """Write record, page and plot; return the page."""
    stem = MEASURED if study.max_missed_share is None else CHOSEN
    out.mkdir(parents=True, exist_ok=True)
    write_alarm_plot(plotted, Windowed(study.chosen or study.settings), out / f'{stem}.png')
    write_json(out / f'{stem}.json', record)
    page = render(PAGE, study=record, listed=[one.to_record() for one in listed], made=made,
                  limits=alarm_choice, missed_after=MISSED_AFTER, plot=f'{stem}.png')
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


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks; return the exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    options = parser.parse_args(words)
    check_data_options(parser, options)
    if options.write and not options.choose:
        parser.error('--write is for --choose')
    if options.fires < 1 or options.seed < 0:
        parser.error('--fires is 1 or more, --seed 0 or more')
    options.split, options.source = 'val' if options.choose else 'test', []
    try:
        run = run_of(options.model) if options.write else None
        dataset = read_data(options, options.model)
        study, listed, plotted = study_alarms(options, dataset)
        selection = describe_selection(
            options, dataset, shlex.join(['python', '-m', 'training.alarms', *words]))
        out = options.out or evaluation_folder(options.model)
        print(_write_results(study, listed, plotted,
                             record_of(options.model, selection, study), out))
        for message in study.unreadable:
            print(f'training.alarms: left out: {message}', file=sys.stderr)
        print(f'Results are in {out}')
        if run is not None:
            if study.chosen is None:
                print('training.alarms: nothing is written: no settings keep the limits; '
                      '--max-missed may be raised', file=sys.stderr)
                return 1
            print(f'Written into {write_chosen(run, study.chosen)}; convert the model again')
    except (DatasetError, InferenceError, ModelError, OSError, ImageFileError,
            RuntimeUnavailableError) as error:
        print(f'training.alarms: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
