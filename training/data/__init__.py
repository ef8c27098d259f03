# SPDX-License-Identifier: Apache-2.0
"""Labeled pictures: found, grouped, split, read and shown."""
