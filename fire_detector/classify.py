# SPDX-License-Identifier: Apache-2.0
# PYTHON_ARGCOMPLETE_OK
"""Tell for pictures, folders, videos or a camera how likely it is that they show fire."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import json
from pathlib import Path
import signal
import sys
import time

from fire_detector.classifier import (
    AUTO,
    FireClassifier,
    InferenceError,
    RUNTIMES,
    RuntimeUnavailableError,
)
from fire_detector.command_line import create_parser, parse
from fire_detector.model_contract import ModelError
from fire_detector.model_files import DEFAULT_MODEL, find_model
from fire_detector.picture import Picture
from fire_detector.picture_files import (
    find_files,
    is_video,
    PictureFileError,
    read_camera,
    read_picture,
    read_video,
)
from fire_detector.tiling import ALL, NONE, TiledClassifier

EXIT_UNREADABLE = 1
EXIT_NO_MODEL = 2
EXIT_INTERRUPTED = 130


@dataclass(frozen=True)
class Answer:
    """
    Hold what is told about one picture or frame.

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
        """Say it to a person."""
        frame = '' if self.frame is None else f' frame {self.frame} ({self.time:.2f} s)'
        return f'{self.path}{frame}: {100 * self.fire_probability:.1f} % fire'

    def as_json(self) -> str:
        """Say it to a program, as one line."""
        fields = {'path': self.path, 'fire_probability': self.fire_probability,
                  'inference_ms': round(self.inference_ms, 3)}
        if self.frame is not None:
            fields |= {'frame': self.frame, 'time': self.time}
        return json.dumps(fields)


def classify_file(classifier: TiledClassifier, path: Path) -> Iterator[Answer]:
    """
    Classify a picture, or every frame of a video.

    :raises PictureFileError: when the file cannot be read, or not to its end.
    :raises InferenceError: when the model gives no usable answer.
    """
    if not is_video(path):
        yield _ask(classifier, str(path), read_picture(path))
        return
    for frame in read_video(path):
        yield _ask(classifier, str(path), frame.picture, frame.index, frame.time)


def classify_camera(classifier: TiledClassifier, number: int) -> Iterator[Answer]:
    """
    Classify the frames of a local camera until it stops.

    :raises PictureFileError: when it cannot be opened.
    :raises InferenceError: when the model gives no usable answer.
    """
    for frame in read_camera(number):
        yield _ask(classifier, f'camera {number}', frame.picture, frame.index, frame.time)


def _ask(classifier: TiledClassifier, path: str, picture: Picture,
         frame: int | None = None, at: float | None = None) -> Answer:
    start = time.perf_counter()
    probability = classifier.probability(picture)
    return Answer(path, probability, 1e3 * (time.perf_counter() - start), frame, at)


def _expand(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """List the files that paths stand for, and what is wrong with those that stand for none."""
    files, problems = [], []
    for path in paths:
        try:
            files += find_files(path)
        except PictureFileError as error:
            problems.append(str(error))
    return files, problems


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(
        'fire_classify',
        'Tell for pictures, folders, videos or a camera how likely it is that they show fire.',
        ('fire_classify kitchen.jpg',
         'fire_classify pictures/ clip.mp4',
         'fire_classify --camera 0',
         'fire_classify --json --model my.tflite pictures/ > answers.jsonl'),
        'Exit status: 0 when everything was answered, 1 when something could not be read, '
        '2 when there is no usable model or the command line is wrong.')
    parser.add_argument('paths', metavar='PATH', type=Path, nargs='*',
                        help='picture, video, or folder of them')
    parser.add_argument('--camera', metavar='N', type=int, help='local camera, 0 for the first')
    parser.add_argument('--model', metavar='M', default=DEFAULT_MODEL,
                        help='.tflite file, or name of an installed model (default: %(default)s)')
    parser.add_argument('--runtime', choices=(AUTO, *RUNTIMES), default=AUTO,
                        help='TFLite runtime (default: the first that is installed)')
    # Not in turn: the next picture or file shows something else.
    parser.add_argument('--tiles', choices=(NONE, ALL), default=NONE,
                        help='parts of a picture to look at too, for small fires '
                             '(default: %(default)s)')
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
        classifier = TiledClassifier(
            FireClassifier(find_model(options.model), options.runtime), options.tiles)
    except (ModelError, RuntimeUnavailableError) as error:
        print(f'fire_classify: {error}', file=sys.stderr)
        return EXIT_NO_MODEL
    files, problems = _expand(options.paths)
    sources = [classify_file(classifier, file) for file in files]
    if options.camera is not None:
        sources.append(classify_camera(classifier, options.camera))
    for answers in sources:
        try:
            for answer in answers:
                print(answer.as_json() if options.json else answer.as_text(), flush=True)
        except (PictureFileError, InferenceError) as error:
            problems.append(str(error))
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
    for problem in problems:
        print(f'fire_classify: {problem}', file=sys.stderr)
    return EXIT_UNREADABLE if problems else 0


if __name__ == '__main__':
    sys.exit(main())
