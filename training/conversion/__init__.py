# SPDX-License-Identifier: Apache-2.0
"""Models in every format: their predictions, and the way to a proven .tflite."""
