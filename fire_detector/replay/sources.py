# SPDX-License-Identifier: Apache-2.0
"""Find recordings, and read their images one after the other, each with its time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fire_detector.images.files import (
    find_files,
    Frame,
    IMAGE_SUFFIXES,
    ImageFileError,
    is_video,
    read_image,
    read_video,
    walk_files,
)
from fire_detector.replay.bags.files import bags_in, is_bag_file
from fire_detector.replay.bags.reader import Bag, COMPRESSED_IMAGE, IMAGE, RecordedImage

VIDEO, IMAGES = 'video', 'images'


class SourceError(ValueError):
    """Report a path that is no recording."""


@dataclass(frozen=True)
class Source:
    """
    The images of a recording, which can be read once.

    :ivar images: in order; one that cannot be read comes with its problem.
    :ivar problems: what could not be read, so far.
    :ivar total: the number of images; None where it is not known in advance.
    """

    images: Iterator[RecordedImage]
    problems: list[str]
    total: int | None = None


def open_source(path: Path, topics: Sequence[str], image_rate: float) -> Source:
    """
    Open a recording that `recordings_in` has found.

    :param topics: those of a bag to read; empty for all with images.
    :param image_rate: images a second of a folder of them.
    :raises BagError: when it is a bag without files.
    :raises ImageFileError: when it is a folder without images.
    """
    problems: list[str] = []
    if is_video(path):
        return Source(_read_video(path, problems), problems)
    if is_bag_file(path) or bags_in(path) == [path]:
        bag = Bag(path)
        return Source(_read_bag(bag, topics), bag.problems, bag.count(topics))
    files = [file for file in find_files(path) if not is_video(file)]
    return Source(_read_images(path.name, files, image_rate, problems), problems, len(files))


def _read_bag(bag: Bag, topics: Sequence[str]) -> Iterator[RecordedImage]:
    found = set()
    for image in bag.messages(topics):
        found.add(image.topic)
        yield image
    missing = [topic for topic in topics if topic not in found]
    if missing or not found:
        on_topics = f' on {", ".join(missing)}' if missing else ''
        names = ', '.join(f'{name} ({kind})' for name, kind in sorted(bag.types.items()))
        bag.problems.append(f'{bag.path}: no messages with images{on_topics}: ' + (
            f'the topics that were found are {names}; images are {IMAGE} or {COMPRESSED_IMAGE}'
            if names else 'no topic was found'))


def _read_video(path: Path, problems: list[str]) -> Iterator[RecordedImage]:
    try:
        for frame in read_video(path):
            yield RecordedImage(path.name, VIDEO, frame.stamp, frame.stamp, frame)
    except ImageFileError as error:
        problems.append(str(error))


def _read_images(name: str, files: Sequence[Path], rate: float,
                 problems: list[str]) -> Iterator[RecordedImage]:
    for index, file in enumerate(files):
        stamp, frame, problem = round(1e9 * index / rate), None, ''
        try:
            frame = Frame(index, stamp, read_image(file))
        except ImageFileError as error:
            problem = str(error)
            problems.append(problem)
        yield RecordedImage(name, IMAGES, stamp, stamp, frame, problem)


def recordings_in(path: Path) -> list[Path]:
    """
    List the recordings at a path.

    :param path: a bag, a video, a folder of images, or a folder with bags and videos in it and
        below.
    :raises SourceError: when it is none of these; the message says what is expected.
    """
    if not path.exists():
        raise SourceError(f'{path}: no such file or folder')
    if not path.is_dir():
        if is_bag_file(path) or is_video(path):
            return [path]
        raise SourceError(f'{path}: neither a bag (.db3, .mcap, .bag, or its folder) nor a video, '
                          f'by its name; a single image is for fire_classify')
    files = walk_files(path)
    folders = sorted({path, *(file.parent for file in files)})
    found = [bag for folder in folders for bag in bags_in(folder)]
    found += [file for file in files if is_video(file)]
    if found:
        return found
    if any(file.suffix.lower() in IMAGE_SUFFIXES for file in files):
        return [path]
    raise SourceError(f'{path}: no bag, video or image in this folder and below; a bag is a '
                      f'.db3, .mcap or .bag file, or a folder with metadata.yaml')
