# SPDX-License-Identifier: Apache-2.0
"""The demo, run as `make demo` runs it."""

from functools import partial
from pathlib import Path
import re
import time

from command_line import run_module
import cv2
from fire_detector.demo.plot import alarm_intervals, plot, Recording, TimedAnswer
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
    assert '8 images answered' in result.stdout
    assert 'a broken one.jpg: not an image' in (tmp_path / 'camera.log').read_text()


@pytest.mark.filterwarnings('error')
def test_plot_of_one_image(tmp_path: Path) -> None:
    """It is there, on the left in the upper row, as wide as one of eight; its answer is a dot."""
    blue = np.zeros((60, 80, 3), np.uint8)
    blue[..., 2] = 255
    path = tmp_path / 'plot.png'
    plot(Recording('one', [TimedAnswer(0.0, 0.5, False)], [(0.0, blue)]), path)
    drawn = cv2.imread(str(path))
    found = np.argwhere((drawn == (255, 0, 0)).all(axis=2))
    (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0)
    assert right < 1200 / 8 * 1.5
    assert right - left > 80
    assert top > 20
    # The curve's color is #22333b; at a half it begins in the middle of the axes, on the left.
    middle = drawn[bottom + 150:bottom + 250, :100].astype(int)
    assert (np.abs(middle - (0x3b, 0x33, 0x22)).max(axis=2) < 3).any()


def test_input_that_is_not_there(tmp_path: Path) -> None:
    """The path is named, before anything is started."""
    result = fire_demo('--input', tmp_path / 'nosuch.mp4', '--out', tmp_path)
    assert result.returncode == 1
    assert result.stderr == f'demo: {tmp_path / "nosuch.mp4"}: No such file or directory\n'


def test_input_that_is_no_video(tmp_path: Path) -> None:
    """The camera's end is reported, and where its log is."""
    path = tmp_path / 'broken.mp4'
    path.write_bytes(b'no video')
    result = fire_demo('--input', path, '--out', tmp_path)
    assert result.returncode == 1
    assert 'the camera ended' in result.stderr
    assert 'states no frame rate' in (tmp_path / 'camera.log').read_text()


@pytest.mark.parametrize(('alarms', 'expected'), [
    ('', []),
    ('...', []),
    ('.!!.', [(1.0, 3.0)]),
    ('!.!!', [(0.0, 1.0), (2.0, 3.0)]),
])
def test_alarm_intervals(alarms: str, expected: list[tuple[float, float]]) -> None:
    """From the answer that raised it to the answer that cleared it, or the last."""
    answers = [TimedAnswer(float(time), 0.5, alarm == '!') for time, alarm in enumerate(alarms)]
    assert alarm_intervals(answers) == expected
