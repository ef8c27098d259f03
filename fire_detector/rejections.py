# SPDX-License-Identifier: Apache-2.0
"""What a picture is not answered for."""

import cv2
from fire_detector.classifier import InferenceError
from fire_detector.diagnostics import INFERENCE, OTHER
from fire_detector.image_conversion import ImageError

# What conversion and classifier raise for a picture that cannot be answered.
REJECTIONS = (ImageError, InferenceError, cv2.error, MemoryError)


def reason_and_detail(error: Exception) -> tuple[str, str]:
    """
    Say why a picture is not answered.

    :param error: one of REJECTIONS.
    :return: one of diagnostics' REASONS, and a sentence.
    """
    reason = (error.reason if isinstance(error, ImageError)
              else INFERENCE if isinstance(error, InferenceError) else OTHER)
    return reason, str(error) or type(error).__name__
