# SPDX-License-Identifier: Apache-2.0
"""Reading bags, whole and damaged."""
