# SPDX-License-Identifier: Apache-2.0
"""
The number formats that a model can be converted to.

https://ai.google.dev/edge/litert/models/post_training_quantization
"""

from collections.abc import Callable
import contextlib
from dataclasses import dataclass
import io
import re
from typing import Any
import warnings

import numpy as np
from numpy.typing import NDArray
import tensorflow as tf
from training.command import CommandError
from training.conversion.source_models import SourceModel

# Returns preprocessed images, float32 of shape (images, height, width, 3), from which the ranges
# of values in the network are taken.
Calibration = Callable[[], NDArray[np.float32]]


class ConverterRefusedError(CommandError):
    """A model that TensorFlow cannot convert."""


@dataclass(frozen=True)
class Variant:
    """
    A number format.

    :ivar name: the format's name.
    :ivar exact: whether its weights are those of the source, so that its predictions have to be
        the same; the other formats round them, and have to be as often right.
    :ivar prepare: sets up a converter; it is given the calibration images, or None where the
        model brings along the ranges of its values.
    """

    name: str
    exact: bool
    prepare: Callable[[Any, Calibration | None], None]

    def convert(self, source: SourceModel, calibration: Calibration) -> bytes:
        """
        Convert a model.

        :param source: the model.
        :param calibration: called when images are needed.
        :return: the bytes of a .tflite without a contract.
        :raises ConverterRefusedError: when TensorFlow cannot; the message names the operator.
        """
        converter = source.converter()
        self.prepare(converter, None if source.quantization_aware else calibration)
        # The converter prints the signature of the graph that it saves on the way.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            # It wants statistics that only TF 1 models have.
            warnings.filterwarnings('ignore', 'Statistics for quantized inputs')
            try:
                return bytes(converter.convert())
            # Besides ConverterError, whatever fails below TensorFlow's own checks.
            except Exception as error:
                raise ConverterRefusedError(f'TensorFlow cannot convert it to {self.name}: '
                                            f'{_reason(str(error))}') from error


def _reason(message: str) -> str:
    """Return the missing operators, or else the first line, of pages of compiler output."""
    missing = re.findall(r'^(?:Custom|Flex) ops: (.+)$', message, re.MULTILINE)
    if missing:
        return f'TensorFlow Lite has no operator {", ".join(missing)}'
    return message.partition('\n')[0]


def _float32(converter: Any, calibration: Calibration | None) -> None:
    pass


def _float16(converter: Any, calibration: Calibration | None) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _dynamic(converter: Any, calibration: Calibration | None) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # Otherwise dense layers come in a version that tflite-runtime 2.14 does not know.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True


def _integer(dtype: Any) -> Callable[[Any, Calibration | None], None]:
    def prepare(converter: Any, calibration: Calibration | None) -> None:
        _dynamic(converter, calibration)
        converter.inference_input_type = converter.inference_output_type = dtype
        if calibration is not None:
            images = calibration()
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.representative_dataset = lambda: ([image[np.newaxis]] for image in images)
    return prepare


VARIANTS = {variant.name: variant for variant in (
    Variant('float32', True, _float32),
    Variant('float16', False, _float16),
    Variant('dynamic', False, _dynamic),
    Variant('int8', False, _integer(tf.int8)),
    Variant('uint8', False, _integer(tf.uint8)),
)}
