# SPDX-License-Identifier: Apache-2.0
# PYTHON_ARGCOMPLETE_OK
"""Compute the fire probability of image files, videos, or the frames of a camera."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
import json
from pathlib import Path
import signal
import sys

from fire_detector.cli.command_line import create_parser, ExitStatus, fail, parse, print_problem
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

PROGRAM = 'fire_classify'


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
        """Return a line of text."""
        frame = '' if self.frame is None else f' frame {self.frame} ({self.time:.2f} s)'
        return f'{self.path}{frame}: {100 * self.fire_probability:.1f} % fire'

    def as_json(self) -> str:
        """Return a line of JSON."""
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
        yield from classify_frames(detector, str(path), read_video(path))
    else:
        frame = Frame(0, 0, read_image(path))
        for prediction in classify_frames(detector, str(path), [frame]):
            yield replace(prediction, frame=None, time=None)


def classify_frames(detector: Detector, name: str,
                    frames: Iterable[Frame]) -> Iterator[Prediction]:
    """
    Classify the frames of a video or camera.

    :param name: of the video or camera.
    :raises PredictionError: when the model gives no usable probability.
    """
    for frame in frames:
        result = detector.process(frame)
        if isinstance(result, Rejection):
            raise PredictionError(f'{name}: {result.detail}')
        yield Prediction(name, result.probability, 1e3 * result.seconds, frame.index,
                         frame.stamp / 1e9)


def _expand(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """List the files at and below paths, and what is wrong with paths without any."""
    files, problems = [], []
    for path in paths:
        try:
            files += find_files(path)
        except ImageFileError as error:
            problems.append(str(error))
    return files, problems


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(
        PROGRAM,
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
    """Classify the inputs that the command line names; return the exit status."""
    # A reader that ends early, such as head, ends the program without a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    parser = _parser()
    options = parse(parser, arguments)
    if not options.paths and options.camera is None:
        parser.error('name a PATH or a --camera')
    try:
        detector = Detector(find_model(options.model), options.runtime)
    except (ModelError, RuntimeUnavailableError) as error:
        return fail(PROGRAM, str(error))
    files, problems = _expand(options.paths)
    sources = [classify_file(detector, file) for file in files]
    if options.camera is not None:
        sources.append(classify_frames(
            detector, f'camera {options.camera}', read_camera(options.camera)))
    for predictions in sources:
        try:
            for prediction in predictions:
                print(prediction.as_json() if options.json else prediction.as_text(), flush=True)
        except (ImageFileError, PredictionError) as error:
            problems.append(str(error))
        except KeyboardInterrupt:
            return ExitStatus.INTERRUPTED
    for problem in problems:
        print_problem(PROGRAM, problem)
    return ExitStatus.A_PART if problems else ExitStatus.ALL


if __name__ == '__main__':
    sys.exit(main())
