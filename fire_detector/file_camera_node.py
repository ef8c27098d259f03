# SPDX-License-Identifier: Apache-2.0
"""A camera that shows a video, a picture or a folder of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
import sys

from fire_detector.camera_node import CameraNode, run_camera
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
            raise ValueError('parameter path is empty: it must name a video, picture or folder')
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
    return run_camera(FileCameraNode, args)


if __name__ == '__main__':
    sys.exit(main())
