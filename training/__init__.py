# SPDX-License-Identifier: Apache-2.0
"""Train, convert and measure models on a workstation; nothing here is installed on the robot."""

import contextlib
import importlib
import os

# TensorFlow logs at length; its errors reach Python as exceptions all the same. This has to be
# set before TensorFlow is imported.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
# The two share symbols: tflite-runtime 2.14 that is loaded after TensorFlow refuses every model
# with 'vector::reserve'. Under numpy 2, which it was not built for, it raises AttributeError.
with contextlib.suppress(ImportError, AttributeError):
    importlib.import_module('tflite_runtime.interpreter')
