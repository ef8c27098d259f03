# SPDX-License-Identifier: Apache-2.0
"""An image becomes the same tensor, to the byte, in training, on the command line and the node."""

from collections.abc import Sequence
import json
import os
from pathlib import Path
import sys
from types import ModuleType

from command_line import run_module
import cv2
from fire_detector.images.files import read_image
from fire_detector.model.file import read_contract
import numpy as np
from numpy.typing import NDArray
import pytest
from ros_session import camera_of_detector, image_message, RosSession

_ = pytest.importorskip('tflite_runtime', reason='conversion is proven on both runtimes')
pytest.importorskip('keras', reason='the extra training is not installed')

from training.conversion.predict import probabilities  # noqa: E402
from training.data.loading import load_tensors  # noqa: E402
from training.data.samples import FIRE, Sample  # noqa: E402

# Height and width: square, tall, wide, odd, smaller than the network's input.
SHAPES = ((200, 200), (199, 61), (61, 199), (77, 133), (31, 47))
# A runtime under the name of tflite-runtime that passes everything on to LiteRT, and records the
# input of the network.
TAP = """
import os
from ai_edge_litert.interpreter import Interpreter as Real

class Interpreter(Real):
    def set_tensor(self, index, value):
        with open(os.environ['TENSOR_LOG'], 'ab') as log:
            log.write(value.tobytes())
        super().set_tensor(index, value)
"""


@pytest.fixture(scope='module')
def integer_model(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Return a network with uint8 input and output.

    It is made in a process of its own, in which nothing but the package `training` sees to it that
    both runtimes load models beside TensorFlow.
    """
    out = tmp_path_factory.mktemp('integer') / 'uint8.tflite'
    result = run_module('training.convert', run / 'model.h5', '--type', 'uint8', '--out', out)
    assert result.returncode == 0, result.stderr
    return out


@pytest.fixture
def tap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the runtime `tflite` record the tensors that it gets; return the file of these."""
    package = tmp_path / 'tap' / 'tflite_runtime'
    package.mkdir(parents=True)
    (package / '__init__.py').touch()
    (package / 'interpreter.py').write_text(TAP)
    log = tmp_path / 'tensors'
    monkeypatch.setenv('TENSOR_LOG', str(log))
    # For other processes, and for this one.
    monkeypatch.setenv('PYTHONPATH', str(package.parent), prepend=os.pathsep)
    module = ModuleType('tflite_runtime.interpreter')
    exec(TAP, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return log


@pytest.fixture
def images(data: Path, tmp_path: Path) -> list[Path]:
    """Cut a real image to shapes, and save them without loss."""
    pixels = read_image(data / 'images' / 'news' / 'fire' / '0000.jpg').in_order('BGR')
    paths = []
    for height, width in SHAPES:
        paths.append(tmp_path / f'{height}x{width}.png')
        cv2.imwrite(str(paths[-1]), np.ascontiguousarray(
            cv2.resize(pixels, (320, 240))[:height, :width]))
    return paths


def recorded(log: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
    """Return the last recorded tensors, as many as the shape says, and delete the file."""
    tensors = np.fromfile(log, dtype).reshape(-1, *shape[1:])[-shape[0]:]
    log.unlink()
    return tensors


def tensors_of_each_path(model: Path, images: Sequence[Path], dtype: type[np.generic], log: Path,
                         ros: RosSession) -> dict[str, NDArray[np.generic]]:
    """Return what the network gets from the converter's check, from fire_classify and the node."""
    count = len(images)
    shape = (count, *read_contract(model).input_shape[1:])
    samples = [Sample(path, FIRE, '', '', 'test') for path in images]
    probabilities(model, samples, 'tflite')
    tensors = {'converter': recorded(log, dtype, shape)}

    result = run_module('fire_detector.cli.classify', '--json', '--runtime', 'tflite',
                        '--model', model, *images)
    assert len([json.loads(line) for line in result.stdout.splitlines()]) == count
    tensors['fire_classify'] = recorded(log, dtype, shape)

    ros.environment |= {name: os.environ[name] for name in ('TENSOR_LOG', 'PYTHONPATH')}
    camera = camera_of_detector(ros, f'model:={model}', 'runtime:=tflite')
    for number, path in enumerate(images):
        camera.detect(image_message(read_image(path).pixels, stamp=number))
    tensors['node'] = recorded(log, dtype, shape)
    return tensors


def test_float_input(model: Path, images: list[Path], tap: Path, ros: RosSession) -> None:
    """Training's own tensors are what the network gets everywhere else, bit for bit."""
    expected = load_tensors([Sample(path, FIRE, '', '', 'train') for path in images],
                            read_contract(model).input_spec)
    assert len(np.unique(expected)) > 100
    for name, found in tensors_of_each_path(model, images, np.float32, tap, ros).items():
        np.testing.assert_array_equal(found, expected, err_msg=name)


def test_integer_input(integer_model: Path, images: list[Path], tap: Path,
                       ros: RosSession) -> None:
    """
    A uint8 input holds the pixels themselves.

    Training's tensor is pixel / 255 and the input's step 1/255 from 0 on, so that rounding gives
    the pixel of the image that was shrunk, in RGB order.
    """
    spec = read_contract(integer_model).input_spec
    expected = np.stack([cv2.resize(read_image(path).pixels, (64, 64),
                                    interpolation=cv2.INTER_AREA)[:, :, ::-1]
                         for path in images])
    tensors = load_tensors([Sample(path, FIRE, '', '', 'train') for path in images], spec)
    np.testing.assert_array_equal(np.rint(255 * tensors), expected)
    for name, found in tensors_of_each_path(integer_model, images, np.uint8, tap, ros).items():
        np.testing.assert_array_equal(found, expected, err_msg=name)
