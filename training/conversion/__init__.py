# SPDX-License-Identifier: Apache-2.0
"""Models in every format: what they answer, and how one becomes a proven .tflite."""
