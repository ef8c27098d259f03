# SPDX-License-Identifier: Apache-2.0
"""Convert a trained network: `python -m training.convert runs/firenet/model.h5 --out X.tflite`."""

import argparse
from collections.abc import Sequence
import contextlib
import io
import json
from pathlib import Path
import subprocess
import sys
import tempfile

from fire_detector.model_contract import append_contract, ModelError, read_sidecar
from fire_detector.picture_files import PictureFileError
import keras
import numpy as np
from numpy.typing import NDArray
import tensorflow as tf
from training.loading import load_tensors
from training.manifest import read_manifest
from training.predict import fire_probability
from training.run_folder import read_config
from training.samples import DatasetError, Sample, select

# The runtimes that robots have; a model that one of them refuses is not converted.
REQUIRED_RUNTIMES = ('litert', 'tflite')
MAX_DIFFERENCE = 1e-3


class ConversionError(RuntimeError):
    """Report a model that could not be converted, or not to the same answers."""


def convert(model_path: Path, samples: Sequence[Sample], out: Path) -> dict[str, float]:
    """
    Convert a Keras model to float32 .tflite, and write it once its answers are proven equal.

    :param model_path: the .h5 or .keras file, with its contract beside it.
    :param samples: real pictures on which source and result have to agree.
    :param out: the .tflite file to write; it is left as it was when anything fails.
    :return: the largest difference of a probability from Keras', by runtime.
    :raises ConversionError: when a runtime is missing, refuses the model or disagrees.
    :raises ModelError: when the contract is missing or does not fit the model.
    """
    contract = read_sidecar(model_path)
    model = keras.saving.load_model(model_path)
    expected = fire_probability(model, load_tensors(samples, contract.input_spec))
    out.parent.mkdir(parents=True, exist_ok=True)
    # In the folder of the result, so that the last step is a rename within one file system.
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        candidate = Path(folder) / out.name
        # The converter prints the signature of the graph it saves on the way.
        with contextlib.redirect_stdout(io.StringIO()):
            candidate.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
        append_contract(candidate, contract)
        differences = {runtime: _largest_difference(candidate, runtime, samples, expected)
                       for runtime in REQUIRED_RUNTIMES}
        candidate.replace(out)
    return differences


def _largest_difference(model: Path, runtime: str, samples: Sequence[Sample],
                        expected: NDArray[np.float32]) -> float:
    """
    Ask the robot's own tool, in a process of its own.

    TensorFlow and tflite-runtime 2.14 share symbols: loaded after TensorFlow in one process,
    tflite-runtime refuses every model with 'vector::reserve'.
    """
    tool = subprocess.run(
        [sys.executable, '-m', 'fire_detector.classify', '--json', '--runtime', runtime,
         '--model', model, *(sample.path for sample in samples)],
        capture_output=True, text=True, check=False)
    if tool.returncode != 0:
        reason = tool.stderr.strip() or f'fire_classify ended with status {tool.returncode}'
        raise ConversionError(f'not converted: with runtime {runtime}: {reason}')
    found = np.array([json.loads(line)['fire_probability'] for line in tool.stdout.splitlines()])
    difference = float(np.abs(found - expected).max())
    if not difference <= MAX_DIFFERENCE:
        raise ConversionError(f'not converted: {runtime} differs from Keras by {difference:.2g} '
                              f'on {len(samples)} pictures, allowed is {MAX_DIFFERENCE:g}')
    return difference


def _data_folder(options: argparse.Namespace) -> Path:
    if options.data is not None:
        return Path(options.data)
    run = options.model.parent
    try:
        return Path(read_config(run).data)
    except (OSError, ValueError) as error:
        raise DatasetError(f'{run}: no configuration that tells which pictures the model was '
                           f'trained on; name them with --data ({error})') from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert as the command line asks; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m training.convert', description=__doc__)
    parser.add_argument('model', type=Path, help='.h5 or .keras file of a training run')
    parser.add_argument('--out', type=Path, required=True, help='.tflite file to write')
    parser.add_argument('--data', type=Path,
                        help='folder with pictures to compare on; default: those of the run')
    options = parser.parse_args(arguments)
    try:
        if not options.model.is_file():
            raise ModelError(f'{options.model}: no such model file')
        samples = select(read_manifest(_data_folder(options)), 'test')
        differences = convert(options.model, samples, options.out)
    except (ConversionError, DatasetError, ModelError, PictureFileError) as error:
        print(f'training.convert: {error}', file=sys.stderr)
        return 1
    for runtime, difference in differences.items():
        print(f'{runtime}: differs from Keras by at most {difference:.2g} '
              f'on {len(samples)} test pictures')
    source, result = options.model.stat().st_size, options.out.stat().st_size
    print(f'{options.model}: {source:,} bytes\n{options.out}: {result:,} bytes, '
          f'{100 * result / source:.1f} % of it')
    return 0


if __name__ == '__main__':
    sys.exit(main())
