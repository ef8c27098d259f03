# SPDX-License-Identifier: Apache-2.0
"""
Make small .tflite models whose predictions can be worked out by hand, as a process of its own.

After TensorFlow has been imported, tflite-runtime loads no model in the same process.

Every network takes images of 8x6 pixels from 0 to 1 and means them over all pixels. Of three
channels, the logit of fire is 4 * (first - last), and of one, 8 * mean - 4. The logits of the
other labels are 0. So for one value, or two, the probability of fire is 1 / (1 + exp(-logit)), and
for four it is 1 / (1 + 3 * exp(-logit)).
"""

from collections.abc import Callable
import functools
from pathlib import Path
import sys
from typing import Any

import keras
import numpy as np
import tensorflow as tf

HEIGHT, WIDTH = 6, 8
# Of two labels and of four, fire has this place.
PLACE = 1
INTEGERS = {'uint8': tf.uint8, 'int8': tf.int8}
ENDS = (('softmax', 2), ('softmax', 4), ('sigmoid', 1), ('logits', 1), ('logits', 2),
        ('logits', 4))
LAST = {'logits': tf.identity, 'sigmoid': tf.sigmoid, 'softmax': tf.nn.softmax}


def predict(images: Any, output: str, values: int) -> Any:
    """Return the network's output, of shape (images, values)."""
    gray = images.shape[-1] == 1
    mean = tf.reduce_mean(images, axis=[1, 2])
    logits = tf.matmul(mean, tf.constant([[8.0]] if gray else [[4.0], [0.0], [-4.0]]))
    logits -= 4.0 if gray else 0.0
    if values > 1:
        logits = tf.matmul(logits, tf.one_hot([PLACE], values))
    return LAST[output](logits)


def with_heat_map(images: Any) -> Any:
    """Return the probability, of shape (1, 1), and the heat map, of shape (1, 1, 2, 1)."""
    halves = tf.reduce_mean(tf.reshape(images, (1, HEIGHT, 2, WIDTH // 2, 3)), axis=[1, 3])
    cells = tf.reshape(tf.matmul(halves[0], tf.constant([[4.0], [0.0], [-4.0]])), (1, 1, 2, 1))
    return predict(images, 'sigmoid', 1), tf.sigmoid(cells)


def image_spec(*shape: int | None, dtype: tf.DType = tf.float32) -> tf.TensorSpec:
    """Describe an input of images."""
    return tf.TensorSpec(shape, dtype)


def convert(network: Callable[..., Any], *inputs: tf.TensorSpec, input_type: str = 'float32',
            output_type: str = 'float32') -> bytes:
    """Convert a network to TFLite; integers are calibrated on all from 0 to 1 in each channel."""
    function = tf.function(network).get_concrete_function(*inputs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    if input_type in INTEGERS:
        shape = inputs[0].shape
        colors = np.stack(np.meshgrid(*[[0.0, 1.0]] * shape[-1]), axis=-1).reshape(-1, shape[-1])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [np.broadcast_to(color, shape).astype(np.float32)] for color in colors)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        # tflite-runtime 2.14 cannot run what they are by default.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        converter.inference_input_type = INTEGERS[input_type]
        converter.inference_output_type = INTEGERS.get(output_type, tf.float32)
    return bytes(converter.convert())


def of_every_kind() -> dict[str, bytes]:
    """Build a model of each kind, named CHANNELS_INPUT-TYPE_OUTPUT-TYPE_END_VALUES."""
    models = {}
    for channels in (1, 3):
        for types in (('float32', 'float32'), ('uint8', 'uint8'), ('int8', 'int8'),
                      ('uint8', 'float32')):
            # One end will do to show that the two types may differ.
            for output, values in ENDS if types[0] == types[1] else ENDS[:1]:
                models[f'{channels}_{"_".join(types)}_{output}_{values}'] = convert(
                    functools.partial(predict, output=output, values=values),
                    image_spec(1, HEIGHT, WIDTH, channels),
                    input_type=types[0], output_type=types[1])
    return models


def odd() -> dict[str, bytes]:
    """Build models with unusual tensors or values; all for 3 channels and 2 labels."""
    image = image_spec(1, HEIGHT, WIDTH, 3)

    def softmax(images: Any) -> Any:
        return predict(images, 'softmax', 2)

    def cast(images: Any) -> Any:
        return softmax(tf.cast(images, tf.float32))

    def shaped(*shape: int) -> bytes:
        return convert(lambda images: tf.reshape(softmax(images), shape), image)

    return {
        'output_1_1_1_2': shaped(1, 1, 1, 2),
        'output_2': shaped(2),
        'output_2_1': shaped(2, 1),
        'output_of_one': convert(
            lambda images: tf.reshape(predict(images, 'sigmoid', 1), (1,)), image),
        'any_number_of_images': convert(softmax, image_spec(None, HEIGHT, WIDTH, 3)),
        'any_size': convert(softmax, image_spec(1, None, None, 3)),
        'two_images': convert(softmax, image_spec(2, HEIGHT, WIDTH, 3)),
        'channels_first': convert(
            lambda images: softmax(tf.transpose(images, (0, 2, 3, 1))),
            image_spec(1, 3, HEIGHT, WIDTH)),
        'flat': convert(
            lambda images: softmax(tf.reshape(images, (1, HEIGHT, WIDTH, 3))),
            image_spec(1, HEIGHT * WIDTH * 3)),
        'float16': convert(cast, image_spec(1, HEIGHT, WIDTH, 3, dtype=tf.float16)),
        # Pixels as they are: to TFLite an input without quantization, with the scale 0.
        'unscaled': convert(cast, image_spec(1, HEIGHT, WIDTH, 3, dtype=tf.uint8)),
        'two_inputs': convert(lambda one, other: softmax(one + other), image, image),
        'two_outputs': convert(lambda images: (softmax(images), 2 * images), image),
        'number_of_the_class': convert(
            lambda images: tf.argmax(softmax(images), axis=1), image),
        # 0 / (1 - mean): not a number where all is white, and elsewhere a logit of 0.
        'not_a_number': convert(
            lambda images: tf.sigmoid(tf.zeros((1, 1)) / (1 - tf.reduce_mean(images))), image),
        # Fire in the left and in the right half, by the difference of the colors there; beside it
        # the probability of the whole, in either order.
        'heat_map': convert(with_heat_map, image),
        'heat_map_first': convert(lambda images: with_heat_map(images)[::-1], image),
        'heat_map_int8': convert(with_heat_map, image, input_type='int8', output_type='int8'),
        'map': convert(lambda images: images[:, :1, :2, :2], image),
    }


def save_keras_network(path: Path) -> None:
    """Save a network of one channel and one logit in Keras' own layers: 8 * mean - 4."""
    network = keras.Sequential([
        keras.Input((HEIGHT, WIDTH, 1)), keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(1)])
    network.set_weights([np.full((1, 1), 8.0), np.full(1, -4.0)])
    network.save(path)


def main(folder: Path) -> int:
    """Write all models into a folder."""
    save_keras_network(folder / 'gray.keras')
    for name, content in (of_every_kind() | odd()).items():
        (folder / f'{name}.tflite').write_bytes(content)
    return 0


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1])))
