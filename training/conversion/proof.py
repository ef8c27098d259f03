# SPDX-License-Identifier: Apache-2.0
"""Convert a model, and prove on real images that the result predicts what the source does."""

from collections.abc import Sequence
import dataclasses
import functools
from pathlib import Path
import tempfile

from fire_detector.model.classifier import load_runtime
from fire_detector.model.contract import ModelContract
from fire_detector.model.file import append_contract
import numpy as np
from numpy.typing import NDArray
from training.command import CommandError
from training.conversion.predict import outputs
from training.conversion.runtimes import REQUIRED_RUNTIMES
from training.conversion.source_models import SourceModel
from training.conversion.table import Conversion
from training.conversion.variants import Variant
from training.data.loading import load_tensors
from training.data.samples import DatasetError, FIRE, LABELS, labels_of, Sample
from training.measurement.metrics import for_contract, measure, Metrics

# Largest difference of a probability from the source's, and of the accuracy from the source's.
MAX_DIFFERENCE = 1e-3
MAX_ACCURACY_CHANGE = 0.01
# Of the cells of a heat map whose values are rounded.
MAX_MEAN_CELL_DIFFERENCE = 0.02
LEAST_IMAGES = 10
CALIBRATION_IMAGES = 100  # of each class; TensorFlow's guide asks for 100 to 500 together


class ConversionError(CommandError):
    """A result whose predictions are not those of its source."""


class Proof:
    """
    The predictions of a source model on real images, which its conversions must repeat.

    :ivar source: the model.
    :ivar compared: the images on which source and results have to agree.
    :ivar expected: float64 of shape (len(compared),): the source's fire probabilities.
    :ivar metrics: their metrics, at the contract's threshold.
    """

    def __init__(self, source: SourceModel, compared: Sequence[Sample],
                 training: Sequence[Sample]) -> None:
        """
        Compute the predictions of the source.

        :param source: the model.
        :param compared: images on which source and results have to agree.
        :param training: images that calibration may choose from.
        :raises DatasetError: when the images are too few to prove anything.
        :raises ModelError: when the outputs of the source are no probabilities.
        """
        self.source = source
        self.compared = list(compared)
        self._training = list(training)
        if len(self.compared) < LEAST_IMAGES:
            raise DatasetError(f'{len(self.compared)} images in test are too few to compare '
                               f'on; at least {LEAST_IMAGES} are needed')
        self._fire = labels_of(compared) == FIRE
        self._threshold = source.contract.threshold
        outputs = source.outputs(load_tensors(self.compared, source.contract.input_spec))
        self.expected, self._maps = outputs.probability, outputs.heat_maps
        self.metrics = self._measure(self.expected)

    def convert(self, variant: Variant, out: Path) -> Conversion:
        """
        Convert the source, and write the result once it is proven.

        :param variant: the number format.
        :param out: the .tflite file to write, with the contract in it; it is left as it was when
            anything fails.
        :return: what was measured of it.
        :raises ConverterRefusedError: when TensorFlow cannot convert the model.
        :raises RuntimeRefusedError: when a runtime refuses the result.
        :raises ConversionError: when its predictions are not those of the source.
        """
        model = variant.convert(self.source, lambda: self.calibration)
        out.parent.mkdir(parents=True, exist_ok=True)
        # In the folder of the result, so that the last step is a rename within one file system.
        with tempfile.TemporaryDirectory(dir=out.parent) as folder:
            candidate = Path(folder) / out.name
            contract = _with_place(self.source.contract, model)
            _write(candidate, model, contract)
            predicted = {}
            for runtime in REQUIRED_RUNTIMES:
                found = outputs(candidate, self.compared, runtime)
                self._check(runtime, found.probability, variant)
                if found.heat_maps is not None and self._maps is not None:
                    self._check_maps(runtime, np.abs(found.heat_maps - self._maps), variant)
                predicted[runtime] = found.probability
            litert = predicted['litert']
            conversion = Conversion(
                metrics=self._measure(litert),
                differences={runtime: self._difference(found)
                             for runtime, found in predicted.items()},
                changed_decisions=int(((litert >= self._threshold)
                                       != (self.expected >= self._threshold)).sum()))
            _write(candidate, model, dataclasses.replace(
                contract, metrics={**contract.metrics, **for_contract(conversion.metrics)}))
            candidate.replace(out)
        return conversion

    @functools.cached_property
    def calibration(self) -> NDArray[np.float32]:
        """Return the same training images each time, as many of one class as of the other."""
        rng = np.random.default_rng(0)
        chosen: list[Sample] = []
        for label in range(len(LABELS)):
            of_label = [sample for sample in self._training if sample.label == label]
            chosen += [of_label[index] for index in
                       rng.permutation(len(of_label))[:CALIBRATION_IMAGES]]
        return load_tensors(chosen, self.source.contract.input_spec)

    def _measure(self, probability: NDArray[np.float64]) -> Metrics:
        return measure(probability, self._fire, self._threshold)

    def _difference(self, found: NDArray[np.float64]) -> float:
        return float(np.abs(found - self.expected).max())

    def _check(self, runtime: str, found: NDArray[np.float64], variant: Variant) -> None:
        difference = self._difference(found)
        if variant.exact and not difference <= MAX_DIFFERENCE:
            raise ConversionError(
                f'{runtime} differs from the source by {difference:.2g} on '
                f'{len(found)} images, allowed for {variant.name} is {MAX_DIFFERENCE:g}')
        accuracy = self._measure(found).accuracy
        # One image is more than a point where there are fewer than a hundred.
        allowed = max(MAX_ACCURACY_CHANGE, 1 / len(found)) + 1e-9
        if not abs(accuracy - self.metrics.accuracy) <= allowed:
            raise ConversionError(
                f'{runtime} calls {accuracy:.1%} of {len(found)} images right and the source '
                f'{self.metrics.accuracy:.1%}, allowed for {variant.name} is a change of '
                f'{allowed:.1%}')

    def _check_maps(self, runtime: str, differences: NDArray[np.float32],
                    variant: Variant) -> None:
        difference, allowed, which = (
            (differences.max(), MAX_DIFFERENCE, 'at most') if variant.exact
            else (differences.mean(), MAX_MEAN_CELL_DIFFERENCE, 'on average'))
        if not difference <= allowed:
            raise ConversionError(
                f'the heat map of {runtime} differs from the source by {difference:.2g} {which} '
                f'on {len(differences)} images, allowed for {variant.name} is {allowed:g}')


def _with_place(contract: ModelContract, model: bytes) -> ModelContract:
    """Return a contract that says which output of a converted model is the heat map."""
    if contract.heat_map is None:
        return contract
    # TensorFlow chooses the order of the outputs.
    _, module = load_runtime('litert')
    details = module.Interpreter(model_content=model).get_output_details()
    sizes = [int(np.prod(detail['shape'])) for detail in details]
    cells = contract.heat_map.rows * contract.heat_map.columns
    if sorted(sizes) != sorted([1, cells]):
        raise ConversionError(f'outputs of {sizes} values, expected a probability and a heat map '
                              f'of {cells} cells')
    return dataclasses.replace(contract, heat_map=dataclasses.replace(
        contract.heat_map, output=sizes.index(cells)))


def _write(path: Path, model: bytes, contract: ModelContract) -> None:
    path.write_bytes(model)
    append_contract(path, contract)
