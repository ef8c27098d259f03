# SPDX-License-Identifier: Apache-2.0
"""The demo, run as `make demo` runs it."""

from functools import partial
from pathlib import Path
import re
import time

from command_line import run_module
import cv2
from fire_detector.demo.plot import plot, Recording
from fire_detector.replay.chart import Series, SERIES_COLORS
from matplotlib.colors import to_rgb
import numpy as np
import pytest

fire_demo = partial(run_module, 'fire_detector.demo.main')


def test_synthetic_scene(tmp_path: Path) -> None:
    """The fire is found, by itself and in under a minute; the plot is where it says."""
    start = time.time()
    result = fire_demo('--out', tmp_path, '--started', start)
    assert result.returncode == 0, result.stderr
    assert time.time() - start < 60
    first = re.search(r'First probability published (\d+\.\d) s', result.stdout)
    assert first is not None
    assert float(first[1]) < 10
    # The fire burns from 4 s to 20 s.
    alarm = re.search(r'Alarm from (\d+\.\d) s to (\d+\.\d) s', result.stdout)
    assert alarm is not None
    assert 4 <= float(alarm[1]) < 7
    # The sunset that comes later is taken for fire too; the room of the end is quiet.
    assert 20 <= float(alarm[2]) < 23
    path = Path(result.stdout.split('Plot: ')[1].strip())
    assert path == tmp_path / 'demo.png'
    assert cv2.imread(str(path)).shape == (520, 1200, 3)


def test_own_images(data: Path, tmp_path: Path) -> None:
    """A folder of images is shown instead, every one that can be read."""
    folder = tmp_path / 'fire #2: images'
    folder.mkdir()
    for path in sorted((data / 'images' / 'scenes' / 'nofire').iterdir())[:8]:
        (folder / path.name).symlink_to(path)
    (folder / 'a broken one.jpg').write_bytes(b'no image')
    result = fire_demo('--input', folder, '--out', tmp_path)
    assert result.returncode == 0, result.stderr
    assert '8 images processed' in result.stdout
    assert 'a broken one.jpg: not an image' in (tmp_path / 'camera.log').read_text()


@pytest.mark.filterwarnings('error')
def test_plot_of_one_image(tmp_path: Path) -> None:
    """It is there, on the left in the upper row, as wide as one of eight; below it is a dot."""
    blue = np.zeros((60, 80, 3), np.uint8)
    blue[..., 2] = 255
    path = tmp_path / 'plot.png'
    plot(Recording('one', Series('', [0.0], [0.5], []), [(0.0, blue)]), path)
    drawn = cv2.imread(str(path))
    found = np.argwhere((drawn == (255, 0, 0)).all(axis=2))
    (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0)
    assert right < 1200 / 8 * 1.5
    assert right - left > 80
    assert top > 20
    # At a half on the left of the axes, below the image.
    color = np.round(np.multiply(to_rgb(SERIES_COLORS[0]), 255))[::-1]
    dots = np.argwhere((np.abs(drawn[bottom:] - color) < 40).all(axis=2))
    assert len(dots) > 4
    assert dots[:, 1].max() < 300


@pytest.mark.parametrize(('content', 'in_error', 'in_log'), [
    (None, 'nosuch.mp4: No such file', ''),
    (b'no video', 'the camera ended', 'states no frame rate')])
def test_input_that_cannot_be_read(content: bytes | None, in_error: str, in_log: str,
                                   tmp_path: Path) -> None:
    """A path without a file is named before anything is started; else the camera's end is."""
    path = tmp_path / 'nosuch.mp4'
    if content:
        path.write_bytes(content)
    result = fire_demo('--input', path, '--out', tmp_path)
    assert result.returncode == 1
    assert in_error in result.stderr
    log = tmp_path / 'camera.log'
    assert (in_log in log.read_text()) if content else not log.exists()
