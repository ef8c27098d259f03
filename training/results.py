# SPDX-License-Identifier: Apache-2.0
"""What a training leaves behind: the model in every format, its contract and its metrics."""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import dataclasses
import logging
from pathlib import Path
from typing import Any

from fire_detector.model_contract import contract_to_json, ModelContract, sidecar_path
from training.conversion.source_models import load_source
from training.data.loading import load_tensors
from training.data.samples import Sample
from training.measurement.metrics import for_contract, measure_by_source, Metrics
from training.run_folder import H5_MODEL, METRICS, SAVED_MODEL, write_json


def save_formats(model: Any, folder: Path) -> None:
    """Save a Keras model as .h5 and as a SavedModel too."""
    with _without_advice():
        model.save(folder / H5_MODEL)
    model.export(folder / SAVED_MODEL, verbose=False)


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """Keep Keras from saying of a .h5, which is wanted, that it is legacy."""
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
    :param contract: what it expects and means; its metrics are replaced by those of `test`.
    :param splits: the pictures to measure on, by name.
    :param about: what else metrics.json is to say.
    :return: the metrics by name of the split, overall and by source, at the contract's threshold.
    """
    sidecar = sidecar_path(model)
    sidecar.write_text(contract_to_json(contract), encoding='utf-8')
    source = load_source(model)
    measured = {
        name: measure_by_source(
            source.fire_probability(load_tensors(samples, contract.input_spec)), samples,
            contract.alarm.on_threshold)
        for name, samples in splits.items() if samples}
    sidecar.write_text(contract_to_json(dataclasses.replace(
        contract, metrics=for_contract(measured['test']['overall']))), encoding='utf-8')
    write_json(model.parent / METRICS, dict(about) | {
        split: {source: dataclasses.asdict(found) for source, found in by_source.items()}
        for split, by_source in measured.items()})
    return measured
