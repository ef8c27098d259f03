# SPDX-License-Identifier: Apache-2.0
"""Run a .tflite model on images."""

from collections.abc import Callable
from dataclasses import dataclass
import importlib
from pathlib import Path
from typing import Any

from fire_detector.images.color_image import ColorImage
from fire_detector.model.contract import ModelError
from fire_detector.model.file import read_model, StoredModel
from fire_detector.model.preprocessing import preprocess
from fire_detector.model.tensors import (
    cell_probabilities,
    check_input,
    check_outputs,
    dequantize,
    fire_probability,
    quantize,
)
import numpy as np
from numpy.typing import NDArray

# The modules that have TFLite's `Interpreter`, in the order in which they are tried: LiteRT is
# the fastest, tflite-runtime what Humble and Raspberry Pi OS have, TensorFlow the workstation's.
RUNTIMES = {
    'litert': 'ai_edge_litert.interpreter',
    'tflite': 'tflite_runtime.interpreter',
    'tensorflow': 'tensorflow.lite.python.interpreter',
}
AUTO = 'auto'


class RuntimeUnavailableError(ImportError):
    """The error where no TFLite runtime, or not the chosen one, can be imported."""


class InferenceError(RuntimeError):
    """The error of a model that gives no usable probability for an image."""


@dataclass(frozen=True)
class Prediction:
    """
    The outputs of a model for one image.

    :ivar probability: how likely it shows fire, 0..1.
    :ivar heat_map: how likely each part of it does: float32 of shape (rows, columns), 0..1, which
        has a meaning only where the image is called fire; None of a model that cannot say where.
    """

    probability: float
    heat_map: NDArray[np.float32] | None


class FireClassifier:
    """
    A model in one runtime.

    :ivar contract: of the model; its SHA-256 is that of the bytes that run.
    :ivar model_changed: whether they are not the bytes that the contract names.
    :ivar runtime: its runtime, a key of RUNTIMES.
    """

    def __init__(self, model_path: Path, runtime: str = AUTO, num_threads: int = 1,
                 read: Callable[[Path], StoredModel] = read_model) -> None:
        """
        Load a model and check it against its contract.

        :param model_path: the .tflite file, with its contract inside or beside it.
        :param runtime: a key of RUNTIMES, or 'auto' for the first that can be imported.
        :param num_threads: threads that one inference may use, at least 1.
        :param read: reads the file; :func:`read_changed_model` also where the model is not the
            one that its contract names.
        :raises ModelError: when the model cannot be used; the message names the file.
        :raises RuntimeUnavailableError: when the runtime cannot be imported.
        :raises ValueError: when `runtime` or `num_threads` is not one of those allowed.
        """
        if num_threads < 1:
            raise ValueError(f'num_threads {num_threads} is not at least 1')
        # The contract comes first: its checksum keeps damaged models from the runtimes, some of
        # which end the process on them. The interpreter gets the very bytes that were checked.
        stored = read(model_path)
        self.contract = stored.contract
        self.model_changed = stored.changed
        self.runtime, module = load_runtime(runtime)
        try:
            self._interpreter = module.Interpreter(model_content=stored.content,
                                                   num_threads=num_threads)
            # Before anything is allocated: LiteRT 2.3 ends the process on quantization by zero.
            self._input = check_input(self._interpreter.get_input_details(), stored)
            self._output, self._heat_map = check_outputs(
                self._interpreter.get_output_details(), stored)
            self._interpreter.allocate_tensors()
        except ModelError:
            raise
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f'{model_path}: refused by runtime {self.runtime}: {error}') from error

    def probability(self, image: ColorImage) -> float:
        """
        Compute the probability that an image shows fire.

        :param image: an image of any size.
        :return: probability, 0..1.
        :raises InferenceError: when the runtime fails or its output is not a number from 0 to 1.
        """
        return self.classify(image).probability

    def classify(self, image: ColorImage) -> Prediction:
        """
        Compute the probability that an image shows fire, and where.

        :param image: an image of any size.
        :return: the prediction.
        :raises InferenceError: as :meth:`predict`.
        """
        return self.predict(preprocess(image, self.contract.input_spec))

    def predict(self, tensor: NDArray[np.float32]) -> Prediction:
        """
        Compute the probability that a preprocessed image shows fire, and where.

        :param tensor: float32 of the contract's input shape, as `preprocess` makes it, also for
            a model whose input is quantized.
        :return: the prediction.
        :raises InferenceError: when the runtime fails or an output is not a number from 0 to 1.
        """
        try:
            self._interpreter.set_tensor(self._input['index'], quantize(tensor, self._input))
            self._interpreter.invoke()
            return Prediction(
                fire_probability(self._values(self._output).ravel().tolist(), self.contract),
                self._cells())
        except (ValueError, RuntimeError) as error:
            raise InferenceError(f'model {self.contract.name}: {error}') from error

    def _cells(self) -> NDArray[np.float32] | None:
        if self._heat_map is None or self.contract.heat_map is None:
            return None
        return cell_probabilities(self._values(self._heat_map), self.contract.heat_map)

    def _values(self, detail: dict[str, Any]) -> NDArray[np.float32]:
        return dequantize(self._interpreter.get_tensor(detail['index']), detail)


def load_runtime(runtime: str) -> tuple[str, Any]:
    """
    Import a runtime.

    :param runtime: a key of RUNTIMES, or 'auto' for the first that can be imported.
    :return: its key, and its module with TFLite's `Interpreter`.
    :raises RuntimeUnavailableError: when it cannot be imported.
    :raises ValueError: when there is no such key.
    """
    if runtime != AUTO and runtime not in RUNTIMES:
        raise ValueError(f'runtime {runtime!r} is not one of {(AUTO, *RUNTIMES)}')
    reasons = []
    for name in RUNTIMES if runtime == AUTO else (runtime,):
        try:
            return name, importlib.import_module(RUNTIMES[name])
        # tflite-runtime was built for numpy 1: under numpy 2 its import raises AttributeError or
        # ImportError, depending on the version of numpy.
        except (ImportError, AttributeError) as error:
            reasons.append(f'{name} ({RUNTIMES[name]}): {error}')
    raise RuntimeUnavailableError(
        'no TFLite runtime can be imported; install ai-edge-litert, or tflite-runtime for '
        'Python 3.11 and older. Tried: ' + '; '.join(reasons))
