# SPDX-License-Identifier: Apache-2.0
"""Labeled images: their files, groups, splits and samples."""
