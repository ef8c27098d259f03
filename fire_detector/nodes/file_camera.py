# SPDX-License-Identifier: Apache-2.0
"""A camera that publishes a video, an image, a folder of them, or a bag."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
import sys
from typing import Any

from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import (
    find_files,
    frame_rate,
    ImageFileError,
    is_video,
    read_image,
    read_video,
)
from fire_detector.nodes.camera_node import ImagePlayback, Playback, run_camera
from fire_detector.parameters.cameras import FILE_CAMERA, IMAGES_PER_SECOND
from fire_detector.replay.bags.files import bags_in, is_bag_file
from fire_detector.ros.node_help import NodeHelp
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.node import Node

HELP = NodeHelp(
    'file_camera',
    'Publish the frames of a video, an image, a folder of them or the image messages of a bag '
    'once, a video at its own rate, a bag at its recorded pace, on image and image/compressed. '
    'Begins when somebody subscribes.',
    ('--ros-args -p path:=clip.mp4', '--ros-args -p path:=images/ -p rate:=2.0',
     '--ros-args -p path:=run_12 -p topic:=/front/image_raw -p clock:=true'),
    FILE_CAMERA)
# Parameters without a meaning for the other kind of source.
OF_BAGS, OF_IMAGES = ('speed', 'topic', 'clock'), ('rate',)


class FilePlayback(ImagePlayback):
    """Images of files, none of which takes the place of one that is still on its way."""

    def _publish_next(self) -> None:
        self.wait_until_delivered()
        super()._publish_next()


def create_playback(node: Node, values: Mapping[str, Any]) -> Playback:
    """
    Prepare what the parameter `path` names.

    :param node: of the camera.
    :param values: of its parameters, by name.
    :raises ValueError: when there is nothing to publish at that path.
    """
    if not values['path']:
        raise ValueError('parameter path is empty: name a video, image, folder or bag, as in '
                         '--ros-args -p path:=clip.mp4')
    path = Path(values['path'])
    bag = find_bag(path)
    if bag is not None:
        _check_unset(values, OF_IMAGES, f'bag {bag}')
        return _create_bag_playback(node, bag, values)
    files = find_files(path)
    _check_unset(values, OF_BAGS, f'{path}, which is no bag')
    rate = values['rate'] or (frame_rate(files[0]) if is_video(files[0]) else IMAGES_PER_SECOND)
    source = f'{len(files)} files from {files[0]} on' if len(files) > 1 else str(path)
    return FilePlayback(node, source, read_images(files, node.get_logger()), rate, values)


def find_bag(path: Path) -> Path | None:
    """
    Find the bag that a path names.

    :param path: a file or folder.
    :return: the bag; None where there is none.
    :raises ValueError: when it is a folder of several bags.
    """
    if is_bag_file(path):
        return path
    bags = bags_in(path) if path.is_dir() else []
    if len(bags) > 1:
        raise ValueError(f'{path}: several bags in this folder: name one of '
                         f'{", ".join(bag.name for bag in bags)}')
    return bags[0] if bags else None


def read_images(files: Sequence[Path], log: RcutilsLogger) -> Iterator[ColorImage]:
    """
    Read the images of files, past those that cannot be read.

    :param files: videos and images.
    :param log: for what cannot be read.
    :raises ImageFileError: at the end, when not a single image was read.
    """
    count = 0
    for file in files:
        try:
            for image in _read_images_of(file):
                yield image
                count += 1
        except ImageFileError as error:
            log.error(str(error))
    if count == 0:
        raise ImageFileError('not a single image could be read')


def _read_images_of(file: Path) -> Iterator[ColorImage]:
    if is_video(file):
        yield from (frame.image for frame in read_video(file))
    else:
        yield read_image(file)


def _check_unset(values: Mapping[str, Any], names: Sequence[str], source: str) -> None:
    for parameter in FILE_CAMERA:
        if parameter.name in names and values[parameter.name] != parameter.default:
            raise ValueError(f'parameter {parameter.name} is {values[parameter.name]!r}: it has '
                             f'no meaning for {source}; leave it out')


def _create_bag_playback(node: Node, bag: Path, values: Mapping[str, Any]) -> Playback:
    try:
        # Here, so that videos and images are published without what reads bags.
        from fire_detector.nodes.bag_playback import BagPlayback
    except ImportError as error:
        raise ValueError(f'{bag}: a bag needs the Python package rosbags ({error}): from the '
                         "checkout of fire_detector, pip install '.[replay]'") from error
    return BagPlayback(node, bag, values)


def main(args: Sequence[str] | None = None) -> int:
    """Run the camera; return the exit status."""
    return run_camera(HELP, create_playback, args)


if __name__ == '__main__':
    sys.exit(main())
