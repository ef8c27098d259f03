# SPDX-License-Identifier: Apache-2.0
"""The cost of the node, next to the least and to the straightforward: `make bench`."""
