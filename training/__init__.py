# SPDX-License-Identifier: Apache-2.0
"""Train, convert and measure models on a workstation; nothing here is installed on the robot."""

import os

# TensorFlow speaks of itself at length; its errors reach Python as exceptions all the same. This
# has to be said before TensorFlow is imported.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
