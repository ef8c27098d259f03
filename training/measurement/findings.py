# SPDX-License-Identifier: Apache-2.0
"""All that is known of a model: what the other tools have left in its run folder."""

import csv
from dataclasses import dataclass
import json
from pathlib import Path
import shlex
from typing import Any

from fire_detector.model_contract import ModelContract, read_contract
from training.data.samples import Sample
from training.measurement.evaluation import Evaluation, file_sha256, read_evaluation
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


class FindingsError(ValueError):
    """Report something that has to be measured first, or cannot be read."""


@dataclass(frozen=True)
class Findings:
    """
    Hold all that is known of a model.

    :ivar model: the .tflite file.
    :ivar contract: what the file says of itself.
    :ivar config: how it was trained.
    :ivar training: what training measured.
    :ivar optimizations: what was measured where the run was trained on, if it was.
    :ivar samples: the pictures of the run, those of left-out sources too.
    :ivar sources: what is known of each source: license, origin and shows, by source.
    :ivar evaluation: what was measured of the file.
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
    conversion: dict[str, Any]


def read_findings(run: Path, model: Path, sources: Path | None = None) -> Findings:
    """
    Read what the other tools have left in a run folder.

    :param run: the run folder.
    :param model: the .tflite file, made from that run.
    :param sources: a CSV file with SOURCE_COLUMNS; None: the data folder's own, if it has one.
    :raises FindingsError: when something is missing; the message says what to run.
    :raises EvaluationError: when an evaluation in the run folder cannot be read.
    :raises ModelError: when the model cannot be used.
    :raises DatasetError: when the run's configuration or list of pictures cannot be read.
    """
    contract = read_contract(model)
    training = _read_json(run / METRICS, 'training.train')
    config = read_config(run)
    own = Path(config.data) / SOURCES
    if sources is None and own.is_file():
        sources = own
    return Findings(
        model=model, contract=contract, config=config, training=training,
        optimizations=[_read_json(run / name / METRICS, 'training.optimize')
                       for name in (QUANTIZATION_AWARE, PRUNED) if (run / name).is_dir()],
        samples=read_samples(run), sources={} if sources is None else read_sources(sources),
        evaluation=_read_evaluation(run, model, config),
        conversion=_read_json(run / CONVERSIONS / CONVERSION_FIGURES, 'training.convert --all'))


def read_sources(path: Path) -> dict[str, dict[str, str]]:
    """
    Read what is known of the sources of pictures.

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


def _read_evaluation(run: Path, model: Path, config: TrainingConfig) -> Evaluation:
    """Find the evaluation of the very bytes of a model, on the test pictures of its run."""
    digest = file_sha256(model)
    for path in sorted((run / EVALUATION).glob(f'*/{METRICS}')):
        evaluation = read_evaluation(path)
        if (evaluation.model_sha256, evaluation.data, evaluation.sources, evaluation.split) == (
                digest, config.data, (), 'test'):
            return evaluation
    words = ['python', '-m', 'training.evaluate', str(model)]
    if run.resolve() not in model.resolve().parents:
        words += ['--data', config.data, '--out', str(run / EVALUATION / model.name)]
    raise FindingsError(f'{run / EVALUATION}: no evaluation of the bytes of {model} on test; '
                        f'run {shlex.join(words)}')
