# SPDX-License-Identifier: Apache-2.0
"""
Check that an emulated Raspberry Pi computes what this machine does: `make arm-check`.

Real images, as raw frames of every encoding and as JPEG files, go through the same modules on
both: conversion, preprocessing, and every model in both runtimes. Each model runs twice on the Pi:
on what this machine has preprocessed, which shows what the runtime changes, and on what the Pi
has, which shows what a robot would see. The exit status is 1 if a bound is missed, and 2 if
nothing can be checked.
"""

import argparse
from collections.abc import Iterator, Sequence
import csv
import dataclasses
from importlib.metadata import PackageNotFoundError, version
import itertools
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile

from arm.comparison import compare, compare_images, FLOAT_BOUND, LEVEL_BOUND, OWN_BOUND
from arm.emulation import EmulatedPi, EmulationError
from arm.worker import Case, JPEG, models
import cv2
from fire_detector.images.raw import ENCODINGS
from fire_detector.model.file import read_model
import numpy as np
from raw_frames import raw_frame

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name('worker.py')
DATA = ROOT.parent / 'shared' / 'data'
PACKAGES = {'litert': 'ai-edge-litert', 'tflite': 'tflite-runtime'}
# The ends of what setup.py allows.
LITERT = ('2.1.0', '2.3.0')
IMAGES = 48
WIDTH, HEIGHT, PADDING, JPEG_QUALITY = 640, 480, 24, 80


def choose(images: int) -> list[Path]:
    """Choose real images, from every source and label in turn."""
    with (DATA / 'manifest.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    kinds: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        kinds.setdefault((row['source'], row['label']), []).append(row['file'])
    # Spread over each of them, since neighbors may be frames of one video.
    rounds = -(-images // len(kinds))
    return [DATA / files[turn * len(files) // rounds] for turn in range(rounds)
            for files in kinds.values()][:images]


def make_cases(files: Sequence[Path], folder: Path) -> Iterator[Case]:
    """Yield from images, in turn, a raw frame, its JPEG, a raw frame, and a plain file."""
    encodings = itertools.cycle(ENCODINGS)
    for number, file in enumerate(files):
        pixels = np.asarray(cv2.imread(str(file)), np.uint8)
        frame = np.asarray(cv2.resize(pixels, (WIDTH, HEIGHT)), np.uint8)
        if number % 2 == 0:
            raw = folder / f'{number}.raw'
            encoding = next(encodings)
            step, data = raw_frame(encoding, frame, PADDING)
            raw.write_bytes(data)
            yield Case(encoding, str(raw), HEIGHT, WIDTH, step)
        elif number % 4 == 1:
            jpeg = folder / f'{number}.jpg'
            cv2.imwrite(str(jpeg), frame, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            yield Case(JPEG, str(jpeg))
        else:
            yield Case(JPEG, str(file))


def run_here(*arguments: object) -> None:
    """Run the worker on this machine."""
    subprocess.run([sys.executable, str(WORKER), *map(str, arguments)], check=True,
                   env=os.environ | {'PYTHONPATH': str(ROOT)}, stderr=subprocess.DEVNULL)


class Check:
    """A comparison of the worker here and on the Pi that prints, and counts missed bounds."""

    def __init__(self, pi: EmulatedPi, folder: Path) -> None:
        """
        Prepare the Pi with this machine's versions of numpy and OpenCV.

        :param pi: the emulated Pi.
        :param folder: for the files in between.
        """
        self.missed = 0
        self._pi, self._folder = pi, folder
        self._base = [ROOT, *(pi.install(f'{name}=={version(name)}')
                              for name in ('numpy', 'opencv-python-headless'))]

    def check_images(self, images: int) -> None:
        """Compare conversion and preprocessing."""
        cases = list(make_cases(choose(images), self._folder))
        listed = self._folder / 'cases.json'
        listed.write_text(json.dumps([dataclasses.asdict(case) for case in cases]))
        run_here('images', listed, self._folder / 'here.npz')
        self._pi.run(self._base, WORKER, 'images', listed, self._folder / 'there.npz')
        scales = {path.stem: read_model(path).contract.input_spec.scale for path in models()}
        print(f'{"encoding":12} images  pixels  tensors    share '
              f'(largest difference, levels of 0..255; values that differ)')
        for row in compare_images(cases, scales, np.load(self._folder / 'here.npz'),
                                  np.load(self._folder / 'there.npz')):
            print(f'{row.encoding:12} {row.images:8} {row.pixels:7g} {row.tensors:8g} '
                  f'{row.share:8.1e}{self._judge(row.misses_bound)}', flush=True)

    def check_runtime(self, runtime: str, versions: Sequence[str]) -> None:
        """Compare the probabilities of releases of a runtime with those of the one here."""
        package = PACKAGES[runtime]
        here, there = self._folder / 'here.json', self._folder / 'there.json'
        tensors = [self._folder / 'here.npz', self._folder / 'there.npz']
        run_here('predict', runtime, here, tensors[0])
        expected = json.loads(here.read_text())
        for release in versions:
            label = f'{package} {release}'
            try:
                packages = [*self._base, self._pi.install(f'{package}=={release}')]
                self._pi.run(packages, WORKER, 'predict', runtime, there, *tensors)
            except EmulationError as error:
                print(f'{label:22} {error}{self._judge(True)}', flush=True)
                continue
            for model, found in json.loads(there.read_text()).items():
                row = compare(expected[model], found)
                print(f'{label:22} {model:20} {row.images:8} {row.same_input:10.1e} '
                      f'{row.own_input:9.1e} {row.same_changed:9} / {row.own_changed}'
                      f'{self._judge(row.misses_bound)}', flush=True)

    def _judge(self, missed: bool) -> str:
        self.missed += missed
        return '  MISSED' if missed else ''


def main(arguments: Sequence[str] | None = None) -> int:
    """Check everything; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--litert', nargs='+', default=LITERT, metavar='VERSION',
                        help='releases of ai-edge-litert (default: %(default)s)')
    parser.add_argument('--cpu', default='cortex-a72',
                        help='processor: that of a Raspberry Pi 4 (default), cortex-a53 is that '
                             'of a 3, cortex-a76 of a 5')
    parser.add_argument('--images', type=int, default=IMAGES,
                        help='how many (default: %(default)s)')
    options = parser.parse_args(arguments)
    if not DATA.is_dir():
        print(f'arm-check: the real images are not at {DATA}', file=sys.stderr)
        return 2
    try:
        pi = EmulatedPi(ROOT / '.arm', options.cpu)
        with tempfile.TemporaryDirectory() as folder:
            check = Check(pi, Path(folder))
            check.check_images(options.images)
            print(f'\n{"runtime":22} {"model":20} images same input own input decisions'
                  f' changed (same/own)')
            check.check_runtime('litert', options.litert)
            try:
                # Its last release, where it is installed: it has none for Python 3.12.
                check.check_runtime('tflite', [version(PACKAGES['tflite'])])
            except PackageNotFoundError:
                print(f'{PACKAGES["tflite"]} is not installed here: not compared')
    except EmulationError as error:
        print(f'arm-check: {error}', file=sys.stderr)
        return 2
    print(f'\n{check.missed} bounds missed. They are: images equal, tensors within '
          f'{LEVEL_BOUND:g} level; for the same tensors\ndecisions equal and probabilities of '
          f'float models within {FLOAT_BOUND:g}; for own ones within {OWN_BOUND:g}.')
    return 1 if check.missed else 0


if __name__ == '__main__':
    sys.exit(main())
