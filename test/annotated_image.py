# SPDX-License-Identifier: Apache-2.0
"""
Draw docs/annotated.png: `python test/annotated_image.py`.

Two images of the rendered room, before the fire and in it, as the node publishes them on
~/annotated, side by side. Probability and alarm are those of the default model.
"""

from pathlib import Path

import cv2
from fire_detector.detection.alarm import FireAlarm
from fire_detector.images.annotate import annotate
from fire_detector.images.color_image import ColorImage
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.locate import DEFAULT_MODEL, find_model
from fire_detector.scene.scene import SyntheticScene
import numpy as np
from numpy.typing import NDArray

PAGE_IMAGE = Path(__file__).resolve().parents[1] / 'docs' / 'annotated.png'
# Seconds of the scene's time; images a second.
TIMES = (2.0, 12.0)
RATE = 5


def draw() -> NDArray[np.uint8]:
    """
    Look at the scene as the node does, and keep two of the images.

    :return: (240, 640, 3) uint8 in BGR order.
    """
    scene = SyntheticScene(320, 240)
    classifier = FireClassifier(find_model(DEFAULT_MODEL))
    alarm = FireAlarm(classifier.contract.alarm)
    kept = []
    for number in range(round(TIMES[-1] * RATE) + 1):
        time = number / RATE
        image = ColorImage(scene.render(time), 'RGB')
        probability = classifier.probability(image)
        raised = alarm.update(time, probability)
        if time in TIMES:
            kept.append(annotate(image, probability, raised, RATE).pixels)
    return np.hstack(kept)


if __name__ == '__main__':
    cv2.imwrite(str(PAGE_IMAGE), draw())
