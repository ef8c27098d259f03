# SPDX-License-Identifier: Apache-2.0
"""
Draw docs/annotated.png: `python test/annotated_image.py`.

Two images of the rendered room, before the fire and in it, as the node publishes them on
~/annotated, side by side. Probability and alarm are those of the default model.
"""

from pathlib import Path

import cv2
from fire_detector.detection.detector import Detection, Detector
from fire_detector.images.annotate import annotate
from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import Frame
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
    Process the scene as the node does, and annotate two of its images.

    :return: (240, 640, 3) uint8 in BGR order.
    """
    scene = SyntheticScene(320, 240)
    detector = Detector(find_model(DEFAULT_MODEL))
    kept = []
    for number in range(round(TIMES[-1] * RATE) + 1):
        time = number / RATE
        image = ColorImage(scene.render(time), 'RGB')
        found = detector.process(Frame(number, round(1e9 * time), image))
        assert isinstance(found, Detection)
        if time in TIMES:
            kept.append(annotate(found.image, found.probability, found.alarm, RATE).pixels)
    return np.hstack(kept)


if __name__ == '__main__':
    cv2.imwrite(str(PAGE_IMAGE), draw())
