# SPDX-License-Identifier: Apache-2.0
"""
Run the real detector on images over DDS, print its predictions and plot them.

Nodes and topics are those of a robot; only the camera has no lens.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
import json
import os
from pathlib import Path
import subprocess
import sys
import time

from fire_detector.cli.command_line import create_parser, ExitStatus, parse, print_problem
from fire_detector.demo.plot import plot, Recording
from fire_detector.detection.alarm import alarm_intervals
from fire_detector.images.files import find_files, ImageFileError
from fire_detector.replay.chart import Series
from fire_detector.ros.detector_listener import DetectorListener, TimedPrediction
from fire_detector.ros.isolation import find_free_domain, isolation_variables, running
from fire_detector.ros.process import ros_process
from fire_detector.scene.scene import PHASES

START_TIMEOUT = 30.0
DISPLAY_PERIOD = 0.2
BAR_WIDTH = 30


class DemoError(RuntimeError):
    """Report that the demo failed."""


def run_node(module: str, parameters: Sequence[str],
             log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """
    Run a node of this package in a process, within the context.

    :param module: its name.
    :param parameters: its ROS parameters, as `name:=value`.
    :param log: file for its output, which is overwritten.
    """
    log.write_bytes(b'')
    return running(
        [sys.executable, '-m', f'fire_detector.nodes.{module}', '--ros-args',
         *(word for parameter in parameters for word in ('-p', parameter))], log)


def check_running(detector: subprocess.Popen[bytes]) -> None:
    """Raise DemoError when the detector has ended."""
    if detector.poll() is not None:
        raise DemoError(f'the detector ended with status {detector.returncode}')


def wait_for_detector(listener: DetectorListener, detector: subprocess.Popen[bytes]) -> None:
    """
    Wait until the detector's topics exist.

    :raises DemoError: when the detector ends, or the topics do not appear in time.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while not listener.detector_is_there:
        listener.spin_once()
        check_running(detector)
        if time.monotonic() > deadline:
            raise DemoError(f'no detector within {START_TIMEOUT:.0f} s')


def print_predictions(listener: DetectorListener, detector: subprocess.Popen[bytes],
                      camera: subprocess.Popen[bytes], started: float) -> None:
    """
    Print the predictions as they arrive, until the camera ends.

    :param started: when the user started the demo, in seconds as from time.time().
    :raises DemoError: when detector or camera fail, or there is no prediction.
    """
    deadline = time.monotonic() + START_TIMEOUT
    printed = 0.0
    while camera.poll() is None or listener.is_receiving:
        listener.spin_once()
        check_running(detector)
        if not listener.predictions and time.monotonic() > deadline:
            raise DemoError(f'no prediction within {START_TIMEOUT:.0f} s')
        if listener.predictions and time.monotonic() - printed > DISPLAY_PERIOD:
            if not printed:
                print(f'First probability published {time.time() - started:.1f} s '
                      f'after the start.\n')
            printed = time.monotonic()
            print_prediction(listener.predictions[-1])
    print()
    if camera.returncode != 0:
        raise DemoError(f'the camera ended with status {camera.returncode}')
    if not listener.predictions:
        raise DemoError('the camera ended before the first prediction')


def print_prediction(prediction: TimedPrediction) -> None:
    """Print a prediction, on a terminal over the previous one."""
    filled = round(BAR_WIDTH * prediction.probability)
    bar = '█' * filled + '·' * (BAR_WIDTH - filled)
    line = (f'{prediction.time:6.1f} s   fire {100 * prediction.probability:5.1f} %  {bar}  '
            f'{"ALARM" if prediction.alarm else "     "}')
    print(line, end='\r' if sys.stdout.isatty() else '\n', flush=True)


def record(source: Path | None, out: Path, started: float) -> Recording:
    """
    Run detector and camera, and collect the predictions.

    :param source: of the camera's images: a video, image or folder; None for the synthetic scene.
    :param out: folder for the logs of both.
    :param started: when the user started the demo, in seconds as from time.time().
    :raises DemoError: when there is no prediction.
    """
    if source is None:
        camera, parameters = 'synthetic_camera', ['loop:=false', 'width:=320', 'height:=240']
    else:
        # Quoted, because ROS reads a parameter's value as YAML.
        camera, parameters = 'file_camera', [f'path:={json.dumps(str(source))}']
    listener = DetectorListener()
    with run_node('detector_node', [], out / 'detector.log') as detector:
        # Only then images, or the first predictions would be missed.
        wait_for_detector(listener, detector)
        with run_node(camera, parameters, out / 'camera.log') as camera_process:
            print_predictions(listener, detector, camera_process, started)
    predictions = listener.predictions
    series = Series('', [prediction.time for prediction in predictions],
                    [prediction.probability for prediction in predictions],
                    alarm_intervals(((prediction.time, prediction.alarm)
                                     for prediction in predictions), predictions[-1].time))
    if source is None:
        return Recording('synthetic camera', series, listener.images,
                         [(phase.start, phase.end) for phase in PHASES if phase.fire])
    return Recording(source.name, series, listener.images)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit status."""
    parser = create_parser(
        'python -m fire_detector.demo.main',
        'Run the real detector on images over DDS, print its predictions and plot them.',
        ('python -m fire_detector.demo.main',
         'python -m fire_detector.demo.main --input clip.mp4'),
        'Exit status: 0 when the plot was written, 1 when the demo failed, 2 when the command '
        'line is wrong.')
    parser.add_argument('--input', type=Path, metavar='PATH',
                        help='video, image or folder for the camera (default: a synthetic scene)')
    parser.add_argument('--out', type=Path, default=Path('demo_output'),
                        help='folder for plot and logs (default: %(default)s)')
    parser.add_argument('--started', type=float, default=time.time(), metavar='SECONDS',
                        help='when the command that runs this began, as from date +%%s.%%N')
    options = parse(parser, arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    recording = None
    try:
        if options.input is not None:
            find_files(options.input)
        os.environ.update(isolation_variables(find_free_domain()))
        with ros_process([]):
            recording = record(options.input, options.out, options.started)
    except ImageFileError as error:
        print_problem('demo', str(error))
        return 1
    except DemoError as error:
        print_problem('demo', f'{error}; the logs are in {options.out.resolve()}')
        return 1
    if recording is None:
        return ExitStatus.INTERRUPTED
    for start, end in recording.series.alarms:
        print(f'Alarm from {start:.1f} s to {end:.1f} s.')
    path = options.out.resolve() / 'demo.png'
    plot(recording, path)
    print(f'{len(recording.series.times)} images processed. Plot: {path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
