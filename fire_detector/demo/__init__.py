# SPDX-License-Identifier: Apache-2.0
"""`make demo`: the detector at work, watched and plotted."""
