# SPDX-License-Identifier: Apache-2.0
"""fire_replay from its command line: what it writes, prints and refuses."""

from collections.abc import Callable, Iterator
import contextlib
import csv
import fcntl
from functools import partial
import os
from pathlib import Path
import pty
import signal
import struct
import subprocess
import sys
import termios
import time

from command_line import ROOT, run_module
import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.files import read_image, read_video
from fire_detector.model.classifier import FireClassifier
from fire_detector.model.locate import find_model
from fire_detector.replay.main import main
import pytest
from replay_bags import camera, COMPRESSED, frames, Pixels, resized, START, text, write_bag
from rosbags.rosbag2 import StoragePlugin

TIMEOUT = 120
FIRENET = 'firenet.tflite'
Here = Callable[..., tuple[int, str, str]]

fire_replay = partial(run_module, 'fire_detector.replay.main')


@pytest.fixture
def here(tmp_path: Path, capfd: pytest.CaptureFixture[str],
         monkeypatch: pytest.MonkeyPatch) -> Here:
    """Run it in this process, which saves a second; return status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    # This process must not end when a reader of its output does.
    monkeypatch.setattr(signal, 'signal', lambda *_: None)

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            status = main([str(word) for word in arguments])
        except SystemExit as error:
            status = int(error.code or 0)
        return (status, *capfd.readouterr())
    return run


def table(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope='module')
def images(data: Path) -> list[Pixels]:
    """Return 12 small frames of a real clip."""
    return [resized(pixels, 160, 120) for pixels in frames(
        data / 'video' / 'furg_house6_fire.mp4', 12, first=450)]


@pytest.fixture(scope='module')
def bags(images: list[Pixels], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with three bags, two good ones and one without images."""
    folder = tmp_path_factory.mktemp('bags')
    write_bag(folder / 'one', [*camera(images, rate=10), text()], StoragePlugin.MCAP)
    write_bag(folder / 'deep' / 'two', camera(images, '/front', kind=COMPRESSED),
              StoragePlugin.SQLITE3)
    write_bag(folder / 'silent', [text()], StoragePlugin.SQLITE3)
    return folder


def test_one_bag(bags: Path, tmp_path: Path) -> None:
    """
    A low threshold raises the alarm; the table has a line for each image.

    The third of the images, which lie 0.1 s apart, raises it: 0.2 s after the first, with which
    the label begins.
    """
    labels = tmp_path / 'events.csv'
    labels.write_text('start,end,label\n0,2,fire\n')
    result = fire_replay(bags / 'one', '--on-threshold', 0, '--off-threshold', 0,
                         '--window', 2, '--min-frames', 3, '--labels', labels,
                         folder=tmp_path)
    assert (result.returncode, result.stderr.replace(
        'INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n', '')) == (0, '')
    out = tmp_path / 'one_replay'
    assert {path.name for path in out.iterdir()} == {'report.html', 'timeline.csv',
                                                     'timeline.png'}
    rows = table(out / 'timeline.csv')
    assert [row['alarm'] for row in rows] == ['0', '0'] + ['1'] * 10
    assert {row['topic'] for row in rows} == {'/image'}
    assert cv2.imread(str(out / 'timeline.png')).shape[1] == 1200
    header, line = result.stdout.splitlines()[:2]
    columns = dict(zip(header.split(), line.replace('fire_detector ', 'fire_detector_').split(),
                       strict=True))
    assert (columns['images'], columns['alarms'], columns['time_to_alarm_s'],
            columns['false_alarms']) == ('12', '1', '0.20', '0')


def test_compare(here: Here, bags: Path, tmp_path: Path, images: list[Pixels],
                 model: Path) -> None:
    """Both models' probabilities stand in one line, and both are named in the report."""
    assert here(bags / 'one', '--compare', FIRENET, '--latch', '--out', 'both')[0] == 0
    rows = table(tmp_path / 'both' / 'timeline.csv')
    for column, path in (('probability', model), ('probability_2', find_model(FIRENET))):
        classifier = FireClassifier(path)
        assert [float(row[column]) for row in rows] == pytest.approx(
            [classifier.probability(ColorImage(pixels, 'BGR')) for pixels in images], abs=1e-6)
    report = (tmp_path / 'both' / 'report.html').read_text()
    assert 'firenet' in report
    assert report.count('latch</th><td>yes') == 2


