# SPDX-License-Identifier: Apache-2.0
"""A camera that shows a video, an image or a folder of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
import sys

from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import (
    find_files,
    frame_rate,
    ImageFileError,
    is_video,
    read_image,
    read_video,
)
from fire_detector.nodes.camera_node import CameraNode, OPTIONS, run_camera
from fire_detector.parameters.table import Parameter
from fire_detector.ros.node_help import NodeHelp

IMAGES_PER_SECOND = 5.0
HELP = NodeHelp(
    'file_camera',
    'Publish the frames of a video, an image or a folder of them once, a video at its own rate, '
    'on image and image/compressed. Begins when somebody subscribes.',
    ('--ros-args -p path:=clip.mp4', '--ros-args -p path:=images/ -p rate:=2.0'),
    (Parameter('path', '', 'Video, image or folder of them; it must be given.'),
     Parameter('rate', 0.0, f"Images a second; 0: a video's own, and {IMAGES_PER_SECOND:g} of "
                            'images.'),
     *OPTIONS))


class FileCameraNode(CameraNode):
    """Publish the frames of files once, a video's at its own rate, without leaving any out."""

    def __init__(self) -> None:
        """
        Find the files that the parameter `path` names.

        :raises ValueError: when there is nothing to show at that path.
        """
        super().__init__('file_camera')
        path: str = self.declare_parameter('path', '').value
        # 0: the video's own.
        rate = self.declare_number('rate', 0.0)
        if not path:
            raise ValueError('parameter path is empty: name a video, image or folder, as in '
                             '--ros-args -p path:=clip.mp4')
        if not rate >= 0:
            raise ValueError(f'parameter rate is {rate}, expected images a second, or 0')
        files = find_files(Path(path))
        self.rate = rate or (frame_rate(files[0]) if is_video(files[0]) else IMAGES_PER_SECOND)
        self._images = self._read(files)

    def next_image(self) -> ColorImage | None:
        """
        Return the next frame, or None after the last.

        :raises ImageFileError: when there was not a single frame in the files.
        """
        # No frame takes the place of one that is still on its way.
        self.wait_until_delivered()
        return next(self._images, None)

    def _read(self, files: list[Path]) -> Iterator[ColorImage]:
        count = 0
        for file in files:
            try:
                for image in _images(file):
                    yield image
                    count += 1
            except ImageFileError as error:
                self.get_logger().error(str(error))
        if count == 0:
            raise ImageFileError('not a single image could be read')


def _images(file: Path) -> Iterator[ColorImage]:
    if is_video(file):
        yield from (frame.image for frame in read_video(file))
    else:
        yield read_image(file)


def main(args: Sequence[str] | None = None) -> int:
    """Run the camera; return the exit status."""
    return run_camera(FileCameraNode, args, HELP)


if __name__ == '__main__':
    sys.exit(main())
