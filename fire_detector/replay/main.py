# SPDX-License-Identifier: Apache-2.0
# PYTHON_ARGCOMPLETE_OK
"""
Run the fire detector over recordings, without ROS and faster than they were made.

Conversion, classifier and alarm are the node's, on the recorded stamps.
"""

import argparse
from collections.abc import Sequence
import math
from pathlib import Path
import sys

from fire_detector.cli.command_line import create_parser, ExitStatus, fail, parse
from fire_detector.model.classifier import AUTO, RUNTIMES
from fire_detector.model.locate import DEFAULT_MODEL
from fire_detector.parameters.detector import PARAMETERS
from fire_detector.replay import PROGRAM

EXAMPLES = (
    'fire_replay run_12',
    'fire_replay drive.mcap --topic /front/image_raw/compressed',
    'fire_replay run_12 --labels events.csv --on-threshold 0.6',
    'fire_replay run_12 --compare firenet.tflite',
    'fire_replay bags/ --jobs 4 --out night',
    'fire_replay clip.mp4',
)
NOTES = """\
Written for each recording: report.html, timeline.csv and timeline.png; for several, \
summary.csv too.

Labels are a CSV file with the columns start, end and label (fire or nofire). Times below 1e8 \
are seconds since the first image, others stamps as recorded. Time without fire is what is \
labeled nofire, or else all that is not labeled fire.

Exit status: 0 when everything was read, 1 when a part was not, 2 when nothing was or the \
command line is wrong.
"""
# Parameters of the node's alarm that are options.
ALARM = {'on_threshold': float, 'off_threshold': float, 'window': float, 'min_frames': int}


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay the recordings that the command line names; return the exit status."""
    options = parse(_parser(), arguments)
    try:
        # Here, so that --help works without them.
        from fire_detector.replay.session import run_session
    except ImportError as error:
        return fail(PROGRAM, f"{error}: install what replaying needs, from the package's "
                             f"checkout: pip install '.[replay]'")
    parameters = {parameter.name for parameter in PARAMETERS}
    try:
        return run_session(options, {
            name: value for name, value in vars(options).items() if name in parameters})
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(PROGRAM, __doc__, EXAMPLES, NOTES)
    parser.add_argument('paths', metavar='BAG', type=Path, nargs='+',
                        help='bag (folder, .db3, .mcap, .bag; compressed too), video, folder of '
                             'images, or folder of bags')
    parser.add_argument('--out', metavar='DIR', type=Path,
                        help='folder to write into (default: NAME_replay for each BAG)')
    parser.add_argument('--topic', metavar='T', action='append', default=[],
                        help='image topic; may be given again (default: all)')
    parser.add_argument('--jobs', metavar='N', type=_at_least_one, default=1,
                        help='recordings that are replayed at a time (default: %(default)s)')
    parser.add_argument('--image-rate', metavar='HZ', type=_above_zero, default=10.0,
                        help='images a second of a folder of images (default: %(default)g)')
    model = parser.add_argument_group('model')
    model.add_argument('--model', metavar='M', default=DEFAULT_MODEL,
                       help='.tflite file, or name of an installed model (default: %(default)s)')
    model.add_argument('--compare', metavar='M', help='a second model, to compare with the first')
    model.add_argument('--runtime', choices=(AUTO, *RUNTIMES), default=AUTO,
                       help='TFLite runtime (default: the first that is installed)')
    model.add_argument('--threads', dest='num_threads', metavar='N', type=int, default=1,
                       help='threads that one inference may use (default: %(default)s)')
    alarm = parser.add_argument_group('alarm', 'Without them, the values of the model.')
    texts = {parameter.name: parameter.text for parameter in PARAMETERS}
    for name, kind in ALARM.items():
        # The text after the semicolon is about the parameter.
        alarm.add_argument(f'--{name.replace("_", "-")}', dest=f'alarm.{name}', metavar='X',
                           type=kind, default=argparse.SUPPRESS,
                           help=texts[f'alarm.{name}'].split(';')[0])
    alarm.add_argument('--latch', dest='alarm.latch', action='store_true',
                       default=argparse.SUPPRESS, help='keep a raised alarm')
    alarm.add_argument('--labels', metavar='CSV', type=Path,
                       help='events to measure the alarms against')
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number from 1 on')
    return int(text)


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number above 0')
    return value


if __name__ == '__main__':
    sys.exit(main())
