# SPDX-License-Identifier: Apache-2.0
"""`fire_classify` as a person runs it: a process with output, errors and an exit status."""

from functools import partial
import json
from pathlib import Path
import shutil
import subprocess
import sys
import time

from command_line import ROOT, run_module
import cv2
from fire_detector.images.files import read_image
from fire_detector.model.classifier import FireClassifier
import numpy as np
import pytest

fire_classify = partial(run_module, 'fire_detector.cli.classify')


def test_a_line_for_each_image(data: Path, model: Path) -> None:
    """Percentages for a person, equal to the classifier's, in the order of the arguments."""
    paths = [data / 'images' / 'cair' / kind / '0002.jpg' for kind in ('nofire', 'fire')]
    classifier = FireClassifier(model)
    result = fire_classify(*paths)
    assert result.stdout.splitlines() == [
        f'{path}: {100 * classifier.probability(read_image(path)):.1f} % fire' for path in paths]
    assert result.returncode == 0


def test_json(data: Path) -> None:
    """One object a line, for programs."""
    path = data / 'images' / 'cair' / 'fire' / '0002.jpg'
    line = json.loads(fire_classify('--json', path).stdout)
    assert line['path'] == str(path)
    assert 0.9 < line['fire_probability'] <= 1.0
    assert line['inference_ms'] > 0
    assert 'frame' not in line


def test_folder_is_read_recursively_in_sorted_order(data: Path, tmp_path: Path) -> None:
    """Images below images, in the order of their paths; other files are passed over."""
    source = data / 'images' / 'cair' / 'fire' / '0002.jpg'
    names = ('b.jpg', 'a/z.JPG', 'a/deeper/x.jpg', 'c.jpeg')
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / name)
    (tmp_path / 'notes.txt').write_text('not an image')
    result = fire_classify('--json', tmp_path)
    found = [json.loads(line)['path'] for line in result.stdout.splitlines()]
    assert found == sorted(str(tmp_path / name) for name in names)
    assert result.returncode == 0


@pytest.mark.time
def test_600_images_take_under_20_s(data: Path) -> None:
    """The bound is an order of magnitude above what a workstation takes."""
    paths = sorted((data / 'images' / 'news' / 'fire').iterdir())[:600]
    start = time.monotonic()
    result = fire_classify(*paths)
    assert len(result.stdout.splitlines()) == 600
    assert time.monotonic() - start < 20


def test_video_has_a_line_for_each_frame(tmp_path: Path) -> None:
    """Frames are numbered from 0, and timed by the rate of the file."""
    path = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (64, 48))
    for shade in range(0, 250, 50):
        writer.write(np.full((48, 64, 3), shade, np.uint8))
    writer.release()
    lines = [json.loads(text) for text in fire_classify('--json', path).stdout.splitlines()]
    assert [line['frame'] for line in lines] == [0, 1, 2, 3, 4]
    assert [line['time'] for line in lines] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert fire_classify(path).stdout.splitlines()[3].startswith(f'{path} frame 3 (0.30 s): ')


def test_unreadable_input_is_named_and_the_rest_is_done(data: Path, tmp_path: Path) -> None:
    """Each bad path is on stderr with its reason, the good one has its line, status is 1."""
    good = data / 'images' / 'cair' / 'fire' / '0002.jpg'
    damaged, empty, folder = tmp_path / 'damaged.jpg', tmp_path / 'empty.png', tmp_path / 'none'
    damaged.write_bytes(b'\xff\xd8\xff\xe0 no more than a beginning')
    empty.touch()
    folder.mkdir()
    clip = tmp_path / 'clip.mp4'
    clip.write_bytes(b'no video')
    endless = tmp_path / f'{"x" * 300}.jpg'
    result = fire_classify(tmp_path / 'nosuch.jpg', endless, damaged, empty, folder, clip, good)
    assert result.returncode == 1
    assert len(result.stdout.splitlines()) == 1
    assert result.stdout.startswith(str(good))
    for path, reason in ((tmp_path / 'nosuch.jpg', 'No such file'), (damaged, 'not an image'),
                         (endless, 'File name too long'), (empty, 'not an image'),
                         (folder, 'no images or videos'),
                         (clip, 'not a video')):
        assert any(line.startswith(f'fire_classify: {path}: ') and reason in line
                   for line in result.stderr.splitlines()), result.stderr


def test_truncated_video_is_reported(data: Path, tmp_path: Path) -> None:
    """Status 1, and the path in the message."""
    content = (data / 'video' / 'altar_nofire.mp4').read_bytes()
    path = tmp_path / 'cut.mp4'
    path.write_bytes(content[:len(content) // 2])
    result = fire_classify(path)
    assert result.returncode == 1
    assert str(path) in result.stderr


@pytest.mark.parametrize('content', [None, b'no model'])
def test_missing_or_broken_model(tmp_path: Path, data: Path, content: bytes | None) -> None:
    """Status 2, and the path of the model in the message."""
    path = tmp_path / 'other.tflite'
    if content is not None:
        path.write_bytes(content)
    result = fire_classify('--model', path, data / 'images' / 'cair' / 'fire' / '0002.jpg')
    assert result.returncode == 2
    assert f'fire_classify: {path}: ' in result.stderr
    assert result.stdout == ''


def test_installed_model_by_name(data: Path, tmp_path: Path) -> None:
    """A file name finds the model that comes with the package, from any folder."""
    image = data / 'images' / 'cair' / 'fire' / '0002.jpg'
    result = fire_classify('--model', 'firenet.tflite', image, folder=tmp_path,
                           environment={'PYTHONPATH': str(ROOT)})
    assert result.returncode == 0, result.stderr
    missing = fire_classify('--model', 'nosuch.tflite', image)
    assert missing.returncode == 2
    assert 'fire_detector.tflite' in missing.stderr


def test_nothing_to_do() -> None:
    """Without a path there is a usage line, and status 2."""
    result = fire_classify()
    assert result.returncode == 2
    assert 'name a PATH or a --camera' in result.stderr


def test_camera_that_is_not_there() -> None:
    """Status 1, and the number in the message."""
    result = fire_classify('--camera', 97)
    assert result.returncode == 1
    assert 'fire_classify: camera 97: cannot be opened' in result.stderr


def test_reader_that_goes_away(data: Path) -> None:
    """`fire_classify FOLDER | head -1` shows no traceback."""
    result = subprocess.run(
        f'{sys.executable} -m fire_detector.cli.classify {data / "images" / "scenes"} | head -1',
        shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert len(result.stdout.splitlines()) == 1
    assert 'Traceback' not in result.stderr
