# SPDX-License-Identifier: Apache-2.0
"""
Whatever a message holds, it becomes a picture or an ImageError, and nothing else.

Nor does it take memory: no picture has more bytes than its message's size allows.
"""


import pytest

pytest.importorskip('hypothesis', reason='hypothesis is not installed')

