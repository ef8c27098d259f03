# SPDX-License-Identifier: Apache-2.0
"""What cameras send, as arrays of pixels."""
