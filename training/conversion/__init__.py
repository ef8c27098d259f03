# SPDX-License-Identifier: Apache-2.0
"""From a trained model to a .tflite that is proven in the runtimes of robots."""
