# SPDX-License-Identifier: Apache-2.0
"""
Watch the detector at work: start the real node, show it images over DDS, plot its answers.

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

from fire_detector.cli.command_line import create_parser, EXIT_INTERRUPTED, parse
from fire_detector.demo.plot import alarm_intervals, plot, Recording, TimedAnswer
from fire_detector.images.files import find_files, ImageFileError
from fire_detector.ros import isolation as child_process
from fire_detector.ros.detector_listener import DemoNode
from fire_detector.ros.isolation import find_free_domain, isolation_variables
from fire_detector.ros.process import ros_process
from fire_detector.scene.scene import PHASES

START_TIMEOUT = 30.0
DISPLAY_PERIOD = 0.2
BAR_WIDTH = 30


class DemoError(RuntimeError):
    """Report that the demo could not be shown."""


def running(module: str, parameters: Sequence[str],
            log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """
    Run a module of this package as a process for as long as the context lasts.

    :param module: its name.
    :param parameters: its ROS parameters, as `name:=value`.
    :param log: file for what it prints; what is in it is lost.
    """
    log.write_bytes(b'')
    return child_process.running(
        [sys.executable, '-m', f'fire_detector.nodes.{module}', '--ros-args',
         *(word for parameter in parameters for word in ('-p', parameter))], log)


def check_is_running(detector: subprocess.Popen[bytes]) -> None:
    """
    Check that the detector is there.

    :raises DemoError: when it has ended.
    """
    if detector.poll() is not None:
        raise DemoError(f'the detector ended with status {detector.returncode}')


def wait_for_detector(node: DemoNode, detector: subprocess.Popen[bytes]) -> None:
    """
    Wait until the detector's topics are there.

    :raises DemoError: when the detector ends, or is not there in time.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while not node.detector_is_there:
        node.spin_once()
        check_is_running(detector)
        if time.monotonic() > deadline:
            raise DemoError(f'no detector within {START_TIMEOUT:.0f} s')


def watch(node: DemoNode, detector: subprocess.Popen[bytes], camera: subprocess.Popen[bytes],
          started: float) -> None:
    """
    Show the answers as they come, until the camera has shown everything.

    :param started: when the user started the demo, in seconds as time.time() gives them.
    :raises DemoError: when detector or camera fail, or nothing is answered.
    """
    deadline = time.monotonic() + START_TIMEOUT
    shown = 0.0
    while camera.poll() is None or node.is_still_answered:
        node.spin_once()
        check_is_running(detector)
        if not node.answers and time.monotonic() > deadline:
            raise DemoError(f'no answer within {START_TIMEOUT:.0f} s')
        if node.answers and time.monotonic() - shown > DISPLAY_PERIOD:
            if not shown:
                print(f'First probability published {time.time() - started:.1f} s '
                      f'after the start.\n')
            shown = time.monotonic()
            show(node.answers[-1])
    print()
    if camera.returncode != 0:
        raise DemoError(f'the camera ended with status {camera.returncode}')
    if not node.answers:
        raise DemoError('the camera ended before anything was answered')


def show(answer: TimedAnswer) -> None:
    """Print an answer: over the last one on a terminal, below it in a log."""
    filled = round(BAR_WIDTH * answer.probability)
    bar = '█' * filled + '·' * (BAR_WIDTH - filled)
    line = (f'{answer.time:6.1f} s   fire {100 * answer.probability:5.1f} %  {bar}  '
            f'{"ALARM" if answer.alarm else "     "}')
    print(line, end='\r' if sys.stdout.isatty() else '\n', flush=True)


def record(source: Path | None, out: Path, started: float) -> Recording:
    """
    Run detector and camera, and keep what was said.

    :param source: what the camera shows: a video, image or folder; None for the synthetic scene.
    :param out: folder for the logs of both.
    :param started: when the user started the demo, in seconds as time.time() gives them.
    :raises DemoError: when there is nothing to keep.
    """
    if source is None:
        camera, parameters = 'synthetic_camera', ['loop:=false', 'width:=320', 'height:=240']
    else:
        # Quoted, because ROS reads a parameter's value as YAML.
        camera, parameters = 'file_camera', [f'path:={json.dumps(str(source))}']
    node = DemoNode()
    with running('detector_node', [], out / 'detector.log') as detector:
        # The first image comes when its answer can be heard, or the times would not fit.
        wait_for_detector(node, detector)
        with running(camera, parameters, out / 'camera.log') as camera_process:
            watch(node, detector, camera_process, started)
    if source is None:
        return Recording('synthetic camera', node.answers, node.images,
                         [(phase.start, phase.end) for phase in PHASES if phase.fire])
    return Recording(source.name, node.answers, node.images)


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the demo; return the exit status."""
    parser = create_parser(
        'python -m fire_detector.demo.main',
        'Watch the detector at work: start the real node, show it images over DDS, plot its '
        'answers.',
        ('python -m fire_detector.demo.main',
         'python -m fire_detector.demo.main --input clip.mp4'),
        'Exit status: 0 when the demo was shown, 1 when it could not be, 2 when the command line '
        'is wrong.')
    parser.add_argument('--input', type=Path, metavar='PATH',
                        help='video, image or folder to show (default: a synthetic scene)')
    parser.add_argument('--out', type=Path, default=Path('demo_output'),
                        help='folder for plot and logs (default: %(default)s)')
    parser.add_argument('--started', type=float, default=time.time(), metavar='SECONDS',
                        help='when the command that runs this began, as date +%%s.%%N tells')
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
        print(f'demo: {error}', file=sys.stderr)
        return 1
    except DemoError as error:
        print(f'demo: {error}; the logs are in {options.out.resolve()}', file=sys.stderr)
        return 1
    if recording is None:
        return EXIT_INTERRUPTED
    for start, end in alarm_intervals(recording.answers):
        print(f'Alarm from {start:.1f} s to {end:.1f} s.')
    path = options.out.resolve() / 'demo.png'
    plot(recording, path)
    print(f'{len(recording.answers)} images answered. Plot: {path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
