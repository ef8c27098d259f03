# SPDX-License-Identifier: Apache-2.0
"""
Watch the detector at work: start the real node, show it pictures over DDS, plot its answers.

Nodes and topics are those of a robot; only the camera has no lens.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import cv2
from fire_detector.demo_plot import alarm_intervals, Answer, plot, Recording
from fire_detector.image_conversion import to_picture
from fire_detector.picture_files import find_files, PictureFileError
from fire_detector.ros_domain import isolated_domain
from fire_detector.synthetic_scene import PHASES
import numpy as np
from numpy.typing import NDArray
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.utilities import try_shutdown
from sensor_msgs.msg import Image
from std_msgs.msg import Bool, Float32

START_TIMEOUT = 30.0
LAST_ANSWER_TIMEOUT = 1.0
STOP_TIMEOUT = 5.0
DISPLAY_PERIOD = 0.2
THUMBNAIL_PERIOD = 0.25
THUMBNAIL_WIDTH = 240
BAR_WIDTH = 30


class DemoError(RuntimeError):
    """Report that the demo could not be shown."""


class DemoNode(Node):
    """Listen to the detector as a robot would, and keep what it says."""

    def __init__(self) -> None:
        """Subscribe to the detector's topics."""
        super().__init__('demo')
        self.answers: list[Answer] = []
        self.pictures: list[tuple[float, NDArray[np.uint8]]] = []
        self._start: float | None = None
        self._probability = 0.0
        self._subscriptions_to_detector = [
            self.create_subscription(Float32, 'fire_detector/fire_probability',
                                     self._on_probability, 10),
            self.create_subscription(Bool, 'fire_detector/fire_detected', self._on_detected, 10),
            self.create_subscription(Image, 'fire_detector/annotated', self._on_annotated,
                                     qos_profile_sensor_data)]

    def detector_is_there(self) -> bool:
        """Tell whether every topic of the detector has a publisher."""
        return all(self.count_publishers(subscription.topic_name)
                   for subscription in self._subscriptions_to_detector)

    @property
    def is_still_answered(self) -> bool:
        """Tell whether the last answer is so recent that another may follow."""
        return bool(self.answers) and self._now() - self.answers[-1].time < LAST_ANSWER_TIMEOUT

    def _now(self) -> float:
        if self._start is None:
            self._start = time.monotonic()
        return time.monotonic() - self._start

    def _on_probability(self, message: Float32) -> None:
        self._now()
        self._probability = message.data

    def _on_detected(self, message: Bool) -> None:
        self.answers.append(Answer(self._now(), self._probability, message.data))

    def _on_annotated(self, message: Image) -> None:
        now = self._now()
        if self.pictures and now - self.pictures[-1][0] < THUMBNAIL_PERIOD:
            return
        picture = to_picture(message.encoding, message.height, message.width, message.step,
                             message.data)
        scale = THUMBNAIL_WIDTH / message.width
        small = cv2.resize(picture.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self.pictures.append((now, np.asarray(small[:, :, ::-1], dtype=np.uint8)))


@contextmanager
def running(module: str, parameters: Sequence[str],
            log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run a module of this package as a process for as long as the context lasts.

    :param module: its name.
    :param parameters: its ROS parameters, as `name:=value`.
    :param log: file for what it prints.
    """
    command = [sys.executable, '-m', f'fire_detector.{module}', '--ros-args']
    for parameter in parameters:
        command += ['-p', parameter]
    with log.open('wb') as output, subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for_detector(node: DemoNode, detector: subprocess.Popen[bytes]) -> None:
    """
    Wait until the detector's topics are there.

    :raises DemoError: when the detector ends, or is not there in time.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while not node.detector_is_there():
        rclpy.spin_once(node, timeout_sec=0.05)
        if detector.poll() is not None:
            raise DemoError(f'the detector ended with status {detector.returncode}')
        if time.monotonic() > deadline:
            raise DemoError(f'no detector within {START_TIMEOUT:.0f} s')


def watch(node: DemoNode, detector: subprocess.Popen[bytes], camera: subprocess.Popen[bytes],
          started: float) -> None:
    """
    Show the answers as they come, until the camera has shown everything.

    :param started: when the user started the demo, in seconds as time.time() gives them.
    :raises DemoError: when the detector ends, or answers nothing.
    """
    deadline = time.monotonic() + START_TIMEOUT
    shown = 0.0
    first = True
    while camera.poll() is None or node.is_still_answered:
        rclpy.spin_once(node, timeout_sec=0.05)
        if detector.poll() is not None:
            raise DemoError(f'the detector ended with status {detector.returncode}')
        if not node.answers:
            if camera.poll() is not None:
                raise DemoError(f'the camera ended with status {camera.returncode}')
            if time.monotonic() > deadline:
                raise DemoError(f'no answer within {START_TIMEOUT:.0f} s')
            continue
        if first:
            print(f'First probability published {time.time() - started:.1f} s after the start.\n')
            first = False
        if time.monotonic() - shown > DISPLAY_PERIOD:
            shown = time.monotonic()
            _show(node.answers[-1])
    print()
    if camera.returncode != 0:
        raise DemoError(f'the camera ended with status {camera.returncode}')


def _show(answer: Answer) -> None:
    filled = round(BAR_WIDTH * answer.probability)
    bar = '█' * filled + '·' * (BAR_WIDTH - filled)
    line = (f'{answer.time:6.1f} s   fire {100 * answer.probability:5.1f} %  {bar}  '
            f'{"ALARM" if answer.alarm else "     "}')
    # On a terminal the line is written over; in a log each one stays.
    print(line, end='\r' if sys.stdout.isatty() else '\n', flush=True)


def record(source: Path | None, out: Path, started: float) -> Recording:
    """
    Run detector and camera, and keep what was said.

    :param source: what the camera shows: a video, picture or folder; None for the synthetic scene.
    :param out: folder for the logs of both.
    :param started: when the user started the demo, in seconds as time.time() gives them.
    :raises DemoError: when there is nothing to keep.
    """
    if source is None:
        camera, parameters = 'synthetic_camera', ['loop:=false', 'width:=320', 'height:=240']
    else:
        camera, parameters = 'file_camera_node', [f'path:={source}']
    node = DemoNode()
    with running('node', [], out / 'detector.log') as detector:
        # The first picture comes when its answer can be heard, or the times would not fit.
        wait_for_detector(node, detector)
        with running(camera, parameters, out / 'camera.log') as camera_process:
            watch(node, detector, camera_process, started)
    if source is None:
        return Recording('synthetic camera', node.answers, node.pictures,
                         [(phase.start, phase.end) for phase in PHASES if phase.fire])
    return Recording(source.name, node.answers, node.pictures)


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the demo; return the exit status."""
    parser = argparse.ArgumentParser(prog='fire_demo', description=__doc__)
    parser.add_argument('--input', type=Path, metavar='PATH',
                        help='video, picture or folder to show (default: a synthetic scene)')
    parser.add_argument('--out', type=Path, default=Path('demo_output'),
                        help='folder for plot and logs (default: %(default)s)')
    parser.add_argument('--started', type=float, default=time.time(), metavar='SECONDS',
                        help='when the command that runs this began, as date +%%s.%%N tells')
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        if options.input is not None:
            find_files(options.input)
        with isolated_domain() as environment:
            os.environ.update(environment)
            rclpy.init()
            recording = record(options.input, options.out, options.started)
    except (DemoError, PictureFileError) as error:
        print(f'fire_demo: {error}; the logs are in {options.out.resolve()}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        try_shutdown()
    for start, end in alarm_intervals(recording.answers):
        print(f'Alarm from {start:.1f} s to {end:.1f} s.')
    path = options.out.resolve() / 'demo.png'
    plot(recording, path)
    print(f'{len(recording.answers)} pictures answered. Plot: {path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
