# SPDX-License-Identifier: Apache-2.0
"""Labeled images: found, grouped, split and read."""
