# SPDX-License-Identifier: Apache-2.0
"""
Let the node answer a camera for long, and tell whether its memory grows.

    python test/soak.py --minutes 20

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
from ros_session import image_message, RosSession, values_of
from sensor_msgs.msg import Image

# Seconds after which everything has been allocated once.
WARM_UP = 60.0
# Percent.
MOST_GROWTH = 2.0
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
    """Make images that cannot be answered, each for another reason."""
    images = [image_message(np.zeros((24, 32, 3), np.uint8)) for _ in range(4)]
    images[0].encoding = '32FC1'
    images[1].step = 7
    images[2].height = 4_000_000_000
    images[3].data = b''
    return images


class Soak:
    """Feed a node and watch its memory."""

    def __init__(self, ros: RosSession) -> None:
        """Start the node and the camera."""
        self._ros = ros
        self.node = ros.start('detector_node')
        self.camera = ros.start('synthetic_camera',
                                *(word for value in CAMERA for word in ('-p', value)))
        self._publisher = ros.node.create_publisher(Image, '/image', 10)
        self._diagnostics = ros.collect(DiagnosticArray, '/diagnostics')
        self.samples: list[tuple[float, int]] = []
        self.counts: dict[str, int] = dict.fromkeys(('arrived', 'answered', 'rejected'), 0)

    def run(self, seconds: float) -> None:
        """
        Measure once a second.

        :raises RuntimeError: when the node or the camera ends, with what it has printed.
        """
        self._ros.wait_for(lambda: self._update_counts() and self.counts['answered'],
                           'an answered image')
        bad, start, sent = bad_images(), time.monotonic(), 0
        while (passed := time.monotonic() - start) < seconds:
            for process in (self.node, self.camera):
                if process.popen.poll() is not None:
                    raise RuntimeError(f'{process.popen.args!r} has ended with status '
                                       f'{process.popen.returncode}:\n{process.output}')
            if passed * BAD_PER_SECOND >= sent:
                self._publisher.publish(bad[sent % len(bad)])
                sent += 1
            if passed >= len(self.samples):
                self.samples.append((passed, self.node.memory))
                self._update_counts()
                self._show_progress(passed, seconds)
            self._ros.spin_once()

    def _update_counts(self) -> bool:
        """Take the totals of the newest diagnostics, and forget the older ones."""
        if not self._diagnostics:
            return False
        values = values_of(self._diagnostics[-1])
        self.counts = {name: int(values.get(name, 0)) for name in self.counts}
        self._diagnostics.clear()
        return True

    def _show_progress(self, passed: float, seconds: float) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f'\r{passed:.0f} of {seconds:.0f} s, '
                             f'{self.samples[-1][1] / 2 ** 20:.1f} MiB, {self.counts} ')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; return 0 when the memory has not grown, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--minutes', type=float, default=20.0)
    seconds = 60 * parser.parse_args(arguments).minutes
    with tempfile.TemporaryDirectory() as folder, RosSession(Path(folder)) as ros:
        soak = Soak(ros)
        soak.run(seconds)
        statuses = [process.end() for process in (soak.camera, soak.node)]
    warm_up = min(WARM_UP, seconds / 2)
    percent = growth(soak.samples, warm_up)
    memory = [size / 2 ** 20 for _, size in soak.samples]
    works = soak.counts['answered'] > 0 and soak.counts['rejected'] > 0 and statuses == [0, 0]
    passed = works and percent < MOST_GROWTH
    if sys.stderr.isatty():
        sys.stderr.write('\n')
    sys.stdout.write(
        f'{seconds / 60:g} minutes: {soak.counts["arrived"]} images arrived, '
        f'{soak.counts["answered"]} answered, {soak.counts["rejected"]} rejected; '
        f'exit statuses {statuses}\n'
        f'memory: {memory[0]:.1f} MiB at the start, {max(memory):.1f} at most, '
        f'{memory[-1]:.1f} at the end\n'
        f'growth after the first {warm_up:g} s: {percent:+.2f} % '
        f'(allowed: {MOST_GROWTH:g} %): {"passed" if passed else "FAILED"}\n')
    return 0 if passed else 1


if __name__ == '__main__':
    sys.exit(main())
