# SPDX-License-Identifier: Apache-2.0
"""A managed node that answers each message, and publishes 'end' when it is deactivated."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
import sys
from typing import Any

from fire_detector.detection.health import Health, Level
from fire_detector.parameters.table import AUTOSTART
from fire_detector.ros.executor import FastPathSubscription
from fire_detector.ros.lifecycle_node import ManagedNode, run_managed
from fire_detector.ros.node_help import NodeHelp
import rclpy
from rclpy.duration import Duration
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import String

DEPTH = 100
DELIVERY_TIMEOUT = Duration(seconds=1)
HELP = NodeHelp('ending', 'End.', (), [AUTOSTART])


class SmallNode(ManagedNode):
    """
    A managed node of `question` and `answer`.

    :ivar on_question: called with the node in the callback of each message.
    :ivar deactivated: how often it was.
    :ivar failing: the names of methods, each once for every time that it is to fail.
    """

    def __init__(self, **kwargs: Any) -> None:
        """Declare the parameters."""
        super().__init__('ending', 'endings', [AUTOSTART], **kwargs)
        self.add_on_set_parameters_callback(self.on_set_parameters)
        self.on_question: Callable[[SmallNode], object] = lambda node: None
        self.deactivated = 0
        self.failing: list[str] = []
        self._answer: Any = None
        self._direct: FastPathSubscription | None = None
        self._inputs: list[Any] = []

    def configure(self) -> None:
        """Make the publisher."""
        self._answer = self.create_lifecycle_publisher(String, 'answer', DEPTH)
        self._fail_once('configure')

    def activate(self) -> None:
        """Subscribe."""
        self._inputs = [self.create_subscription(String, 'question', self._on_message, DEPTH)]
        self._direct = FastPathSubscription(
            self._inputs[0], lambda message, _: self._on_message(message))
        self._fail_once('activate')

    def deactivate(self) -> None:
        """Publish the end."""
        self._fail_once('deactivate')
        self.deactivated += 1
        for each in self._inputs:
            self.destroy_subscription(each)
        self._inputs, self._direct = [], None
        if self._answer is not None:
            self._answer.publish(String(data='end'))
            self._answer.wait_for_all_acked(DELIVERY_TIMEOUT)

    def cleanup(self) -> None:
        """Free the publisher."""
        self._fail_once('cleanup')
        if self._answer is not None:
            self.destroy_lifecycle_publisher(self._answer)
            self._answer = None

    def apply(self, values: Mapping[str, Any]) -> None:
        """Apply nothing."""

    def health(self) -> Health:
        """Return that of the state."""
        return self.resting_health() if self._direct is None else Health(Level.OK, 'active', ())

    def fast_path_subscription(self) -> FastPathSubscription | None:
        """Return the subscription; None while not active."""
        return self._direct

    def _fail_once(self, name: str) -> None:
        if name in self.failing:
            self.failing.remove(name)
            raise OSError('still wet')

    def _on_message(self, message: String) -> None:
        self.on_question(self)
        self._answer.publish(message)


@contextmanager
def active_node() -> Iterator[SmallNode]:
    """Make an active node in this process and the default context, and shut that down."""
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = SmallNode()
    node.start()
    yield node
    rclpy.try_shutdown()


if __name__ == '__main__':
    sys.exit(run_managed(HELP, SmallNode, None))
