# SPDX-License-Identifier: Apache-2.0
"""From an image message to a detection: conversion, inference, alarm."""

from dataclasses import dataclass
import math
from pathlib import Path
import time
from typing import Any

import cv2
from fire_detector.detection.alarm import FireAlarm
from fire_detector.detection.image_statistics import INFERENCE, OTHER
from fire_detector.images.color_image import ColorImage
from fire_detector.images.decode import decode_message, stamp_of
from fire_detector.images.raw import ImageError
from fire_detector.model.classifier import AUTO, FireClassifier, InferenceError
from fire_detector.model.file import read_changed_model, read_model
from fire_detector.model.preprocessing import OVERSIZE
import numpy as np


@dataclass(frozen=True, eq=False)
class Inference:
    """
    The model's result for one image by itself.

    :ivar stamp: of the image, in nanoseconds.
    :ivar image: the image; its pixels may be a view of the message.
    :ivar probability: that it shows fire, 0..1.
    :ivar seconds: that preprocessing and inference took.
    """

    stamp: int
    image: ColorImage
    probability: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Detection(Inference):
    """
    The result for one image, with the alarm that follows from it and those before it.

    :ivar alarm: whether the alarm is raised after this image.
    :ivar alarm_changed: whether this image raised or cleared it.
    """

    alarm: bool
    alarm_changed: bool


@dataclass(frozen=True)
class Rejection:
    """
    The reason that there is no detection for an image.

    :ivar stamp: of the image, in nanoseconds.
    :ivar reason: one of image_statistics.REASONS.
    :ivar detail: the same in a sentence.
    """

    stamp: int
    reason: str
    detail: str


class Detector:
    """
    The detector of fire in the images of one camera.

    :ivar model: the file of the model.
    :ivar classifier: runs the model; it has the model's contract.
    :ivar alarm: turns probabilities into an alarm; set up as the contract says.
    """

    def __init__(self, model: Path, runtime: str = AUTO, num_threads: int = 1,
                 allow_changed_model: bool = False) -> None:
        """
        Load, check and warm up the model.

        :param model: the .tflite file.
        :param runtime: a key of classifier.RUNTIMES, or 'auto' for the first that is installed.
        :param num_threads: threads that one inference may use.
        :param allow_changed_model: whether the model's bytes may differ from those that its
            contract names.
        :raises ModelError: when the model cannot be used; the message names the file.
        :raises RuntimeUnavailableError: when its runtime cannot be imported.
        """
        self.model = model
        self.classifier = FireClassifier(model, runtime, num_threads,
                                         read_changed_model if allow_changed_model else read_model)
        contract = self.classifier.contract
        self.alarm = FireAlarm(contract.alarm)
        # Compressed images are decoded not much larger than the model needs.
        self._rows = math.ceil(OVERSIZE * contract.input_spec.height)
        self._columns = math.ceil(OVERSIZE * contract.input_spec.width)
        # The first inference allocates what the later ones reuse.
        self.classifier.predict(np.zeros(contract.input_shape, np.float32))

    def process(self, message: Any) -> Detection | Rejection:
        """
        Detect fire in the next image.

        :param message: a sensor_msgs/msg/Image or CompressedImage, or a Frame of a file.
        :return: a detection, or why there is none; the alarm then stays as it was.
        """
        inference = self.infer(message)
        return inference if isinstance(inference, Rejection) else self.decide(inference)

    def infer(self, message: Any) -> Inference | Rejection:
        """
        Run the model on an image, whatever came before it.

        :param message: as for :meth:`process`.
        """
        stamp = stamp_of(message)
        try:
            image = decode_message(message, self._rows, self._columns)
            started = time.perf_counter()
            probability = self.classifier.probability(image)
        except ImageError as error:
            return Rejection(stamp, error.reason, str(error))
        except InferenceError as error:
            return Rejection(stamp, INFERENCE, str(error))
        except (cv2.error, MemoryError) as error:
            return Rejection(stamp, OTHER, str(error) or type(error).__name__)
        return Inference(stamp, image, probability, time.perf_counter() - started)

    def decide(self, inference: Inference) -> Detection:
        """
        Update the alarm with the next image.

        :param inference: of this detector or of another one with the same model.
        """
        before = self.alarm.active
        alarm = self.alarm.update(inference.stamp, inference.probability)
        return Detection(**vars(inference), alarm=alarm, alarm_changed=alarm != before)