def test_folder_of_bags(bags: Path, tmp_path: Path) -> None:
    """Each bag has its report, the summary a line for each; the bag without images a problem."""
    result = fire_replay(bags, '--jobs', 2, '--out', 'night', folder=tmp_path)
    assert result.returncode == 1
    assert 'silent: no messages with images: the topics that were found are /chatter' in (
        result.stderr)
    rows = {Path(row['recording']).name: row for row in table(tmp_path / 'night' / 'summary.csv')}
    assert {name: (row['topic'], row['images'], row['problems'])
            for name, row in rows.items()} == {
        'one': ('/image', '12', '0'), 'two': ('/front', '12', '0'), 'silent': ('', '', '1')}
    assert {path.parent.name for path in (tmp_path / 'night').glob('*/report.html')} == {
        'one', 'two'}
    assert all(name in result.stdout for name in ('one', 'two', 'silent', 'night/summary.csv'))


def test_video(here: Here, tmp_path: Path, images: list[Pixels], model: Path) -> None:
    """
    The probabilities of a video are the classifier's, at the times of its rate.

    Of one that is cut short, those frames are processed that can be read.
    """
    path = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 8, (160, 120))
    for pixels in images:
        writer.write(pixels)
    writer.release()
    classifier = FireClassifier(model)
    expected = [classifier.probability(frame.image) for frame in read_video(path)]
    assert here(path)[0] == 0
    rows = table(tmp_path / 'clip_replay' / 'timeline.csv')
    assert [float(row['stamp']) for row in rows] == [index / 8 for index in range(12)]
    assert [float(row['probability']) for row in rows] == pytest.approx(expected, abs=1e-6)
    with path.open('rb+') as stream:
        stream.truncate(path.stat().st_size // 2)
    status, _, errors = here(path, '--out', 'half')
    assert status == 1
    assert 'clip.avi: ends after' in errors
    half = table(tmp_path / 'half' / 'timeline.csv')
    assert 0 < len(half) < 12
    # OpenCV makes up the rest of a frame that is there in part.
    assert [float(row['probability']) for row in half[:-1]] == pytest.approx(
        expected[:len(half) - 1], abs=1e-6)


def test_folder_of_images(here: Here, data: Path, tmp_path: Path, model: Path) -> None:
    """Images come in the order of their names, 4 a second; a broken one makes it status 1."""
    folder = tmp_path / 'images'
    folder.mkdir()
    chosen = sorted((data / 'images' / 'cair' / 'fire').iterdir())[:3]
    for path in chosen:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / 'z.jpg').write_bytes(b'no image')
    status, _, errors = here(folder, '--image-rate', 4)
    assert status == 1
    assert 'z.jpg: not an image' in errors
    rows = table(tmp_path / 'images_replay' / 'timeline.csv')
    assert [float(row['stamp']) for row in rows] == [0, 0.25, 0.5, 0.75]
    classifier = FireClassifier(model)
    assert [float(row['probability']) for row in rows[:3]] == pytest.approx(
        [classifier.probability(read_image(path)) for path in chosen], abs=1e-6)
    assert (rows[3]['probability'], rows[3]['reason']) == ('', 'data')


@pytest.mark.parametrize(('arguments', 'words'), [
    (['--model', 'none.tflite'], 'none.tflite: no such model file'),
    (['--compare', 'none.tflite'], 'none.tflite: no such model file'),
    (['--on-threshold', '2'], 'alarm.on_threshold is 2.0, not a number from -1 to 1'),
    (['--on-threshold', '0.2', '--off-threshold', '0.4'], 'off 0.4, on 0.2'),
    (['--threads', '0'], 'num_threads'),
    (['--labels', 'none.csv'], 'none.csv: cannot be read'),
    (['--topic', '/none'], 'no messages with images on /none'),
    (['--out', '/dev/null/night'], '/dev/null/night: Not a directory'),
    (['--jobs', '0'], "'0' is not a whole number from 1 on")])
def test_wrong_command_lines(here: Here, arguments: list[str], words: str, bags: Path,
                             tmp_path: Path) -> None:
    """Status 2, a line that names the cause, and nothing written."""
    status, _, errors = here(bags / 'one', *arguments)
    assert status == 2
    assert words in errors
    assert list(tmp_path.iterdir()) == []


def test_labels_of_several_recordings(here: Here, bags: Path, tmp_path: Path) -> None:
    """Seconds since the first image fit one recording only; stamps fit them all."""
    labels = tmp_path / 'events.csv'
    labels.write_text('start,end,label\n0,2,fire\n')
    status, _, errors = here(bags, '--labels', labels)
    assert status == 2
    assert 'fit one recording, and there are 3' in errors
    labels.write_text(f'start,end,label\n{START},{START + 9},fire\n')
    here(bags / 'one', bags / 'deep', '--labels', labels, '--out', 'both')
    assert [(row['fires'], row['missed']) for row in table(tmp_path / 'both' / 'summary.csv')] == [
        ('1', '1'), ('1', '1')]


