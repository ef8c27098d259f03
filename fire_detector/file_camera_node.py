# SPDX-License-Identifier: Apache-2.0
"""A camera that shows a video, a picture or a folder of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
import sys

from fire_detector.camera_node import CameraNode, OPTIONS, run_camera
from fire_detector.node_help import NodeHelp
from fire_detector.parameter_table import Parameter
from fire_detector.picture import Picture
from fire_detector.picture_files import (
    find_files,
    frame_rate,
    is_video,
    PictureFileError,
    read_picture,
    read_video,
)

PICTURES_PER_SECOND = 5.0
HELP = NodeHelp(
    'file_camera',
    'Publish the frames of a video, a picture or a folder of them once, a video at its own rate, '
    'on image and image/compressed. Begins when somebody subscribes.',
    ('--ros-args -p path:=clip.mp4', '--ros-args -p path:=pictures/ -p rate:=2.0'),
    (Parameter('path', '', 'Video, picture or folder of them; it must be given.'),
     Parameter('rate', 0.0, f"Pictures a second; 0: a video's own, and {PICTURES_PER_SECOND:g} of "
                            'pictures.'),
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
            raise ValueError('parameter path is empty: name a video, picture or folder, as in '
                             '--ros-args -p path:=clip.mp4')
        if not rate >= 0:
            raise ValueError(f'parameter rate is {rate}, expected pictures a second, or 0')
        files = find_files(Path(path))
        self.rate = rate or (frame_rate(files[0]) if is_video(files[0]) else PICTURES_PER_SECOND)
        self._pictures = self._read(files)

    def next_picture(self) -> Picture | None:
        """
        Give the next frame, or None after the last.

        :raises PictureFileError: when there was not a single frame in the files.
        """
        # No frame takes the place of one that is still on its way.
        self.wait_until_delivered()
        return next(self._pictures, None)

    def _read(self, files: list[Path]) -> Iterator[Picture]:
        count = 0
        for file in files:
            try:
                for picture in _pictures(file):
                    yield picture
                    count += 1
            except PictureFileError as error:
                self.get_logger().error(str(error))
        if count == 0:
            raise PictureFileError('not a single picture could be read')


def _pictures(file: Path) -> Iterator[Picture]:
    if is_video(file):
        yield from (frame.picture for frame in read_video(file))
    else:
        yield read_picture(file)


def main(args: Sequence[str] | None = None) -> int:
    """Run the camera; return the exit status."""
    return run_camera(FileCameraNode, args, HELP)


if __name__ == '__main__':
    sys.exit(main())
