# SPDX-License-Identifier: Apache-2.0
"""
A node written without regard to its cost, with which the benchmark compares.

It subscribes, converts the whole image, resizes it by area, runs the model and publishes the
probability, as the examples of rclpy, OpenCV and tflite-runtime show.
"""

from contextlib import suppress

import cv2
from fire_detector.model.locate import find_model
import numpy as np
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float32

try:
    from tflite_runtime.interpreter import Interpreter
except (ImportError, AttributeError):
    # From Python 3.12 on there is no other.
    from ai_edge_litert.interpreter import Interpreter


class StraightforwardNode(Node):
    """A detector for images of bgr8 or JPEG."""

    def __init__(self) -> None:
        """Load the model, and subscribe to what the parameter image_transport names."""
        super().__init__('fire_detector')
        model = find_model(self.declare_parameter('model', '').value)
        self._interpreter = Interpreter(model_path=str(model))
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._publisher = self.create_publisher(Float32, '~/fire_probability', 10)
        if self.declare_parameter('image_transport', 'raw').value == 'compressed':
            self.create_subscription(CompressedImage, 'image/compressed', self._on_compressed, 1)
        else:
            self.create_subscription(Image, 'image', self._on_image, 1)

    def _on_image(self, message: Image) -> None:
        self._process(np.frombuffer(message.data, np.uint8).reshape(
            message.height, message.width, 3))

    def _on_compressed(self, message: CompressedImage) -> None:
        self._process(cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR))

    def _process(self, bgr: np.ndarray) -> None:
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        _, height, width, _ = self._input['shape']
        resized = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
        tensor = np.expand_dims(resized.astype(np.float32) / 255.0, 0)
        self._interpreter.set_tensor(self._input['index'], tensor)
        self._interpreter.invoke()
        probabilities = self._interpreter.get_tensor(self._output['index'])[0]
        self._publisher.publish(Float32(data=float(probabilities[-1])))


if __name__ == '__main__':
    rclpy.init()
    with suppress(KeyboardInterrupt):
        rclpy.spin(StraightforwardNode())
