# SPDX-License-Identifier: Apache-2.0
"""Lifecycle nodes that log why a transition fails, and serve on after one that is refused."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from fire_detector.ros.executor import FastPathExecutor, FastPathSubscription
from fire_detector.ros.node_help import NodeHelp
from fire_detector.ros.process import ros_process
from rclpy.exceptions import ParameterException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.logging import get_logger


class ManagedNode(LifecycleNode):
    """
    A managed node: https://design.ros2.org/articles/node_lifecycle.html.

    :ivar problem: why the last transition failed; empty when it did not.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        """Create the node; what it works with is made by the transitions."""
        super().__init__(name, **kwargs)
        self.problem = ''
        self._keep_serving_after_refused_transitions()

    @abstractmethod
    def configure(self) -> None:
        """Create what is needed; raise an error with a message where that is not possible."""

    @abstractmethod
    def activate(self) -> None:
        """Start working; raise an error with a message where that is not possible."""

    @abstractmethod
    def deactivate(self) -> None:
        """Stop working; also called where `activate` has failed half-way."""

    @abstractmethod
    def cleanup(self) -> None:
        """Free what `configure` has made; also called where that has failed half-way."""

    @abstractmethod
    def fast_path_subscription(self) -> FastPathSubscription | None:
        """Return the subscription with the most messages; None while there is none."""

    def start(self) -> None:
        """Configure and activate, as far as both succeed."""
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def spin(self) -> None:
        """Serve until ROS is shut down."""
        FastPathExecutor(self).spin(self.fast_path_subscription)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure, or fail with a message."""
        if not self._try('configure', self.configure):
            self.cleanup()
            return TransitionCallbackReturn.FAILURE
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate, or fail with a message."""
        if not self._try('activate', self.activate):
            self.deactivate()
            return TransitionCallbackReturn.FAILURE
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate."""
        self.deactivate()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up."""
        self.cleanup()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from whichever state."""
        self.deactivate()
        self.cleanup()
        return super().on_shutdown(state)

    def _try(self, transition: str, action: Callable[[], None]) -> bool:
        """Run the action of a transition; log why it fails, which rclpy does not."""
        self.problem = ''
        try:
            action()
        except Exception as error:  # noqa: BLE001 - rclpy would swallow it without a word
            self.problem = f'cannot {transition}: {error or type(error).__name__}'
            self.get_logger().error(self.problem)
            return False
        return True

    def _keep_serving_after_refused_transitions(self) -> None:
        """
        Answer a transition that the state does not allow, instead of ending.

        Humble's and Jazzy's rclpy raise in the callback of the service. Kilted's does not.
        """
        answer = self._service_change_state.callback

        def answer_always(request: Any, response: Any) -> Any:
            try:
                return answer(request, response)
            except rclpy_implementation.RCLError as error:
                self.get_logger().error(f'transition {request.transition.id} refused: {error}')
                response.success = False
                return response

        self._service_change_state.callback = answer_always


def run_managed(name: str, create: Callable[[], ManagedNode], args: Sequence[str] | None,
                page: NodeHelp) -> int:
    """
    Run a managed node until it is interrupted, started where its parameter `autostart` says so.

    :param name: of the node.
    :param create: makes the node.
    :param args: command line arguments, as rclpy.init takes them.
    :param page: its help page.
    :return: the exit status.
    """
    if page.print_if_requested(args):
        return 0
    with ros_process(args):
        try:
            node = create()
        except ParameterException as error:
            get_logger(name).fatal(str(error))
            return 1
        if node.get_parameter('autostart').value:
            node.start()
        node.spin()
    return 0
