# SPDX-License-Identifier: Apache-2.0
"""Files are read as what they are."""

from pathlib import Path
from unittest.mock import Mock

import cv2
from fire_detector.images.files import (
    find_files,
    frame_rate,
    ImageFileError,
    is_video,
    read_camera,
    read_image,
    read_video,
    walk_files,
)
import numpy as np
import pytest

RED_BGR = (0, 0, 255)
FRAMES, RATE = 40, 20.0


@pytest.fixture(scope='module')
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a video of gray frames, each brighter than the one before."""
    path = tmp_path_factory.mktemp('video') / 'gray.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), RATE, (64, 48))
    for number in range(FRAMES):
        writer.write(np.full((48, 64, 3), 5 * number, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize('suffix', ['.png', '.bmp', '.tif', '.webp'])
def test_color_order(tmp_path: Path, suffix: str) -> None:
    """Red in the file is red in the image."""
    path = tmp_path / f'red{suffix}'
    cv2.imwrite(str(path), np.full((4, 6, 3), RED_BGR, np.uint8))
    image = read_image(path)
    assert image.color_order == 'BGR'
    assert image.pixels.shape == (4, 6, 3)
    assert image.pixels[1, 1, 2] > 200
    assert image.pixels[1, 1, 0] < 50


def test_gray_and_16_bit_files(tmp_path: Path) -> None:
    """Whatever the file holds, the image has three channels of eight bits."""
    cv2.imwrite(str(tmp_path / 'gray.png'), np.full((4, 6), 128, np.uint8))
    cv2.imwrite(str(tmp_path / 'deep.png'), np.full((4, 6, 3), 0x8000, np.uint16))
    for name in ('gray.png', 'deep.png'):
        np.testing.assert_array_equal(read_image(tmp_path / name).pixels, 128)


def test_names_outside_ascii(tmp_path: Path) -> None:
    """A file may be named in any script."""
    path = tmp_path / 'пожар 火.png'
    path.write_bytes(cv2.imencode('.png', np.zeros((2, 2, 3), np.uint8))[1].tobytes())
    assert read_image(path).pixels.shape == (2, 2, 3)


def test_folder_given_as_image(tmp_path: Path) -> None:
    """A folder is named as the wrong thing."""
    with pytest.raises(ImageFileError, match=str(tmp_path)):
        read_image(tmp_path)


@pytest.mark.parametrize(('content', 'size'), [(b'', 0), (b'no image', 8)])
def test_file_that_is_no_image(tmp_path: Path, content: bytes, size: int) -> None:
    """The error has the path and the size."""
    path = tmp_path / 'odd.png'
    path.write_bytes(content)
    with pytest.raises(ImageFileError, match=rf'odd\.png: not an image .*\({size} bytes\)'):
        read_image(path)


def test_missing_image(tmp_path: Path) -> None:
    """The error has the path and the system's reason."""
    with pytest.raises(ImageFileError, match=r'none\.png: No such file'):
        read_image(tmp_path / 'none.png')


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    """A photograph is turned as its header asks: by 90 degrees, 6 rows become 6 columns."""
    path = tmp_path / 'turned.jpg'
    file = cv2.imencode('.jpg', np.zeros((6, 9, 3), np.uint8))[1].tobytes()
    turned = bytes.fromhex('4d4d002a00000008' '0001' '0112000300000001' '00060000' '00000000')
    exif = b'Exif\0\0' + turned
    path.write_bytes(file[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + file[2:])
    assert read_image(path).pixels.shape == (9, 6, 3)


def test_folder_stands_for_its_images_and_videos(tmp_path: Path) -> None:
    """Those below it, too, by their suffixes in any case, sorted; other files are passed over."""
    names = ('b.JPG', 'a/c.png', 'a/d.mp4', 'a/b/e.TIFF')
    for name in (*names, 'notes.txt', 'a/jpg'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_files(tmp_path) == sorted(tmp_path / name for name in names)


def test_folder_without_images(tmp_path: Path) -> None:
    """It is named, and so is one that is not there, or whose name no file can have."""
    (tmp_path / 'notes.txt').touch()
    for path, message in ((tmp_path, 'no images or videos'), (tmp_path / 'none', 'No such file'),
                          (tmp_path / ('x' * 300), 'File name too long')):
        with pytest.raises(ImageFileError, match=f'{path}: {message}'):
            find_files(path)


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    """A link to a folder is followed; one back up, or a second one to the same, is not."""
    (tmp_path / 'outside').mkdir()
    (tmp_path / 'outside' / 'a.png').touch()
    folder = tmp_path / 'folder'
    (folder / 'inner').mkdir(parents=True)
    (folder / 'inner' / 'b.png').touch()
    (folder / 'inner' / 'dangling.png').symlink_to(tmp_path / 'nowhere')
    (folder / 'inner' / 'up').symlink_to(folder)
    (folder / 'link').symlink_to(tmp_path / 'outside')
    (folder / 'second').symlink_to(tmp_path / 'outside')
    found = walk_files(folder)
    assert found == sorted(found)
    assert [path.name for path in found].count('a.png') == 1
    assert [path.name for path in found].count('b.png') == 1
    assert len(found) == 2


def test_video(video: Path) -> None:
    """All frames in order, numbered from 0, at the times that 20 frames a second have."""
    frames = list(read_video(video))
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [frame.stamp for frame in frames] == [number * 50_000_000 for number in range(FRAMES)]
    assert {frame.image.color_order for frame in frames} == {'BGR'}
    means = [frame.image.pixels.mean() for frame in frames]
    np.testing.assert_allclose(means, 5.0 * np.arange(FRAMES), atol=3)
    assert frame_rate(video) == RATE
    assert is_video(video)
    assert not is_video(Path('gray.png'))
    assert is_video(Path('GRAY.MP4'))


def test_video_cut_short(video: Path, tmp_path: Path) -> None:
    """Half of a file has its beginning, and an error after that, with the missing frames."""
    path = tmp_path / 'cut.avi'
    content = video.read_bytes()
    path.write_bytes(content[:len(content) // 2])
    frames = read_video(path)
    seen = 0
    with pytest.raises(ImageFileError) as error:
        for _ in frames:
            seen += 1
    assert 0 < seen < 30
    assert str(error.value).endswith(f'cut.avi: ends after {seen} of {FRAMES} frames')


def test_what_is_no_video(tmp_path: Path) -> None:
    """A missing file and one of another kind are named; neither has a frame rate."""
    path = tmp_path / 'odd.mp4'
    with pytest.raises(ImageFileError, match=r'odd\.mp4: no such file'):
        next(read_video(path))
    path.write_bytes(b'no video')
    with pytest.raises(ImageFileError, match=r'odd\.mp4: not a video'):
        next(read_video(path))
    with pytest.raises(ImageFileError, match=r'odd\.mp4: states no frame rate'):
        frame_rate(path)


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Return a cv2.VideoCapture of a camera that states no rate and has no frame."""
    capture = Mock()
    capture.get.return_value = 0.0
    capture.retrieve.return_value = False, None
    monkeypatch.setattr(cv2, 'VideoCapture', Mock(return_value=capture))
    return capture


def test_camera(capture: Mock) -> None:
    """A camera that states no rate is taken to run at 30 Hz; its device is closed in the end."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    capture.retrieve.side_effect = [(True, pixels), (True, pixels), (False, None)]
    frames = list(read_camera(2))
    assert [(frame.index, frame.stamp) for frame in frames] == [(0, 0), (1, 33_333_333)]
    cv2.VideoCapture.assert_called_once_with(2)  # type: ignore[attr-defined]
    capture.release.assert_called_once_with()


def test_camera_without_frames(capture: Mock) -> None:
    """One that opens but has no frame is as good as none."""
    with pytest.raises(ImageFileError, match='camera 0: cannot be opened'):
        list(read_camera(0))
    capture.release.assert_called_once_with()


def test_missing_camera() -> None:
    """The error has the number, and what to look for."""
    with pytest.raises(ImageFileError, match=r'camera 99: cannot be opened: .*/dev/video99'):
        next(read_camera(99))


def test_single_file_stands_for_itself(tmp_path: Path) -> None:
    """Also under a name that no image has: reading it will tell."""
    path = tmp_path / 'frame.bin'
    path.touch()
    assert find_files(path) == [path]
