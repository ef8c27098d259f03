# SPDX-License-Identifier: Apache-2.0
"""Read images from files, folders, videos and cameras."""

from collections.abc import Iterator
from dataclasses import dataclass
import os
from pathlib import Path

import cv2
from fire_detector.images.color_image import ColorImage
import numpy as np

IMAGE_SUFFIXES = frozenset(('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.ppm', '.tif', '.tiff'))
VIDEO_SUFFIXES = frozenset(('.mp4', '.avi', '.mkv', '.mov', '.webm', '.m4v', '.mpg', '.mpeg'))


class ImageFileError(ValueError):
    """The error of a file, folder or camera from which no image can be read."""


@dataclass(frozen=True)
class Frame:
    """
    One image of a video or camera.

    :ivar index: number of the frame, from 0.
    :ivar stamp: nanoseconds since the first frame.
    :ivar image: the image.
    """

    index: int
    stamp: int
    image: ColorImage


def read_image(path: Path) -> ColorImage:
    """
    Read an image file.

    :param path: a file in a format that OpenCV reads; an EXIF orientation is applied.
    :return: the image in BGR order.
    :raises ImageFileError: when it is missing, unreadable or no image.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise ImageFileError(f'{path}: {error.strerror}') from error
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if pixels is None:
        raise ImageFileError(f'{path}: not an image that OpenCV can read ({data.size} bytes)')
    return ColorImage(np.asarray(pixels, dtype=np.uint8), 'BGR')


def find_files(path: Path) -> list[Path]:
    """
    List the images and videos that a path stands for.

    :param path: a file, which stands for itself, or a folder, which stands for every image and
        video in it and below, in sorted order; other files in it are passed over.
    :raises ImageFileError: when it cannot be read or is a folder without images and videos.
    """
    try:
        # Not exists(), which has no error for a name that is too long or a folder that is closed.
        path.stat()
        if not path.is_dir():
            return [path]
        found = [file for file in walk_files(path)
                 if file.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES]
    except OSError as error:
        raise ImageFileError(f'{path}: {error.strerror}') from error
    if not found:
        raise ImageFileError(f'{path}: no images or videos in this folder')
    return found


def walk_files(folder: Path) -> list[Path]:
    """List the files in a folder and below, in sorted order; linked folders are followed once."""
    found: list[Path] = []
    seen = set()
    # Not rglob, which follows no links before Python 3.13.
    for name, folders, files in os.walk(folder, followlinks=True):
        root = Path(name)
        if root.resolve() in seen:
            folders.clear()
            continue
        seen.add(root.resolve())
        found += [root / file for file in files if (root / file).is_file()]
    return sorted(found)


def is_video(path: Path) -> bool:
    """Return whether a file is a video by its name."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def read_video(path: Path) -> Iterator[Frame]:
    """
    Read the frames of a video file, one at a time.

    :param path: a file in a format that OpenCV reads.
    :return: the frames in BGR order; their times follow from the file's frame rate.
    :raises ImageFileError: when it is missing, no video, or ends before its last frame.
    """
    if not path.is_file():
        raise ImageFileError(f'{path}: no such file')
    capture = cv2.VideoCapture(str(path))
    expected = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    count = 0
    for frame in _frames(capture, f'{path}: not a video that OpenCV can read'):
        count += 1
        yield frame
    # The count in a video's header is an estimate in some formats: allow it a few frames.
    if count < 0.95 * expected:
        raise ImageFileError(f'{path}: ends after {count} of {expected} frames')


def read_camera(number: int) -> Iterator[Frame]:
    """
    Read the frames of a local camera until it stops giving any.

    :param number: OpenCV's number of the camera, from 0.
    :return: the frames in BGR order; their times follow from the camera's frame rate.
    :raises ImageFileError: when it cannot be opened.
    """
    yield from _frames(cv2.VideoCapture(number), f'camera {number}: cannot be opened: is '
                       f'it plugged in, does another program use it, and may you read '
                       f'/dev/video{number} (group video)?')


def frame_rate(path: Path) -> float:
    """
    Return the frame rate that a video file states.

    :return: frames per second.
    :raises ImageFileError: when the file states none.
    """
    capture = cv2.VideoCapture(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    if not rate > 0:
        raise ImageFileError(f'{path}: states no frame rate')
    return float(rate)


def _frames(capture: cv2.VideoCapture, message: str) -> Iterator[Frame]:
    try:
        # Some cameras state no rate: 30 is what most of them run at.
        rate = capture.get(cv2.CAP_PROP_FPS) or 30.0
        index = 0
        while capture.grab():
            read, pixels = capture.retrieve()
            if not read:
                break
            image = ColorImage(np.asarray(pixels, dtype=np.uint8), 'BGR')
            yield Frame(index, round(1e9 * index / rate), image)
            index += 1
    finally:
        capture.release()
    if index == 0:
        raise ImageFileError(message)
