# SPDX-License-Identifier: Apache-2.0
"""What was measured of alarm rules: the record of it, and its tables."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from fire_detector.model.contract import AlarmSettings
from training.clips.clip import FIRE_KIND
from training.clips.made import AFTER_SECONDS, FIRE_SECONDS, NOFIRE_KINDS, NOFIRE_SECONDS
from training.markdown import markdown_table, ORIGIN
from training.measurement.alarm_choice import Candidate, MAX_CLEAR_TIME, MAX_P95_TIME
from training.measurement.alarm_figures import AlarmFigures, MISSED_AFTER, Outcome
from training.measurement.alarm_rules import Rule
from training.measurement.intervals import Estimate


@dataclass(frozen=True)
class RecordedOutcome:
    """
    What a rule did in a clip that was not made from stills.

    :ivar clip: the clip's name.
    :ivar rule: the rule.
    :ivar outcome: what it did.
    """

    clip: str
    rule: Rule
    outcome: Outcome


@dataclass(frozen=True)
class AlarmStudy:
    """
    What was measured of alarm rules, with one model on one set of clips.

    :ivar command: the command line that measured it.
    :ivar model: the model's path, as the command line had it.
    :ivar model_sha256: SHA-256 of the file, in hexadecimal.
    :ivar data: the folder of the stills, absolute.
    :ivar split: the split that the stills are of.
    :ivar fps: frames a second.
    :ivar seed: of the clips.
    :ivar frames: frames that the model answered.
    :ivar settings: the alarm settings in the model.
    :ivar chosen: the settings that were chosen; None where none were, or none keep the limits.
    :ivar max_missed_share: the limit of missed fires in choosing; None where none was asked for.
    :ivar candidates: rules and what was measured of them on the made clips.
    :ivar recorded: what some of them did in the other clips.
    :ivar unreadable: one message for each image that was left out.
    """

    command: str
    model: str
    model_sha256: str
    data: str
    split: str
    fps: float
    seed: int
    frames: int
    settings: AlarmSettings
    chosen: AlarmSettings | None
    max_missed_share: float | None
    candidates: tuple[Candidate, ...]
    recorded: tuple[RecordedOutcome, ...]
    unreadable: tuple[str, ...] = ()


def study_to_json(study: AlarmStudy) -> dict[str, Any]:
    """Lay out a study for a JSON file; each rule is told by its kind and its settings."""
    fields = {field.name: getattr(study, field.name) for field in dataclasses.fields(study)}
    return fields | {
        'settings': dataclasses.asdict(study.settings),
        'chosen': None if study.chosen is None else dataclasses.asdict(study.chosen),
        'candidates': [_rule(one.rule) | dataclasses.asdict(one.figures)
                       for one in study.candidates],
        'recorded': [{'clip': one.clip} | _rule(one.rule) | dataclasses.asdict(one.outcome)
                     for one in study.recorded]}


def _rule(rule: Rule) -> dict[str, str]:
    return {'rule': rule.kind, 'rule_settings': rule.text}


def rules_table(candidates: tuple[Candidate, ...]) -> str:
    """Lay out what each rule did on the made clips."""
    return markdown_table(
        ['rule', 'settings', 'missed', 'early', 's to alarm: median', '95 %', 'worst',
         'flips', 's to clear', 'stuck', 'false alarms an hour', 'scenes falsely alarmed',
         'time in false alarm'],
        [[one.rule.kind, one.rule.text, *_cells(one.figures)] for one in candidates])


def _cells(found: AlarmFigures) -> list[str]:
    share = '-' if found.share_in_alarm is None else f'{100 * found.share_in_alarm:.2f} %'
    return [f'{found.missed} of {found.fires}', str(found.early),
            *map(_seconds, (found.median_time, found.p95_time, found.worst_time)),
            str(found.flips), _seconds(found.median_clear), str(found.stuck),
            _rate(found.false_alarms_an_hour), f'{found.scenes_in_alarm} of {found.scenes}', share]


def _seconds(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _rate(estimate: Estimate | None) -> str:
    if estimate is None:
        return '-'
    return f'{estimate.value:.1f} ({estimate.low:.1f} to {estimate.high:.1f})'


def kinds_table(candidates: tuple[Candidate, ...]) -> str:
    """Lay out in what kind of clip the false alarms were."""
    kinds = (*NOFIRE_KINDS, FIRE_KIND)
    return markdown_table(
        ['rule', 'settings', *(f'around the {kind}' if kind == FIRE_KIND else kind
                               for kind in kinds)],
        [[one.rule.kind, one.rule.text,
          *(str(one.figures.false_alarms_by_kind.get(kind, 0)) for kind in kinds)]
         for one in candidates])


def recorded_table(recorded: tuple[RecordedOutcome, ...]) -> str:
    """Lay out what rules did in the clips that were not made from stills."""
    return markdown_table(
        ['clip', 'rule', 's to alarm', 's to clear', 'flips', 'false alarms', 's without fire',
         's of them in alarm'],
        [[one.clip, one.rule.kind, _to_alarm(one.outcome),
          'stuck' if one.outcome.stuck else _seconds(one.outcome.time_to_clear),
          str(one.outcome.flips), str(one.outcome.false_alarms),
          f'{one.outcome.nofire_seconds:.1f}', f'{one.outcome.alarm_seconds:.1f}']
         for one in recorded])


def _to_alarm(found: Outcome) -> str:
    if found.missed or found.early:
        return 'missed' if found.missed else 'early'
    return _seconds(found.time_to_alarm)


def summary(study: AlarmStudy, shown: tuple[Candidate, ...], plot: str) -> str:
    """
    Write a study for people.

    :param study: what was measured.
    :param shown: the candidates that the tables show.
    :param plot: the file name of the plot.
    """
    parts = [
        f'# From frames to alarms: {study.model.rsplit("/", 1)[-1]}',
        _clips_text(study, shown[0].figures),
        *([] if study.max_missed_share is None else [choice_text(study)]),
        '## Made clips', rules_table(shown), _columns_text(),
        '## What false alarms came of', kinds_table(shown),
        '## Recorded clips and the rendered room', recorded_table(study.recorded),
        f'![Probability and alarm over time]({plot})',
        f'## {ORIGIN}', f'    {study.command}',
        f'`{study.model}`, SHA-256 `{study.model_sha256}`',
    ]
    return '\n\n'.join(parts) + '\n'


def _clips_text(study: AlarmStudy, figures: AlarmFigures) -> str:
    left_out = (f' {len(study.unreadable)} images could not be read and are left out.'
                if study.unreadable else '')
    return (
        f'A camera of 320x240 at {study.fps:g} frames a second moves over stills of the '
        f'`{study.split}` split: {figures.fires} clips in which it meets a fire for '
        f'{FIRE_SECONDS:g} s and then leaves it for {AFTER_SECONDS:g} s, and {figures.scenes} '
        f'without fire, of {NOFIRE_SECONDS:g} s each, a fifth each of {", ".join(NOFIRE_KINDS)}. '
        f'All pan, zoom and tremble, change exposure, lose frames and have grain.{left_out} '
        f'{study.frames:,} frames were answered. An hour here shows {3600 / NOFIRE_SECONDS:.0f} '
        f'scenes, chosen for being hard; a robot sees fewer and easier ones.')


def choice_text(study: AlarmStudy) -> str:
    """Return by what rule settings were chosen, and which."""
    limit = 0.0 if study.max_missed_share is None else study.max_missed_share
    rule = (f'Chosen: the fewest false alarms an hour, among the settings that miss at most '
            f'{100 * limit:g} % of the fires, raise 95 % of the alarms within {MAX_P95_TIME:g} s '
            f'and clear half of them within {MAX_CLEAR_TIME:g} s.')
    one = study.chosen
    if one is None:
        return f'{rule} None of the settings keep these limits.'
    return (f'{rule} That is on {one.on_threshold:.4g}, off {one.off_threshold:.4g}, a window of '
            f'{one.window:g} s and {one.min_frames} frames.')


def _columns_text() -> str:
    return (
        f'*missed*: no alarm within {MISSED_AFTER:g} s of the fire; *early*: in alarm already '
        'when it came, which counts as a false alarm and has no time; *flips*: the alarm went or '
        'came again during a fire, all fires together; *stuck*: it stayed when the fire was '
        'gone. In brackets the 95 % interval of a Poisson rate, which takes false alarms to be '
        'independent; those of one scene are not.')
