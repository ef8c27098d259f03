# SPDX-License-Identifier: Apache-2.0
"""
Run the node on a camera's images for long, and check that its memory does not grow.

    make soak MINUTES=20

A real node, a real camera process at 30 images a second, and between them images that are
none. Everything that is started ends with this command.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
import sys
import tempfile
import time

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
from ros_session import image_message, Process, RosSession, values_of
from sensor_msgs.msg import Image

# Seconds after which everything has been allocated once, and percent.
WARM_UP, MOST_GROWTH = 60.0, 2.0
BAD_PER_SECOND = 3
CAMERA = ('rate:=30.0', 'width:=320', 'height:=240')


def growth(samples: Sequence[tuple[float, int]], warm_up: float) -> float:
    """
    Return how much memory has grown.

    :param samples: seconds since the start, and bytes.
    :param warm_up: seconds at the start that do not count.
    :return: percent from the median of the first tenth of what counts to that of the last.
    :raises ValueError: when nothing counts.
    """
    counted = [memory for second, memory in samples if second >= warm_up]
    if not counted:
        raise ValueError(f'no measurement after the {warm_up:g} s of warming up')
    tenth = max(1, len(counted) // 10)
    before = median(counted[:tenth])
    return 100 * (median(counted[-tenth:]) - before) / before


def bad_images() -> list[Image]:
    """Make images that are rejected, each for another reason."""
    images = [image_message(np.zeros((24, 32, 3), np.uint8)) for _ in range(4)]
    images[0].encoding = '32FC1'
    images[1].step = 7
    images[2].height = 4_000_000_000
    images[3].data = b''
    return images


class Soak:
    """A node, its camera, the counts of its diagnostics and its memory."""

    def __init__(self, ros: RosSession) -> None:
        """Start the node and the camera."""
        self._ros = ros
        self.node = ros.start_detector()
        self.camera = ros.start('synthetic_camera', *CAMERA)
        self._publisher = ros.node.create_publisher(Image, '/image', 10)
        self._diagnostics = ros.collect(DiagnosticArray, '/diagnostics')
        self.samples: list[tuple[float, int]] = []
        self.counts = dict.fromkeys(('arrived', 'processed', 'rejected'), 0)

    def run(self, seconds: float) -> None:
        """
        Measure once a second.

        :raises RuntimeError: when the node or the camera ends, with what it has printed.
        """
        self._ros.wait_for(lambda: self._updated_counts()['processed'], 'a processed image')
        bad, start, sent = bad_images(), time.monotonic(), 0
        while (passed := time.monotonic() - start) < seconds:
            _check_running(self.node, self.camera)
            if passed * BAD_PER_SECOND >= sent:
                self._publisher.publish(bad[sent % len(bad)])
                sent += 1
            if passed >= len(self.samples):
                self.samples.append((passed, self.node.memory))
                self._updated_counts()
                if sys.stderr.isatty():
                    sys.stderr.write(f'\r{passed:.0f} of {seconds:.0f} s, '
                                     f'{self.samples[-1][1] / 2 ** 20:.1f} MiB, {self.counts} ')
            self._ros.spin_once()

    def _updated_counts(self) -> dict[str, int]:
        """Return the totals of the newest diagnostics, and forget the older ones."""
        if self._diagnostics:
            values = values_of(self._diagnostics[-1])
            self.counts = {name: int(values.get(name, 0)) for name in self.counts}
            self._diagnostics.clear()
        return self.counts


def _check_running(*processes: Process) -> None:
    for process in processes:
        if process.popen.poll() is not None:
            raise RuntimeError(f'{process.popen.args!r} has ended with status '
                               f'{process.popen.returncode}:\n{process.output}')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; return 0 when the memory has not grown, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--minutes', type=float, default=20.0)
    seconds = 60 * parser.parse_args(arguments).minutes
    with tempfile.TemporaryDirectory() as folder, RosSession(Path(folder)) as ros:
        soak = Soak(ros)
        soak.run(seconds)
        statuses = [process.end() for process in (soak.camera, soak.node)]
    warm_up, counts = min(WARM_UP, seconds / 2), soak.counts
    percent = growth(soak.samples, warm_up)
    memory = [size / 2 ** 20 for _, size in soak.samples]
    passed = (counts['processed'] > 0 and counts['rejected'] > 0 and statuses == [0, 0]
              and percent < MOST_GROWTH)
    print(f'\n{seconds / 60:g} minutes: {counts["arrived"]} images arrived, {counts["processed"]} '
          f'processed, {counts["rejected"]} rejected; exit statuses {statuses}\n'
          f'memory: {memory[0]:.1f} MiB at the start, {max(memory):.1f} at most, '
          f'{memory[-1]:.1f} at the end\ngrowth after the first {warm_up:g} s: {percent:+.2f} % '
          f'(allowed: {MOST_GROWTH:g} %): {"passed" if passed else "FAILED"}')
    return int(not passed)


if __name__ == '__main__':
    sys.exit(main())
