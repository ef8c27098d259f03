# SPDX-License-Identifier: Apache-2.0
"""Training: sampling, augmentation, batches, fitting, calibration and results."""
