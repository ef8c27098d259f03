# SPDX-License-Identifier: Apache-2.0
"""Draw a detector's answer onto the picture that it is about."""

import cv2
from fire_detector.picture import Picture
import numpy as np

MAX_STRIP = 400
# Colors are BGR.
_CALM = (80, 160, 60)
_ALARM = (40, 40, 220)
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)


def annotate(picture: Picture, probability: float, alarm: bool) -> Picture:
    """
    Draw probability and alarm into a strip at the bottom of a picture.

    :param picture: the picture; it is not changed.
    :param probability: of fire, 0..1: the share of the strip that is filled.
    :param alarm: whether the alarm is raised: a red strip and frame instead of a green strip.
    :return: a copy with the drawing, in BGR order.
    """
    canvas = np.array(picture.in_order('BGR'), order='C')
    height, width = canvas.shape[:2]
    # OpenCV takes neither lines nor letters of any size.
    strip = min(max(height // 12, 1), MAX_STRIP)
    color = _ALARM if alarm else _CALM
    cv2.rectangle(canvas, (0, height - strip), (width - 1, height - 1), _BLACK, cv2.FILLED)
    filled = round(probability * width)
    if filled:
        cv2.rectangle(canvas, (0, height - strip), (filled - 1, height - 1), color, cv2.FILLED)
    text = f'fire {100 * probability:.0f} %{"  ALARM" if alarm else ""}'
    cv2.putText(canvas, text, (strip // 3, height - strip // 4), cv2.FONT_HERSHEY_SIMPLEX,
                strip / 32, _WHITE, max(strip // 20, 1), cv2.LINE_AA)
    if alarm:
        cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), _ALARM, max(strip // 5, 1))
    return Picture(canvas, 'BGR')
