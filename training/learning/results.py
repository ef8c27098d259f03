# SPDX-License-Identifier: Apache-2.0
"""The results of a training: the model in every format, its contract and its metrics."""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import dataclasses
import logging
from pathlib import Path
from typing import Any

from fire_detector.model.contract import contract_to_json, ModelContract
from fire_detector.model.file import sidecar_path
import numpy as np
from training.conversion.source_models import load_source
from training.data.loading import load_tensors
from training.data.samples import Sample
from training.measurement.metrics import for_contract, measure_by_source, Metrics
from training.measurement.predictions import predictions_of, write_predictions
from training.run_folder import H5_MODEL, METRICS, PREDICTIONS, SAVED_MODEL, write_json


def save_formats(model: Any, folder: Path) -> None:
    """Save a Keras model as .h5 and as a SavedModel too."""
    with _without_advice():
        model.save(folder / H5_MODEL)
    model.export(folder / SAVED_MODEL, verbose=False)


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """Silence the warning of Keras that a .h5, which is wanted, is legacy."""
    logger = logging.getLogger('absl')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def write_results(model: Path, contract: ModelContract, splits: Mapping[str, Sequence[Sample]],
                  about: Mapping[str, Any]) -> dict[str, dict[str, Metrics]]:
    """
    Measure a saved model, and write its metrics and its contract beside it.

    :param model: the .keras file or SavedModel folder, without a contract yet.
    :param contract: what it expects and means; the metrics of `test` are added to its own.
    :param splits: the images to measure on, by name.
    :param about: what else metrics.json is to hold.
    :return: the metrics by name of the split, overall and by source, at the contract's threshold.
    """
    sidecar = sidecar_path(model)
    sidecar.write_text(contract_to_json(contract), encoding='utf-8')
    source = load_source(model)
    predicted = {name: source.outputs(load_tensors(samples, contract.input_spec)).probability
                 for name, samples in splits.items() if samples}
    measured = {name: measure_by_source(found, splits[name], contract.threshold)
                for name, found in predicted.items()}
    sidecar.write_text(contract_to_json(dataclasses.replace(
        contract, metrics={**contract.metrics, **for_contract(measured['test']['overall'])})),
        encoding='utf-8')
    write_predictions(predictions_of(
        [dataclasses.replace(sample, split=name)
         for name in predicted for sample in splits[name]],
        np.concatenate(list(predicted.values()))), model.parent / PREDICTIONS)
    write_json(model.parent / METRICS, dict(about) | {
        split: {source: dataclasses.asdict(found) for source, found in by_source.items()}
        for split, by_source in measured.items()})
    return measured
