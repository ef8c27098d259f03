# SPDX-License-Identifier: Apache-2.0
"""How a network is shown images, and what is kept of it meanwhile."""
