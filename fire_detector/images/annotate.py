# SPDX-License-Identifier: Apache-2.0
"""Draw a detection onto its image."""

from collections.abc import Sequence

import cv2
from fire_detector.images.color_image import ColorImage
import numpy as np
from numpy.typing import NDArray

MIN_STRIP, MAX_STRIP = 14, 400
STRIPS_PER_IMAGE = 16
# Of OpenCV's simplex font, whose capitals are 22 rows high at scale 1: with rows above and
# below, and what can just be read.
_ROWS_PER_SCALE = 32.0
_MIN_SCALE = 0.32
# Colors are BGR.
_CALM = (70, 130, 40)
_ALARM = (40, 40, 220)
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)


def annotate(image: ColorImage, probability: float, alarm: bool,
             rate: float | None = None, max_width: int = 0) -> ColorImage:
    """
    Draw probability, alarm and rate into a strip at the bottom of an image.

    What there is no room for is left out, the rate first and an alarm last.

    :param image: the image; it is not changed.
    :param probability: of fire, 0..1: the share of the strip that is filled.
    :param alarm: whether the alarm is raised: a red strip and frame instead of a green strip.
    :param rate: detections a second; None where that is not known.
    :param max_width: columns that the result has at most, with its shape kept; 0 for any number.
    :return: a copy with the drawing, in BGR order.
    """
    canvas = _copy(image, max_width)
    height, width = canvas.shape[:2]
    # OpenCV takes neither lines nor letters of any size.
    strip = min(max(height // STRIPS_PER_IMAGE, MIN_STRIP), MAX_STRIP, height)
    top = height - strip
    color = _ALARM if alarm else _CALM
    cv2.rectangle(canvas, (0, top), (width - 1, height - 1), _BLACK, cv2.FILLED)
    filled = round(probability * width)
    if filled:
        cv2.rectangle(canvas, (0, top), (filled - 1, height - 1), color, cv2.FILLED)
    if alarm:
        cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), _ALARM, max(strip // 5, 1))
    _write(canvas, _texts(probability, alarm, rate), top)
    return ColorImage(canvas, 'BGR')


def _copy(image: ColorImage, max_width: int) -> NDArray[np.uint8]:
    """Copy the pixels in BGR order; OpenCV swaps channels ten times as fast as numpy."""
    pixels = image.pixels
    height, width = pixels.shape[:2]
    if 0 < max_width < width:
        size = max_width, max(1, round(height * max_width / width))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    if image.color_order == 'RGB':
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), dtype=np.uint8)
    return np.array(pixels, order='C')


def _texts(probability: float, alarm: bool, rate: float | None) -> Sequence[str]:
    """Return what may be written, the longest first."""
    percent = f'{100 * probability:.0f}%'
    if alarm:
        texts = [f'fire {percent} ALARM', f'{percent} ALARM', 'ALARM']
    else:
        texts = [f'fire {percent}', percent]
    return texts if rate is None else [f'{texts[0]}  {rate:.1f} Hz', *texts]


def _write(canvas: NDArray[np.uint8], texts: Sequence[str], top: int) -> None:
    """Write the longest text that fits into the strip below a row, or none."""
    height, width = canvas.shape[:2]
    strip = height - top
    margin = max(strip // 6, 2)
    for text in texts:
        (natural, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)
        scale = min(strip / _ROWS_PER_SCALE, (width - 2 * margin) / natural)
        if scale < _MIN_SCALE:
            continue
        thickness = max(round(1.6 * scale), 1)
        (_, rows), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
        cv2.putText(canvas, text, (margin, top + (strip + rows) // 2), cv2.FONT_HERSHEY_SIMPLEX,
                    scale, _WHITE, thickness, cv2.LINE_AA)
        return
