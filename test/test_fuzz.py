# SPDX-License-Identifier: Apache-2.0
"""
Whatever a message holds, it becomes a picture or an ImageError, and nothing else.

Nor does it take memory: no picture has more bytes than its message's size allows.
"""

from array import array
from collections.abc import Callable
from typing import Any
import zlib

import cv2
from fire_detector.compressed_image import decode
from fire_detector.image_conversion import ENCODINGS, ImageError, to_picture
from fire_detector.image_messages import from_compressed_image, from_image
from fire_detector.picture import Picture
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

pytest.importorskip('hypothesis', reason='hypothesis is not installed')

from hypothesis import HealthCheck, Phase, given, settings, strategies as st  # noqa: E402, I100
