# SPDX-License-Identifier: Apache-2.0
"""What the tests of managed nodes have in common."""

from collections.abc import Iterator

import pytest
from ros_session import RosSession
from small_node import active_node, SmallNode


@pytest.fixture
def node(ros: RosSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallNode]:
    """Return an active node in this process and the default context."""
    for name, value in ros.environment.items():
        monkeypatch.setenv(name, value)
    with active_node() as node:
        yield node
