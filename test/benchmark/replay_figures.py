# SPDX-License-Identifier: Apache-2.0
"""
Measure how fast fire_replay is, and how much memory it takes.

    PYTHONPATH=test .venv/bin/python -m benchmark.replay_figures VIDEO

A bag of 640x480 JPEG at 30 Hz is made of the video, and replayed by a process of its own. Times
are from the start of that process to its end; a bag of one second shows what starting and drawing
take.
"""

import argparse
import multiprocessing
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time

from replay_bags import camera, COMPRESSED, frames, resized, write_bag
from rosbags.rosbag2 import StoragePlugin

RATE = 30.0


def make_bag(video: Path, bag: Path, seconds: float) -> None:
    """Record a video, as often as it takes."""
    count = round(RATE * seconds)
    images = [resized(pixels, 640, 480) for pixels in frames(video, count)]
    write_bag(bag, camera((images[index % len(images)] for index in range(count)),
                          '/image/compressed', RATE, COMPRESSED), StoragePlugin.MCAP)


def measure(bag: Path) -> tuple[float, float, int]:
    """Replay a bag; return seconds, processor seconds and the most bytes of memory."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, '-m', 'fire_detector.replay.main', bag, '--out',
                                bag.with_name('out')], stdout=subprocess.DEVNULL)
    # Only the kernel knows the most memory of a process, and reports it at its end.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f'fire_replay ended with {process.returncode}')
    # In KiB on Linux: man 2 getrusage.
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, 1024 * usage.ru_maxrss


def main() -> None:
    """Measure, and print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else '')
    parser.add_argument('video', type=Path)
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--runs', type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bag, short = Path(name, 'bag'), Path(name, 'short')
        # Apart: the most memory of a process is, at first, that of the one that started it.
        with multiprocessing.get_context('spawn').Pool(1) as pool:
            pool.starmap(make_bag, ((options.video, bag, options.seconds),
                                    (options.video, short, 1.0)))
        for _ in range(options.runs):
            start, _, _ = measure(short)
            elapsed, used, memory = measure(bag)
            print(f'{options.seconds:g} s of images in {elapsed:.2f} s: '
                  f'{options.seconds / elapsed:.1f} x real time, '
                  f'{(options.seconds - 1) / (elapsed - start):.1f} x without the start of '
                  f'{start:.2f} s; {used:.2f} s of processors, {memory / 2 ** 20:.0f} MiB')


if __name__ == '__main__':
    main()
