# SPDX-License-Identifier: Apache-2.0
# PYTHON_ARGCOMPLETE_OK
"""Compute the fire probability of image files, videos, or the frames of a camera."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import json
from pathlib import Path
import signal
import sys

from fire_detector.cli.command_line import create_parser, EXIT_INTERRUPTED, parse
from fire_detector.detection.detector import Detector, Rejection
from fire_detector.images.files import (
    find_files,
    Frame,
    ImageFileError,
    is_video,
    read_camera,
    read_image,
    read_video,
)
from fire_detector.model.classifier import AUTO, RUNTIMES, RuntimeUnavailableError
from fire_detector.model.contract import ModelError
from fire_detector.model.locate import DEFAULT_MODEL, find_model

EXIT_UNREADABLE = 1
EXIT_NO_MODEL = 2


class PredictionError(RuntimeError):
    """Report an image for which the model gives no usable probability."""


@dataclass(frozen=True)
class Prediction:
    """
    The fire probability of one image or frame.

    :ivar path: the file, or 'camera N'.
    :ivar fire_probability: 0..1.
    :ivar inference_ms: milliseconds that preprocessing and inference took.
    :ivar frame: number of the frame, from 0, in a video or camera.
    :ivar time: seconds since the first frame, in a video or camera.
    """

    path: str
    fire_probability: float
    inference_ms: float
    frame: int | None = None
    time: float | None = None

    def as_text(self) -> str:
        """Return one line for a person."""
        frame = '' if self.frame is None else f' frame {self.frame} ({self.time:.2f} s)'
        return f'{self.path}{frame}: {100 * self.fire_probability:.1f} % fire'

    def as_json(self) -> str:
        """Return one line for a program."""
        fields = {'path': self.path, 'fire_probability': self.fire_probability,
                  'inference_ms': round(self.inference_ms, 3)}
        if self.frame is not None:
            fields |= {'frame': self.frame, 'time': self.time}
        return json.dumps(fields)


def classify_file(detector: Detector, path: Path) -> Iterator[Prediction]:
    """
    Classify an image, or every frame of a video.

    :raises ImageFileError: when the file cannot be read, or not to its end.
    :raises PredictionError: when the model gives no usable probability.
    """
    if is_video(path):
        yield from _classify_frames(detector, str(path), read_video(path))
        return
    name = str(path)
    probability, inference_ms = _process(detector, name, Frame(0, 0.0, read_image(path)))
    yield Prediction(name, probability, inference_ms)


def classify_camera(detector: Detector, number: int) -> Iterator[Prediction]:
    """
    Classify the frames of a local camera until it stops.

    :raises ImageFileError: when it cannot be opened.
    :raises PredictionError: when the model gives no usable probability.
    """
    yield from _classify_frames(detector, f'camera {number}', read_camera(number))


def _classify_frames(detector: Detector, name: str,
                     frames: Iterator[Frame]) -> Iterator[Prediction]:
    for frame in frames:
        yield Prediction(name, *_process(detector, name, frame), frame.index, frame.time)


def _process(detector: Detector, name: str, frame: Frame) -> tuple[float, float]:
    """Return probability, and milliseconds that it took."""
    result = detector.process(frame)
    if isinstance(result, Rejection):
        raise PredictionError(f'{name}: {result.detail}')
    return result.probability, 1e3 * result.seconds


def _expand(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """List the files that paths stand for, and what is wrong with those that stand for none."""
    files, problems = [], []
    for path in paths:
        try:
            files += find_files(path)
        except ImageFileError as error:
            problems.append(str(error))
    return files, problems


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(
        'fire_classify',
        'Print the fire probability of images, of the frames of videos, or of a camera.',
        ('fire_classify kitchen.jpg',
         'fire_classify images/ clip.mp4',
         'fire_classify --camera 0',
         'fire_classify --json --model my.tflite images/ > predictions.jsonl'),
        'Exit status: 0 when everything was classified, 1 when something could not be read, '
        '2 when there is no usable model or the command line is wrong.')
    parser.add_argument('paths', metavar='PATH', type=Path, nargs='*',
                        help='image, video, or folder of them')
    parser.add_argument('--camera', metavar='N', type=int, help='local camera, 0 for the first')
    parser.add_argument('--model', metavar='M', default=DEFAULT_MODEL,
                        help='.tflite file, or name of an installed model (default: %(default)s)')
    parser.add_argument('--runtime', choices=(AUTO, *RUNTIMES), default=AUTO,
                        help='TFLite runtime (default: the first that is installed)')
    parser.add_argument('--json', action='store_true', help='print one JSON object a line')
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Classify what the command line names; return the exit status."""
    # A reader that has seen enough, such as head, ends the program without a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    parser = _parser()
    options = parse(parser, arguments)
    if not options.paths and options.camera is None:
        parser.error('name a PATH or a --camera')
    try:
        detector = Detector(find_model(options.model), options.runtime)
    except (ModelError, RuntimeUnavailableError) as error:
        print(f'fire_classify: {error}', file=sys.stderr)
        return EXIT_NO_MODEL
    files, problems = _expand(options.paths)
    sources = [classify_file(detector, file) for file in files]
    if options.camera is not None:
        sources.append(classify_camera(detector, options.camera))
    for predictions in sources:
        try:
            for prediction in predictions:
                print(prediction.as_json() if options.json else prediction.as_text(), flush=True)
        except (ImageFileError, PredictionError) as error:
            problems.append(str(error))
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
    for problem in problems:
        print(f'fire_classify: {problem}', file=sys.stderr)
    return EXIT_UNREADABLE if problems else 0


if __name__ == '__main__':
    sys.exit(main())
