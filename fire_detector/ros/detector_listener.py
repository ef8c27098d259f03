# SPDX-License-Identifier: Apache-2.0
"""A node that listens to the detector as a robot would, and keeps its predictions."""

from dataclasses import dataclass
import time

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.decode import from_image
import numpy as np
from numpy.typing import NDArray
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Bool, Float32

LAST_PREDICTION_TIMEOUT = 1.0
THUMBNAIL_PERIOD = 0.25
THUMBNAIL_WIDTH = 240


@dataclass(frozen=True)
class TimedPrediction:
    """
    A prediction of the detector.

    :ivar time: at which it arrived, in seconds since the first message of the detector.
    :ivar probability: of fire, 0..1.
    :ivar alarm: whether the alarm was raised.
    """

    time: float
    probability: float
    alarm: bool


class DetectorListener(Node):
    """
    Subscriptions to the detector's topics.

    :ivar predictions: in the order in which they arrived.
    :ivar images: annotated ones, four a second at most, each with the time at which it arrived, as
        uint8 of shape (height, width, 3), in RGB order.
    """

    def __init__(self) -> None:
        """Subscribe to the detector's topics."""
        super().__init__('demo')
        self.predictions: list[TimedPrediction] = []
        self.images: list[tuple[float, NDArray[np.uint8]]] = []
        self._start: float | None = None
        self._probability = 0.0
        self._subscriptions_to_detector = [
            self.create_subscription(Float32, 'fire_detector/fire_probability',
                                     self._on_probability, 10),
            self.create_subscription(Bool, 'fire_detector/fire_detected', self._on_detected, 10),
            self.create_subscription(Image, 'fire_detector/annotated', self._on_annotated,
                                     qos_profile_sensor_data)]

    def spin_once(self) -> None:
        """Process a message, or wait a moment for one."""
        rclpy.spin_once(self, timeout_sec=0.05)

    @property
    def detector_is_there(self) -> bool:
        """Return whether every topic of the detector has a publisher."""
        return all(self.count_publishers(subscription.topic_name)
                   for subscription in self._subscriptions_to_detector)

    @property
    def is_receiving(self) -> bool:
        """Return whether the last prediction is so recent that another may follow."""
        return (bool(self.predictions)
                and self._now() - self.predictions[-1].time < LAST_PREDICTION_TIMEOUT)

    def _now(self) -> float:
        if self._start is None:
            self._start = time.monotonic()
        return time.monotonic() - self._start

    def _on_probability(self, message: Float32) -> None:
        self._now()
        self._probability = message.data

    def _on_detected(self, message: Bool) -> None:
        self.predictions.append(
            TimedPrediction(self._now(), self._probability, message.data))

    def _on_annotated(self, message: Image) -> None:
        now = self._now()
        if self.images and now - self.images[-1][0] < THUMBNAIL_PERIOD:
            return
        scale = THUMBNAIL_WIDTH / message.width
        image = from_image(message)
        small = cv2.resize(image.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        thumbnail = ColorImage(np.asarray(small, dtype=np.uint8), image.color_order)
        self.images.append((now, thumbnail.in_order('RGB')))
