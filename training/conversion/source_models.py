# SPDX-License-Identifier: Apache-2.0
"""Trained models in the formats of Keras and of TensorFlow 1 and 2."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fire_detector.model.contract import ModelContract, ModelError
from fire_detector.model.file import read_sidecar
from fire_detector.model.tensors import cell_probabilities, fire_probability
from google.protobuf.message import DecodeError
import keras
import numpy as np
from numpy.typing import NDArray
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from training.conversion.runtimes import Outputs

KERAS_SUFFIXES = frozenset(('.keras', '.h5'))
FROZEN_GRAPH_SUFFIX = '.pb'
BATCH = 64
# What the toolkit leaves in a graph where values are rounded as the integer model will.
FAKE_QUANTIZATION = 'FakeQuantWithMinMaxVars'


@dataclass(frozen=True)
class GraphNodes:
    """
    The two ends of a TF 1 graph.

    :ivar start: node that takes the images, as `name` or `name:0`.
    :ivar end: node of the probabilities, likewise.
    """

    start: str
    end: str


@dataclass(frozen=True)
class SourceModel:
    """
    A trained model of any format.

    :ivar contract: what it expects and means; read from the file beside it.
    :ivar predict: maps float32 of shape (batch, height, width, channels) to the outputs, each
        float32 of shape (batch, ...), in the model's order.
    :ivar converter: makes a fresh TFLite converter for it.
    :ivar quantization_aware: whether it was trained with rounded values, and knows the ranges of
        all of them.
    """

    contract: ModelContract
    predict: Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]
    converter: Callable[[], Any]
    quantization_aware: bool = False

    def outputs(self, tensors: NDArray[np.float32]) -> Outputs:
        """
        Return how likely fire is, and where.

        :param tensors: float32 of shape (images, height, width, channels), preprocessed.
        :raises ModelError: when the model does not take such images, or its outputs are not
            what the contract says.
        """
        try:
            outputs = [np.concatenate(parts) for parts in zip(*(
                self.predict(tensors[start:start + BATCH])
                for start in range(0, len(tensors), BATCH)), strict=True)]
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            raise ModelError(f'model {self.contract.name} does not take images of shape '
                             f'{tensors.shape[1:]}, which its contract says: {error}') from error
        heat_map = self.contract.heat_map
        if len(outputs) != (1 if heat_map is None else 2):
            raise ModelError(f'model {self.contract.name}: has {len(outputs)} outputs; its '
                             f'contract has {"no" if heat_map is None else "a"} heat map')
        try:
            if heat_map is None:
                return Outputs(self._probability(outputs[0]), None)
            return Outputs(self._probability(outputs[1 - heat_map.output]), np.stack([
                cell_probabilities(cells, heat_map) for cells in outputs[heat_map.output]]))
        except ValueError as error:
            raise ModelError(f'model {self.contract.name}: {error}') from error

    def _probability(self, output: NDArray[np.float32]) -> NDArray[np.float64]:
        sizes = self.contract.output_sizes
        if output.size not in [len(output) * size for size in sizes]:
            raise ValueError(f'outputs of shape {output.shape} for {len(output)} images; its '
                             f'contract says {self.contract.output}, '
                             f'{" or ".join(map(str, sizes))} value(s) for each')
        return np.array([fire_probability(values, self.contract)
                         for values in output.reshape(len(output), -1).tolist()])


def load_source(path: Path, nodes: GraphNodes | None = None) -> SourceModel:
    """
    Load a trained model.

    :param path: a .keras or .h5 file, a SavedModel folder, or a frozen TF 1 graph (.pb); its
        contract is beside it.
    :param nodes: the ends of a frozen graph; None for the others, which know theirs.
    :raises ModelError: when it is missing, cannot be loaded, has no usable contract, or is a
        frozen graph without `nodes` or with nodes that it has not.
    """
    if not path.exists():
        raise ModelError(f'{path}: no such model')
    contract = read_sidecar(path)
    if path.is_dir():
        return _saved_model(path, contract)
    if path.suffix in KERAS_SUFFIXES:
        return _keras_model(path, contract)
    if path.suffix == FROZEN_GRAPH_SUFFIX:
        if nodes is None:
            raise ModelError(f'{path}: a frozen graph does not name its ends; name them with '
                             f'--input-node and --output-node')
        return _frozen_graph(path, contract, nodes)
    raise ModelError(f'{path}: not a .keras or .h5 file, a SavedModel folder or a frozen '
                     f'graph (.pb)')


def _keras_model(path: Path, contract: ModelContract) -> SourceModel:
    try:
        model = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError) as error:
        raise ModelError(f'{path}: not a model that Keras can load: {error}') from error
    return SourceModel(
        contract, lambda tensors: [np.asarray(output) for output in
                                   keras.tree.flatten(model(tensors, training=False))],
        lambda: (tf.lite.TFLiteConverter.from_keras_model(model) if contract.heat_map is None
                 else _converter_of_one_image(model, contract)))


def _saved_model(path: Path, contract: ModelContract) -> SourceModel:
    try:
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures['serving_default']
        _, inputs = signature.structured_input_signature
        (name,) = inputs
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f'{path}: not a SavedModel with the signature serving_default, of one '
                         f'input: {error}') from error

    def predict(tensors: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        # The signature holds on to `loaded` only weakly.
        outputs = loaded.signatures['serving_default'](**{name: tf.constant(tensors)})
        # Keras calls them output_0 and output_1.
        return [np.asarray(outputs[key]) for key in sorted(outputs)]

    operations = {node.op for function in signature.graph.as_graph_def().library.function
                  for node in function.node_def}
    operations |= {operation.type for operation in signature.graph.get_operations()}
    return SourceModel(
        contract, predict, lambda: (
            tf.lite.TFLiteConverter.from_saved_model(str(path)) if contract.heat_map is None
            else _converter_of_one_image(lambda image: signature(**{name: image}), contract)),
        any(operation.startswith(FAKE_QUANTIZATION) for operation in operations))


def _converter_of_one_image(predict: Callable[[tf.Tensor], Any], contract: ModelContract) -> Any:
    """
    Make a converter for images one by one.

    Where the number of images is open, the shape of the cells in a row is known only when the
    network runs, and tflite-runtime 2.14 then takes 12 times as long for all of it.
    """
    function = tf.function(predict).get_concrete_function(
        tf.TensorSpec(contract.input_shape, tf.float32))
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [convert_variables_to_constants_v2(function)])


def _frozen_graph(path: Path, contract: ModelContract, nodes: GraphNodes) -> SourceModel:
    definition = tf.compat.v1.GraphDef()
    try:
        definition.ParseFromString(path.read_bytes())
        graph = tf.Graph()
        with graph.as_default():
            tf.graph_util.import_graph_def(definition, name='')
        ends = [graph.get_tensor_by_name(node if ':' in node else f'{node}:0')
                for node in (nodes.start, nodes.end)]
    except (ValueError, KeyError, DecodeError) as error:
        raise ModelError(f'{path}: no frozen graph with nodes {nodes.start!r} and '
                         f'{nodes.end!r}: {error}') from error
    session = tf.compat.v1.Session(graph=graph)
    names = [end.op.name for end in ends]
    return SourceModel(
        contract, lambda tensors: [np.asarray(session.run(ends[1], {ends[0]: tensors}))],
        lambda: tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(
            str(path), names[:1], names[1:], {names[0]: contract.input_shape}))
