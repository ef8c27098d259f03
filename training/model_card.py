# SPDX-License-Identifier: Apache-2.0
"""
Write what is known of a model, from what the other tools have measured.

`python -m training.model_card runs/firenet resource/models/firenet.tflite`
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
import dataclasses
from pathlib import Path
import shlex
import sys

from fire_detector.model.contract import ModelContract, ModelError
from training.conversion.table import format_conversions
from training.data.samples import DatasetError, LABELS, SPLITS
from training.markdown import markdown_table
from training.measurement.evaluation import (
    calibration_table,
    estimate_text,
    Evaluation,
    EvaluationError,
    figures_table,
    images_text,
    intervals_text,
    mistakes_text,
    source_table,
    threshold_table,
)
from training.measurement.findings import (
    Findings,
    FindingsError,
    read_findings,
    SOURCE_COLUMNS,
    SOURCES,
)
from training.measurement.intervals import Estimate
from training.measurement.metrics import format_table, Metrics

NOT_STATED = 'not stated'
LIMITS_OF_LABELS = (
    'The labels say whether an image shows fire, not whether the fire is wanted: a candle, a '
    'stove or a campfire counts as fire. Nor do they say how far away or how large it is.')


def model_card(findings: Findings, command: str) -> str:
    """
    Write the card.

    :param findings: what it is written from.
    :param command: the command line that asked for it.
    :return: Markdown.
    """
    contract, evaluation = findings.contract, findings.evaluation
    parts = [
        f'# {contract.name} {contract.version}',
        f'Tells from one image how likely it is that it shows fire. `{findings.model.name}`: '
        f'{evaluation.model_bytes:,} bytes, SHA-256 `{evaluation.model_sha256}`. Every figure '
        f'here was measured by the commands at the end.',
        '## Input, output and alarm', _contract_table(contract),
        '## How good it is', f'{images_text(evaluation)} {mistakes_text(evaluation)}',
        figures_table(evaluation), intervals_text(evaluation),
        source_table(evaluation), *_left_out(findings),
        '### Other thresholds', threshold_table(evaluation),
        '### Calibration',
        'Whether a fire probability means what it says: of the images with a probability of '
        '0.8, four in five should show fire.',
        calibration_table(evaluation),
        '## Known failures', _failures(evaluation),
        *(('### Worst mistakes', findings.mistakes) if findings.mistakes else ()),
        *(part for supplement in findings.supplements
          for part in (f'## {supplement.heading}', supplement.text)),
        '## Data', 'Images by split, fire and no fire.', _data_table(findings),
        _source_table(findings),
        '## Training', _training_table(findings),
        '## Size and speed', _variants(findings),
        '## Commands', _commands(findings, command),
    ]
    return '\n\n'.join(parts) + '\n'


def _contract_table(contract: ModelContract) -> str:
    spec, alarm = contract.input_spec, contract.alarm
    return markdown_table(['', ''], [
        ['input', f'{spec.width}x{spec.height} pixels, {spec.color_order}; pixel * '
                  f'{spec.scale:.6g} + {spec.offset:g}'],
        ['resizing', f'{spec.resize}, {spec.interpolation}'],
        ['output', f'{contract.output}; labels {", ".join(contract.labels)}'],
        ['threshold', f'an image is called fire at {contract.threshold:g} or more'
                      f'{_chosen(contract)}'],
        ['alarm', f'raised when the median of {alarm.window:g} s, of at least '
                  f'{alarm.min_frames} images, reaches {alarm.on_threshold:g}; cleared below '
                  f'{alarm.off_threshold:g}'],
    ])


def _chosen(contract: ModelContract) -> str:
    """Explain what the threshold was chosen for, where it was."""
    names = [f'val_false_alarm_rate{end}' for end in ('', '_low', '_high')]
    rate, low, high = (contract.metrics.get(name) for name in names)
    if rate is None or low is None or high is None:
        return ''
    return (f': chosen on `val`, where it calls {rate:.3f} ({low:.3f} to {high:.3f}) of the '
            f'images without fire so, each group counting as one')


def _left_out(findings: Findings) -> list[str]:
    """Explain how good it was on sources that it has never seen, where that was measured."""
    if 'left_out' not in findings.training:
        return []
    return [f'On sources kept from training altogether, before conversion, at '
            f'{findings.contract.threshold:g}:',
            format_table({source: Metrics(**found)
                          for source, found in findings.training['left_out'].items()})]


def _failures(evaluation: Evaluation) -> str:
    """List the sources that are worse than all together, and what the labels leave open."""
    lines = [f'More false alarms on `{source}`: {estimate_text(rate)}, overall '
             f'{estimate_text(overall)}.'
             for source, rate, overall in _rates(evaluation, 'false_alarm_rate')
             if rate.value > overall.high]
    lines += [f'Lower recall on `{source}`: {estimate_text(rate)}, overall '
              f'{estimate_text(overall)}.'
              for source, rate, overall in _rates(evaluation, 'recall')
              if rate.value < overall.low]
    return '\n'.join(f'- {line}' for line in (*lines, LIMITS_OF_LABELS))


def _rates(evaluation: Evaluation, name: str) -> Iterator[tuple[str, Estimate, Estimate]]:
    """Return each source where a rate was measured, the rate there, and the rate overall."""
    overall = evaluation.overall.estimates[name]
    for source, found in evaluation.figures.items():
        rate = found.estimates[name]
        if rate is not None and overall is not None:
            yield source, rate, overall


def _data_table(findings: Findings) -> str:
    counts = Counter((sample.source, sample.split, sample.label) for sample in findings.samples)
    groups = {source: len({sample.group for sample in findings.samples
                           if sample.source == source})
              for source in sorted({sample.source for sample in findings.samples})}
    rows = []
    for source, number in groups.items():
        cells = [' + '.join(str(counts[source, split, label]) for label in range(len(LABELS)))
                 for split in SPLITS]
        left_out = 'left out' if source in findings.config.leave_out else ''
        rows.append([source, *cells, str(number), left_out])
    return markdown_table(['source', *SPLITS, 'groups', ''], rows)


def _source_table(findings: Findings) -> str:
    return markdown_table(list(SOURCE_COLUMNS), [
        [source, *(findings.sources.get(source, {}).get(column) or NOT_STATED
                   for column in SOURCE_COLUMNS[1:])]
        for source in sorted({sample.source for sample in findings.samples})])


def _training_table(findings: Findings) -> str:
    """Lay out the settings, and what training says of itself, under the names they have there."""
    settings = dataclasses.asdict(findings.config)
    del settings['data']
    measured = {'parameters': findings.training['parameters'],
                'h5_bytes': findings.training['h5_bytes'],
                **findings.training.get('training', {})}
    return markdown_table(['', ''], [
        [name, ', '.join(value) or 'none' if isinstance(value, tuple) else
         f'{value:,}' if name in measured else str(value)]
        for name, value in (settings | measured).items()])


def _variants(findings: Findings) -> str:
    """Lay out what was measured of every variant, and on which machine."""
    conversion = findings.conversion
    rows = conversion['rows']
    this = [row['variant'] for row in rows if not row['refused'] and (
        row['file'], row['bytes']) == (findings.model.name, findings.evaluation.model_bytes)]
    versions = next((', '.join(f'{runtime} {found["version"]}'
                               for runtime, found in row['runtimes'].items())
                     for row in rows if not row['refused']), 'no runtime')
    on_a_pi = '' if 'Raspberry Pi' in conversion['machine'] else ' Not measured on a Pi.'
    return '\n\n'.join((
        format_conversions(rows),
        f'This file is the variant {" or ".join(this) or "of none of these rows"}. Accuracy and '
        f'ROC AUC are on {conversion["images"]} images of the `{conversion["split"]}` split. '
        f'A changed decision, and the largest difference of a probability, are against '
        f'`{Path(conversion["source"]).name}` or the optimized network. Milliseconds are the '
        f'median of single inferences with {versions}, on {conversion["machine"]}.{on_a_pi}'))


def _commands(findings: Findings, command: str) -> str:
    """List the commands in the order in which they are run; the data folder is called DATA."""
    commands = (findings.training['command'],
                *(optimization['command'] for optimization in findings.optimizations),
                findings.conversion['command'], findings.evaluation.command,
                *(supplement.command for supplement in findings.supplements), command)
    return '\n'.join('    ' + shlex.join('DATA' if word == findings.config.data else word
                                         for word in shlex.split(line))
                     for line in commands)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the card that the command line asks for; return the exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog='python -m training.model_card', description=__doc__)
    parser.add_argument('run', metavar='RUN', type=Path, help='folder of the training run')
    parser.add_argument('model', metavar='MODEL', type=Path, help='.tflite file made from it')
    parser.add_argument('--sources', metavar='FILE', type=Path,
                        help=f'CSV file with the columns {", ".join(SOURCE_COLUMNS)} '
                             f"(default: the data folder's {SOURCES}, if it has one)")
    options = parser.parse_args(words)
    try:
        text = model_card(read_findings(options.run, options.model, options.sources),
                          shlex.join(['python', '-m', 'training.model_card', *words]))
    except (DatasetError, EvaluationError, FindingsError, ModelError, OSError) as error:
        print(f'training.model_card: {error}', file=sys.stderr)
        return 1
    except KeyError as error:
        print(f'training.model_card: {options.run}: no {error} in its JSON files, which are of '
              f'another version; run training.train and training.convert --all again',
              file=sys.stderr)
        return 1
    card = options.model.with_suffix('.md')
    card.write_text(text, encoding='utf-8')
    print(f'The card is in {card}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