@contextlib.contextmanager
def replaying(clip: Path, jobs: int,
              folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Replay a clip four times; return the process and its log once all jobs are at work."""
    log = folder / 'log'
    with log.open('wb') as output, subprocess.Popen(
            [sys.executable, '-m', 'fire_detector.replay.main', *[clip] * 4, '--jobs', str(jobs)],
            cwd=folder, stdout=output, stderr=output, start_new_session=True,
            env=os.environ | {'PYTHONPATH': str(ROOT)}) as process:
        try:
            deadline = time.monotonic() + TIMEOUT
            # LiteRT, the first of the runtimes, logs once in each process that it loaded a model.
            while log.read_text().count('XNNPACK') < (1 if jobs == 1 else 1 + jobs):
                assert time.monotonic() < deadline, log.read_text()
                assert process.poll() is None, log.read_text()
                time.sleep(0.01)
            yield process, log
        finally:
            process.kill()


@pytest.mark.parametrize('jobs', [1, 2])
def test_interrupted(jobs: int, data: Path, tmp_path: Path) -> None:
    """Ctrl-C ends it soon, with status 130, no traceback and nothing half written."""
    with replaying(data / 'video' / 'furg_house6_fire.mp4', jobs, tmp_path) as (process, log):
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(TIMEOUT) == 130
    assert 'Traceback' not in log.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ['log']


def test_worker_is_killed(data: Path, tmp_path: Path) -> None:
    """Recordings whose process was killed, as for lack of memory, are problems: status 2."""
    with replaying(data / 'video' / 'furg_house6_fire.mp4', 2, tmp_path) as (process, log):
        children = Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text().split()
        worker = next(int(child) for child in children
                      if 'spawn_main' in Path(f'/proc/{child}/cmdline').read_text())
        os.kill(worker, signal.SIGKILL)
        assert process.wait(TIMEOUT) == 2, log.read_text()
    assert log.read_text().count('a process that replayed recordings was ended') == 4


def test_bar_on_a_terminal(bags: Path, tmp_path: Path) -> None:
    """On a terminal a bar shows the progress; test_one_bag has that elsewhere stderr is empty."""
    ours, theirs = pty.openpty()
    # Rows and columns, without which nothing is drawn: man 4 tty_ioctl.
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, '-m', 'fire_detector.replay.main', bags / 'one'], cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=theirs, env=os.environ | {'PYTHONPATH': str(ROOT)})
    os.close(theirs)
    drawn = b''
    # A terminal whose other side is closed ends with an error.
    with contextlib.suppress(OSError):
        while part := os.read(ours, 4096):
            drawn += part
    os.close(ours)
    assert process.wait(TIMEOUT) == 0
    assert b'one:' in drawn
    assert b'/12' in drawn


REPLAY_AND_LIST = """
import sys
from fire_detector.replay.main import main
status = main(sys.argv[1:])
wrong = [name for name in ('rclpy', 'sensor_msgs', 'rcl_interfaces', 'tensorflow')
         if name in sys.modules]
sys.exit(f'imported: {wrong}' if wrong else status)
"""
NODE_AND_LIST = """
import sys
import fire_detector.nodes.detector_node
wrong = [name for name in ('rosbags', 'matplotlib', 'jinja2', 'tqdm', 'tensorflow')
         if name in sys.modules]
sys.exit(f'imported: {wrong}' if wrong else 0)
"""


WITHOUT_ROSBAGS = f"import sys\nsys.modules['rosbags'] = None\n{REPLAY_AND_LIST}"


@pytest.mark.parametrize(('program', 'status', 'words'), [
    # A whole replay, not its import alone, leaves ROS out; the robot pays for nothing of this.
    (REPLAY_AND_LIST, 0, ''), (NODE_AND_LIST, 0, ''),
    (WITHOUT_ROSBAGS, 2, "pip install '.[replay]'")])
def test_imports(program: str, status: int, words: str, bags: Path, tmp_path: Path) -> None:
    """Each part loads what it needs; where a part of the extra is missing, a line names it."""
    result = subprocess.run(
        [sys.executable, '-c', program, bags / 'one'], cwd=tmp_path, capture_output=True,
        text=True, timeout=TIMEOUT, check=False, env=os.environ | {'PYTHONPATH': str(ROOT)})
    assert result.returncode == status, result.stderr
    assert words in result.stderr
