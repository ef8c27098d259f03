# SPDX-License-Identifier: Apache-2.0
"""All that is known of a model: what the other tools have left in its run folder."""

import csv
from dataclasses import dataclass
import json
from pathlib import Path
import shlex
from typing import Any

from fire_detector.model.contract import ModelContract
from fire_detector.model.file import read_contract
from training.data.samples import Sample
from training.markdown import below_heading
from training.measurement.evaluation import Evaluation, file_sha256, read_evaluation
from training.measurement.mistakes import PAGE as MISTAKES
from training.run_folder import (
    CONVERSION_FIGURES,
    CONVERSIONS,
    EVALUATION,
    METRICS,
    PRUNED,
    QUANTIZATION_AWARE,
    read_config,
    read_samples,
    TrainingConfig,
)

SOURCES = 'sources.csv'
SOURCE_COLUMNS = ('source', 'license', 'origin', 'shows')
# Further measurements, in the order of the card: the stem of their .md and .json beside the
# evaluation, and the heading that they have in the card. `training.STEM` makes them.
SUPPLEMENTS = {
    'small_fires': 'Small fires',
    'alarms': 'From images to alarms',
    'robustness': 'What it cannot take',
}


class FindingsError(ValueError):
    """Report something that has to be measured first, or cannot be read."""


@dataclass(frozen=True)
class Supplement:
    """
    What a further tool has measured of a model.

    :ivar heading: what it is about.
    :ivar text: Markdown that stands below the heading.
    :ivar command: the command line that measured it.
    """

    heading: str
    text: str
    command: str


@dataclass(frozen=True)
class Findings:
    """
    All that is known of a model.

    :ivar model: the .tflite file.
    :ivar contract: what the file says of itself.
    :ivar config: how it was trained.
    :ivar training: what training measured.
    :ivar optimizations: what was measured where the run was trained on, if it was.
    :ivar samples: the images of the run, those of left-out sources too.
    :ivar sources: what is known of each source: license, origin and shows, by source.
    :ivar evaluation: what was measured of the file.
    :ivar mistakes: Markdown that names the worst mistakes; empty for an older evaluation.
    :ivar supplements: what further tools have measured of the file, as far as they were run.
    :ivar conversion: what was measured of all its variants.
    """

    model: Path
    contract: ModelContract
    config: TrainingConfig
    training: dict[str, Any]
    optimizations: list[dict[str, Any]]
    samples: list[Sample]
    sources: dict[str, dict[str, str]]
    evaluation: Evaluation
    mistakes: str
    supplements: tuple[Supplement, ...]
    conversion: dict[str, Any]


def read_findings(run: Path, model: Path, sources: Path | None = None) -> Findings:
    """
    Read what the other tools have left in a run folder.

    :param run: the run folder.
    :param model: the .tflite file, made from that run.
    :param sources: a CSV file with SOURCE_COLUMNS; None: the data folder's own, if it has one.
    :raises FindingsError: when something is missing, or was measured of another file; the message
        says what to run.
    :raises EvaluationError: when an evaluation in the run folder cannot be read.
    :raises ModelError: when the model cannot be used.
    :raises DatasetError: when the run's configuration or list of images cannot be read.
    """
    contract = read_contract(model)
    training = _read_json(run / METRICS, 'training.train')
    config = read_config(run)
    own = Path(config.data) / SOURCES
    if sources is None and own.is_file():
        sources = own
    folder = _evaluation_folder(run, model, config)
    return Findings(
        model=model, contract=contract, config=config, training=training,
        optimizations=[_read_json(run / name / METRICS, 'training.optimize')
                       for name in (QUANTIZATION_AWARE, PRUNED) if (run / name).is_dir()],
        samples=read_samples(run), sources={} if sources is None else read_sources(sources),
        evaluation=read_evaluation(folder / METRICS), mistakes=_read_mistakes(folder),
        supplements=_read_supplements(folder, run, model, config),
        conversion=_read_json(run / CONVERSIONS / CONVERSION_FIGURES, 'training.convert --all'))


def read_sources(path: Path) -> dict[str, dict[str, str]]:
    """
    Read what is known of the sources of images.

    :param path: a CSV file with SOURCE_COLUMNS.
    :return: license, origin and shows, by source.
    :raises FindingsError: when it cannot be read or lacks a column.
    """
    try:
        with path.open(newline='', encoding='utf-8-sig') as file:
            return {row['source']: {column: row[column] for column in SOURCE_COLUMNS[1:]}
                    for row in csv.DictReader(file)}
    except KeyError as error:
        raise FindingsError(f'{path}: no column {error}, expected are '
                            f'{", ".join(SOURCE_COLUMNS)}') from error
    except (OSError, UnicodeDecodeError) as error:
        raise FindingsError(f'{path}: cannot be read: {error}') from error


def _read_json(path: Path, tool: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        return found
    except (OSError, ValueError) as error:
        raise FindingsError(f'{path}: cannot be read ({error}); '
                            f'python -m {tool} writes it') from error


def _evaluation_folder(run: Path, model: Path, config: TrainingConfig) -> Path:
    """Find the evaluation of the very bytes of a model, on the test images of its run."""
    digest = file_sha256(model)
    for path in sorted((run / EVALUATION).glob(f'*/{METRICS}')):
        evaluation = read_evaluation(path)
        if (evaluation.model_sha256, evaluation.data, evaluation.sources, evaluation.split) == (
                digest, config.data, (), 'test'):
            return path.parent
    command = _command('evaluate', run, model, config, run / EVALUATION / model.name)
    raise FindingsError(f'{run / EVALUATION}: no evaluation of the bytes of {model} on test; '
                        f'run {command}')


def _command(tool: str, run: Path, model: Path, config: TrainingConfig, folder: Path) -> str:
    """Return the command that measures a model into its folder."""
    words = ['python', '-m', f'training.{tool}', str(model)]
    if run.resolve() not in model.resolve().parents:
        words += ['--data', config.data, '--out', str(folder)]
    return shlex.join(words)


def _read_mistakes(folder: Path) -> str:
    path = folder / MISTAKES
    return below_heading(path.read_text(encoding='utf-8')) if path.is_file() else ''


def _read_supplements(folder: Path, run: Path, model: Path,
                      config: TrainingConfig) -> tuple[Supplement, ...]:
    """Read what was measured of the very bytes of a model; nothing of it has to be there."""
    digest, found = file_sha256(model), []
    for stem, heading in SUPPLEMENTS.items():
        text, figures = folder / f'{stem}.md', folder / f'{stem}.json'
        if not text.exists() and not figures.exists():
            continue
        try:
            fields = json.loads(figures.read_text(encoding='utf-8'))
            if fields['model_sha256'] != digest:
                raise ValueError('it is of another file')
            found.append(Supplement(heading, below_heading(text.read_text(encoding='utf-8')),
                                    fields['command']))
        except (OSError, KeyError, TypeError, ValueError) as error:
            reason = f'no {error}' if isinstance(error, KeyError) else error
            raise FindingsError(f'{figures}: cannot be used ({reason}); run '
                                f'{_command(stem, run, model, config, folder)}') from error
    return tuple(found)
