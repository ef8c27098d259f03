# SPDX-License-Identifier: Apache-2.0
"""Models in every format: their predictions, and their conversion to TensorFlow Lite."""
