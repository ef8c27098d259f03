# SPDX-License-Identifier: Apache-2.0
"""Find recordings, and read their images one after the other, each with its time."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fire_detector.images.decode import stamp_of
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
from fire_detector.replay.bags.reader import Bag, COMPRESSED_IMAGE, IMAGE

VIDEO, IMAGES = 'video', 'images'


class SourceError(ValueError):
    """Report a path that is no recording."""


@dataclass(frozen=True)
class RecordedFrame:
    """
    One image of a recording.

    :ivar topic: the topic, or the name of a video or folder.
    :ivar kind: IMAGE, COMPRESSED_IMAGE, VIDEO or IMAGES.
    :ivar stamp: of the header, in seconds; in a video or folder, since the first image.
    :ivar received: when the recorder got it, in seconds.
    :ivar content: a message for the first two kinds, a ColorImage for the others; None where it
        could not be read.
    :ivar problem: why it could not.
    """

    topic: str
    kind: str
    stamp: float
    received: float
    content: Any
    problem: str = ''


class Source(ABC):
    """
    A recording of images.

    :ivar path: of the recording.
    :ivar problems: what could not be read, so far.
    """

    def __init__(self, path: Path) -> None:
        """Keep the path."""
        self.path = path
        self.problems: list[str] = []

    @property
    def total(self) -> int | None:
        """Return the number of images, where that is known in advance."""
        return None

    @abstractmethod
    def frames(self) -> Iterator[RecordedFrame]:
        """Read the images, in order."""

    def explain_missing_images(self) -> str:
        """Return why there was no image, after all was read."""
        return f'{self.path}: no image could be read'


class BagSource(Source):
    """The images of a bag."""

    def __init__(self, path: Path, topics: Sequence[str] = ()) -> None:
        """
        Find the bag's files.

        :param topics: those to read; empty for all with images.
        :raises BagError: when there is no file.
        """
        super().__init__(path)
        self._bag = Bag(path)
        self._topics = topics
        self.problems = self._bag.problems

    @property
    def total(self) -> int | None:
        """Return the number of images, where the bag's metadata has it."""
        return self._bag.count(self._topics)

    def frames(self) -> Iterator[RecordedFrame]:
        """Read the messages; one that cannot be read comes with its problem."""
        found = set()
        for recorded in self._bag.messages(self._topics):
            found.add(recorded.topic)
            stamp = (recorded.received if recorded.message is None
                     else stamp_of(recorded.message))
            yield RecordedFrame(recorded.topic, recorded.message_type, stamp, recorded.received,
                                recorded.message, recorded.problem)
        for topic in self._topics:
            if topic not in found and found:
                self.problems.append(
                    f'{self.path}: no images on topic {topic}: {self._list_topics()}')

    def explain_missing_images(self) -> str:
        """Return the bag's topics and their types."""
        wanted = f' on {", ".join(self._topics)}' if self._topics else ''
        return f'{self.path}: no messages with images{wanted}: {self._list_topics()}'

    def _list_topics(self) -> str:
        names = ', '.join(f'{name} ({kind})' for name, kind in sorted(self._bag.types.items()))
        return (f'the topics that were found are {names}; images are {IMAGE} or '
                f'{COMPRESSED_IMAGE}' if names else 'no topic was found')


class VideoSource(Source):
    """The frames of a video file."""

    def frames(self) -> Iterator[RecordedFrame]:
        """Read the frames; their times follow from the file's frame rate."""
        try:
            for frame in read_video(self.path):
                yield RecordedFrame(self.path.name, VIDEO, frame.time, frame.time, frame)
        except ImageFileError as error:
            self.problems.append(str(error))


class ImageFolderSource(Source):
    """The images of a folder, in the order of their names, at a rate."""

    def __init__(self, path: Path, rate: float) -> None:
        """
        List the images.

        :param rate: images a second.
        :raises ImageFileError: when there are none.
        """
        super().__init__(path)
        self._files = [file for file in find_files(path) if not is_video(file)]
        self._rate = rate

    @property
    def total(self) -> int:
        """Return the number of images."""
        return len(self._files)

    def frames(self) -> Iterator[RecordedFrame]:
        """Read the images; one that cannot be read comes with its problem."""
        for index, file in enumerate(self._files):
            time, frame, problem = index / self._rate, None, ''
            try:
                frame = Frame(index, time, read_image(file))
            except ImageFileError as error:
                problem = str(error)
                self.problems.append(problem)
            yield RecordedFrame(self.path.name, IMAGES, time, time, frame, problem)


def open_source(path: Path, topics: Sequence[str], image_rate: float) -> Source:
    """
    Open a recording that `recordings_in` has found.

    :param topics: those of a bag to read; empty for all with images.
    :param image_rate: images a second of a folder of them.
    :raises BagError: when it is a bag without files.
    :raises ImageFileError: when it is a folder without images.
    """
    if is_video(path):
        return VideoSource(path)
    if is_bag_file(path) or (path.is_dir() and bags_in(path) == [path]):
        return BagSource(path, topics)
    return ImageFolderSource(path, image_rate)


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
