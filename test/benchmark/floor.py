# SPDX-License-Identifier: Apache-2.0
"""The least that a node on rclpy's executor can do with an image: take it, run the model."""

from typing import Any

from fire_detector.model.classifier import load_runtime
from fire_detector.model.locate import find_model
from fire_detector.parameters.detector import RAW
from fire_detector.ros.camera_subscription import TOPICS
from fire_detector.ros.process import ros_process, signals_shut_down
import rclpy
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.node import Node


class FloorNode(Node):
    """A node that runs the model for each image, whatever is in it, and publishes nothing."""

    def __init__(self) -> None:
        """Load the model, and subscribe to what the parameter image_transport names."""
        super().__init__('floor')
        model = find_model(self.declare_parameter('model', '').value)
        self._interpreter = load_runtime('auto')[1].Interpreter(str(model), num_threads=1)
        self._interpreter.allocate_tensors()
        topic, message_type, _ = TOPICS[self.declare_parameter('image_transport', RAW).value]
        self.create_subscription(message_type, topic, self._on_message, 1)

        # As the node has one, by which it sees that ROS is shut down.
        self.create_timer(1.0, lambda: None, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_message(self, message: Any) -> None:
        self._interpreter.invoke()


if __name__ == '__main__':
    with ros_process(None):
        node = FloorNode()
        with signals_shut_down(node.context):
            rclpy.spin(node)
