# SPDX-License-Identifier: Apache-2.0
"""
Draw docs/annotated.png: `python test/annotated_picture.py`.

Two pictures of the rendered room, before the fire and in it, as the node publishes them on
~/annotated, side by side. Probability and alarm are those of the default model.
"""

from pathlib import Path

import cv2
from fire_detector.alarm import FireAlarm
from fire_detector.classifier import FireClassifier
from fire_detector.model_files import DEFAULT_MODEL, find_model
from fire_detector.overlay import annotate
from fire_detector.picture import Picture
from fire_detector.synthetic_scene import SyntheticScene
import numpy as np
from numpy.typing import NDArray

PAGE_PICTURE = Path(__file__).resolve().parents[1] / 'docs' / 'annotated.png'
# Seconds of the scene's time; pictures a second.
TIMES = (2.0, 12.0)
RATE = 5


def draw() -> NDArray[np.uint8]:
    """
    Look at the scene as the node does, and keep two of the pictures.

    :return: (240, 640, 3) uint8 in BGR order.
    """
    scene = SyntheticScene(320, 240)
    classifier = FireClassifier(find_model(DEFAULT_MODEL))
    alarm = FireAlarm(classifier.contract.alarm)
    kept = []
    for number in range(round(TIMES[-1] * RATE) + 1):
        time = number / RATE
        picture = Picture(scene.render(time), 'RGB')
        probability = classifier.probability(picture)
        raised = alarm.update(time, probability)
        if time in TIMES:
            kept.append(annotate(picture, probability, raised, RATE).pixels)
    return np.hstack(kept)


if __name__ == '__main__':
    cv2.imwrite(str(PAGE_PICTURE), draw())
