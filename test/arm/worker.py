# SPDX-License-Identifier: Apache-2.0
"""
Do the robot's work on images and write down what comes out, on whatever processor this runs.

    worker.py images CASES.json OUT.npz             convert and preprocess
    worker.py predict RUNTIME OUT.json TENSORS.npz... classify what was preprocessed

`arm.check` runs it here and on an emulated Pi. It knows no ROS, which has no wheels for ARM.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import json
from pathlib import Path
import sys
from typing import Any

import cv2
from fire_detector.images.color_image import ColorImage
from fire_detector.images.compressed import decode
from fire_detector.images.raw import convert_raw
from fire_detector.model.classifier import FireClassifier, load_runtime
from fire_detector.model.file import read_model
from fire_detector.model.locate import models_folder
from fire_detector.model.preprocessing import preprocess
import numpy as np
from numpy.typing import NDArray

JPEG = 'jpeg'


@dataclass(frozen=True)
class Case:
    """
    The fields of one image message.

    :ivar encoding: a key of ENCODINGS, or 'jpeg'.
    :ivar file: the file with its data.
    :ivar height: rows; 0, as the width and the step, where the data tell.
    :ivar width: pixels in a row.
    :ivar step: bytes from one row to the next.
    """

    encoding: str
    file: str
    height: int = 0
    width: int = 0
    step: int = 0

    def image(self, rows: int, columns: int) -> ColorImage:
        """Convert it as the node does, for a model with so many rows and columns."""
        data = Path(self.file).read_bytes()
        if self.encoding == JPEG:
            return decode(JPEG, data, rows, columns)
        return convert_raw(self.encoding, self.height, self.width, self.step, data)


def models() -> list[Path]:
    """List the models that come with the package."""
    return sorted(models_folder().glob('*.tflite'))


def write_images(cases: Sequence[Case], out: Path) -> None:
    """
    Convert and preprocess every case for every model.

    Written are 'image/NUMBER', the pixels for the first model, and 'MODEL/NUMBER', the tensors.
    """
    specs = {path.stem: read_model(path).contract.input_spec for path in models()}
    arrays: dict[str, NDArray[Any]] = {}
    for number, case in enumerate(cases):
        for name, spec in specs.items():
            image = case.image(spec.height, spec.width)
            arrays.setdefault(f'image/{number}', image.pixels)
            arrays[f'{name}/{number}'] = preprocess(image, spec)
    np.savez(out, **arrays)


def write_probabilities(runtime: str, out: Path, tensors: Sequence[Path]) -> None:
    """
    Classify what was preprocessed, with every model.

    Written are by model: `threshold`, `quantized`, whether its input is, and `probabilities`, a
    list for each file of tensors.
    """
    interpreter = load_runtime(runtime)[1].Interpreter
    written = {}
    files = [np.load(path) for path in tensors]
    numbers = range(sum(name.startswith('image/') for name in files[0].files))
    for path in models():
        classifier = FireClassifier(path, runtime)
        details = interpreter(model_content=read_model(path).content).get_input_details()
        first, *others = ([file[f'{path.stem}/{number}'] for number in numbers] for file in files)
        expected = [classifier.predict(tensor) for tensor in first]
        # Emulated inference takes long: equal tensors are not classified again.
        probabilities = [expected, *([
            probability if np.array_equal(tensor, known) else classifier.predict(tensor)
            for tensor, known, probability in zip(other, first, expected, strict=True)]
            for other in others)]
        written[path.stem] = {'threshold': classifier.contract.threshold,
                              'quantized': details[0]['dtype'] != np.float32,
                              'probabilities': probabilities}
    out.write_text(json.dumps(written))


def main(arguments: Sequence[str]) -> None:
    """Write images or probabilities, as the command line says."""
    cv2.setNumThreads(1)
    if arguments[0] == 'images':
        cases = [Case(**fields) for fields in json.loads(Path(arguments[1]).read_text())]
        write_images(cases, Path(arguments[2]))
    else:
        write_probabilities(arguments[1], Path(arguments[2]),
                            [Path(path) for path in arguments[3:]])


if __name__ == '__main__':
    main(sys.argv[1:])
