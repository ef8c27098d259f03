# SPDX-License-Identifier: Apache-2.0
"""Run a .tflite model on pictures."""

import importlib
import math
from pathlib import Path
from typing import Any

from fire_detector.model_contract import ModelContract, ModelError, read_contract
from fire_detector.picture import Picture
from fire_detector.preprocessing import preprocess
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
    """Report that no TFLite runtime, or not the one asked for, can be imported."""


class InferenceError(RuntimeError):
    """Report that a model gave no usable probability for a picture."""


class FireClassifier:
    """Tell how likely it is that a picture shows fire, by one model in one runtime."""

    def __init__(self, model_path: Path, runtime: str = AUTO, num_threads: int = 1) -> None:
        """
        Load a model and check it against its contract.

        :param model_path: the .tflite file, with its contract inside or beside it.
        :param runtime: a key of RUNTIMES, or 'auto' for the first that can be imported.
        :param num_threads: threads that one inference may use, at least 1.
        :raises ModelError: when the model cannot be used; the message names the file.
        :raises RuntimeUnavailableError: when the runtime cannot be imported.
        :raises ValueError: when `runtime` or `num_threads` is not one of those allowed.
        """
        if num_threads < 1:
            raise ValueError(f'num_threads {num_threads} is not at least 1')
        # The contract comes first: its checksum keeps damaged models from the runtimes, some of
        # which end the process on them.
        self.contract: ModelContract = read_contract(model_path)
        self.runtime, module = _load_runtime(runtime)
        try:
            self._interpreter = module.Interpreter(model_path=str(model_path),
                                                   num_threads=num_threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f'{model_path}: refused by runtime {self.runtime}: {error}') from error
        self._input = _only(self._interpreter.get_input_details(), model_path, 'input')
        self._output = _only(self._interpreter.get_output_details(), model_path, 'output')
        _check_shape(self._input, self.contract.input_shape, model_path, 'input')
        _check_shape(self._output, self.contract.output_shape, model_path, 'output')

    def probability(self, picture: Picture) -> float:
        """
        Tell how likely it is that a picture shows fire.

        :param picture: a picture of any size.
        :return: probability, 0..1.
        :raises InferenceError: when the runtime fails or its answer is not a number from 0 to 1.
        """
        return self.answer(preprocess(picture, self.contract.input_spec))

    def answer(self, tensor: NDArray[np.float32]) -> float:
        """
        Tell how likely it is that a preprocessed picture shows fire.

        :param tensor: float32 of the contract's input shape, as `preprocess` makes it, also for
            a model whose input is quantized.
        :return: probability, 0..1.
        :raises InferenceError: when the runtime fails or its answer is not a number from 0 to 1.
        """
        try:
            self._interpreter.set_tensor(self._input['index'], _quantize(tensor, self._input))
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise InferenceError(f'model {self.contract.name} failed: {error}') from error
        output = _dequantize(self._interpreter.get_tensor(self._output['index']), self._output)
        value = float(output[0, self.contract.fire_index])
        if not (math.isfinite(value) and -1e-3 <= value <= 1.0 + 1e-3):
            raise InferenceError(f'model {self.contract.name} answered {value}, '
                                 f'which is no probability')
        return min(max(value, 0.0), 1.0)


def _try_import(name: str) -> tuple[Any, str]:
    """Import a runtime; return (module, '') or (None, reason)."""
    try:
        return importlib.import_module(RUNTIMES[name]), ''
    # tflite-runtime was built for numpy 1: under numpy 2 its import raises AttributeError or
    # ImportError, depending on the version of numpy.
    except (ImportError, AttributeError) as error:
        return None, f'{name} ({RUNTIMES[name]}): {error}'


def _load_runtime(runtime: str) -> tuple[str, Any]:
    if runtime != AUTO and runtime not in RUNTIMES:
        raise ValueError(f'runtime {runtime!r} is not one of {(AUTO, *RUNTIMES)}')
    reasons = []
    for name in RUNTIMES if runtime == AUTO else (runtime,):
        module, reason = _try_import(name)
        if module is not None:
            return name, module
        reasons.append(reason)
    raise RuntimeUnavailableError(
        'no TFLite runtime can be imported; install ai-edge-litert, or tflite-runtime for '
        'Python 3.11 and older. Tried: ' + '; '.join(reasons))


def _only(details: list[dict[str, Any]], model_path: Path, kind: str) -> dict[str, Any]:
    if len(details) != 1:
        raise ModelError(f'{model_path}: has {len(details)} {kind} tensors, expected 1')
    return details[0]


def _check_shape(detail: dict[str, Any], expected: tuple[int, ...], model_path: Path,
                 kind: str) -> None:
    found = tuple(int(size) for size in detail['shape'])
    if found != expected:
        raise ModelError(f'{model_path}: its {kind} tensor has shape {found}, '
                         f'its contract says {expected}')
    if detail['dtype'] not in (np.float32, np.uint8, np.int8):
        raise ModelError(f'{model_path}: its {kind} tensor is {np.dtype(detail["dtype"])}, '
                         f'expected float32, uint8 or int8')


def _quantize(tensor: NDArray[np.float32], detail: dict[str, Any]) -> NDArray[Any]:
    """Apply q = round(x / scale) + zero_point (https://ai.google.dev/edge/litert/models)."""
    if detail['dtype'] == np.float32:
        return tensor
    scale, zero_point = detail['quantization']
    limits = np.iinfo(detail['dtype'])
    quantized = np.rint(tensor / scale) + zero_point
    return np.asarray(np.clip(quantized, limits.min, limits.max), dtype=detail['dtype'])


def _dequantize(tensor: NDArray[Any], detail: dict[str, Any]) -> NDArray[np.float32]:
    """Apply x = (q - zero_point) * scale, the inverse of :func:`_quantize`."""
    if detail['dtype'] == np.float32:
        return np.asarray(tensor, dtype=np.float32)
    scale, zero_point = detail['quantization']
    return np.asarray((tensor.astype(np.int32) - zero_point) * scale, dtype=np.float32)
