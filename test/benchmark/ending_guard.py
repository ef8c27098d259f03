# SPDX-License-Identifier: Apache-2.0
"""
Run a guard that ends when it is told to: `python -m benchmark.ending_guard --ros-args ...`.

What is to happen comes on the named pipe ORDERS, a line each: `raise` and an edge, for an error in
the callback of that name, or `shutdown` and how, for the end of ROS from another thread. The
moment is printed, in seconds of the clock that all processes share.
"""

import os
from pathlib import Path
import sys
import threading
import time
from typing import Any

from fire_detector.nodes.guard_node import FireGuardNode, HELP
from fire_detector.ros.lifecycle_node import run_managed
import rclpy

ORDERS = 'GUARD_ORDERS'
EDGES = 'command', 'report', 'timer', 'diagnostics', 'service'
SHUTDOWNS = 'rclpy', 'context'


class EndingGuard(FireGuardNode):
    """A guard each of whose callbacks can be made to raise."""

    def __init__(self, **kwargs: Any) -> None:
        """Start to wait for orders."""
        self._edge = ''
        super().__init__(**kwargs)
        threading.Thread(target=self._obey, daemon=True).start()

    def _obey(self) -> None:
        with Path(os.environ[ORDERS]).open() as orders:
            for order in orders:
                what, how = order.split()
                if what == 'raise':
                    self._edge = how
                    continue
                print(f'happened {time.monotonic()}', flush=True)
                if how == 'rclpy':
                    rclpy.shutdown()
                else:
                    self.context.shutdown()

    def _raise_at(self, edge: str) -> None:
        if edge == self._edge:
            print(f'happened {time.monotonic()}', flush=True)
            raise RuntimeError(f'ordered, in {edge}')

    def _on_command(self, command: Any, info: Any) -> None:
        self._raise_at('command')
        super()._on_command(command, info)

    def _on_detector(self, number: int, message: Any) -> None:
        self._raise_at('report')
        super()._on_detector(number, message)

    def _watch(self) -> None:
        self._raise_at('timer')
        super()._watch()

    def health(self) -> Any:
        """Raise, or return the guard's health."""
        self._raise_at('diagnostics')
        return super().health()

    def _on_release(self, request: Any, response: Any) -> Any:
        self._raise_at('service')
        return super()._on_release(request, response)


if __name__ == '__main__':
    sys.exit(run_managed(HELP, EndingGuard, None))
