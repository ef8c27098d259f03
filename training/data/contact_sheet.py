# SPDX-License-Identifier: Apache-2.0
"""Contact sheets: many small images in one."""

from collections.abc import Sequence
from dataclasses import dataclass
import math
from pathlib import Path

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import read_image
import numpy as np
from numpy.typing import NDArray

SIDE = 180
CAPTION = 24
TITLE = 48
MARGIN = 8
MIN_COLUMNS, MAX_COLUMNS = 4, 12
# Colors are BGR.
_GROUND = (64, 64, 64)
_TILE_GROUND = (48, 48, 48)
_INK = (235, 235, 235)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPTION_SCALE, _TITLE_SCALE = 0.45, 0.8


@dataclass(frozen=True)
class Tile:
    """
    An image on a contact sheet.

    :ivar image: the image, or its file.
    :ivar caption: what stands under it; shortened in the middle where it is too wide.
    """

    image: Path | ColorImage
    caption: str


def write_contact_sheet(tiles: Sequence[Tile], path: Path, title: str) -> None:
    """
    Draw images in rows, whole and undistorted, each with its caption.

    :param tiles: the images, in the order of reading; at least one.
    :param path: the PNG file to write; its folder is made where it is missing.
    :param title: what stands on top.
    :raises ImageFileError: when an image cannot be read.
    :raises OSError: when the sheet cannot be written.
    """
    columns = min(max(math.ceil(math.sqrt(1.5 * len(tiles))), MIN_COLUMNS), MAX_COLUMNS)
    rows = math.ceil(len(tiles) / columns)
    width = MARGIN + columns * (SIDE + MARGIN)
    height = TITLE + rows * (SIDE + CAPTION + MARGIN)
    sheet = np.full((height, width, 3), _GROUND, np.uint8)
    _write(sheet, title, (MARGIN, TITLE - 2 * MARGIN), width - 2 * MARGIN, _TITLE_SCALE)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        left = MARGIN + column * (SIDE + MARGIN)
        top = TITLE + row * (SIDE + CAPTION + MARGIN)
        sheet[top:top + SIDE, left:left + SIDE] = _letterbox(tile.image)
        _write(sheet, tile.caption, (left, top + SIDE + CAPTION - MARGIN), SIDE, _CAPTION_SCALE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode('.png', sheet)[1].tobytes())


def _letterbox(image: Path | ColorImage) -> NDArray[np.uint8]:
    """Fit an image into a tile: uint8 of shape (SIDE, SIDE, 3), in BGR order."""
    if isinstance(image, Path):
        image = read_image(image)
    pixels = np.ascontiguousarray(image.in_order('BGR'))
    scale = SIDE / max(pixels.shape[:2])
    height, width = (max(round(scale * side), 1) for side in pixels.shape[:2])
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    tile = np.full((SIDE, SIDE, 3), _TILE_GROUND, np.uint8)
    tile[top:top + height, left:left + width] = cv2.resize(
        pixels, (width, height), interpolation=cv2.INTER_AREA)
    return tile


def _write(sheet: NDArray[np.uint8], text: str, origin: tuple[int, int], width: int,
           scale: float) -> None:
    """Write text from its lower left corner, shortened in the middle to a width in pixels."""
    shortened, kept = text, len(text)
    while cv2.getTextSize(shortened, _FONT, scale, 1)[0][0] > width:
        kept -= 1
        # The end counts as much as the beginning: that is where frames have their numbers.
        shortened = f'{text[:kept - kept // 2]}..{text[len(text) - kept // 2:]}'
    cv2.putText(sheet, shortened, origin, _FONT, scale, _INK, 1, cv2.LINE_AA)
