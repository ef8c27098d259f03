# SPDX-License-Identifier: Apache-2.0
"""The report of a replay, as one HTML page."""
