# SPDX-License-Identifier: Apache-2.0
"""What the managed nodes share: transitions, parameters and diagnostics."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from fire_detector.detection.health import Health, Level, Values
from fire_detector.parameters.table import check_mutable, check_values
from fire_detector.parameters.table import Parameter as ParameterRow
from fire_detector.ros.executor import FastPathExecutor, FastPathSubscription
from fire_detector.ros.messages import diagnostic_array
from fire_detector.ros.node_help import NodeHelp
from fire_detector.ros.parameters import declare_parameters, read_parameters
from fire_detector.ros.process import ros_process
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import QoSDurabilityPolicy, QoSProfile

DIAGNOSTICS_DEPTH, DIAGNOSTICS_PERIOD = 10, 1.0
# Of topics whose last message is for late subscribers, too.
LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


class ManagedNode(LifecycleNode):
    """
    A managed node: https://design.ros2.org/articles/node_lifecycle.html.

    :ivar problem: why the last transition failed; empty when it did not.
    :ivar configured: whether it is between `configure` and `cleanup`.
    :ivar steady_clock: unlike the node's clock, it goes on while a simulation or bag is paused.
    """

    def __init__(self, name: str, task: str, table: Sequence[ParameterRow],
                 **kwargs: Any) -> None:
        """
        Declare the parameters; what they describe is made by the transitions.

        :param name: of the node.
        :param task: what its diagnostics are about, as in 'fire detection'.
        :param table: its parameters.
        """
        super().__init__(name, **kwargs)
        self.problem, self.configured = '', False
        self.steady_clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._task, self._table = task, table
        # Of files and the command line; as long as there are any, the node is not configured.
        self._wrong_values = declare_parameters(self, table)
        self._diagnostics_publisher = self.create_publisher(
            DiagnosticArray, '/diagnostics', DIAGNOSTICS_DEPTH)
        self.create_timer(DIAGNOSTICS_PERIOD, self._publish_diagnostics, clock=self.steady_clock)
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
    def apply(self, values: Mapping[str, Any]) -> None:
        """
        Apply the parameters that may be changed at any time; called while configured.

        :param values: of all parameters, by name.
        :raises ValueError: when one of them, or their combination, is not allowed.
        """

    @abstractmethod
    def health(self) -> Health:
        """Return what is to be published on `/diagnostics`."""

    @abstractmethod
    def fast_path_subscription(self) -> FastPathSubscription | None:
        """Return the subscription with the most messages; None while there is none."""

    def parameter_values(self) -> dict[str, Any]:
        """Return the values of the parameters, by name."""
        return read_parameters(self, self._table)

    def resting_health(self, values: Values = ()) -> Health:
        """Return the health of a node that is not active, with values beside it."""
        state = 'inactive' if self.configured else 'unconfigured'
        return Health(Level.ERROR if self.problem else Level.OK, self.problem or state, values)

    def on_set_parameters(self, parameters: 'list[Parameter[Any]]') -> SetParametersResult:
        """Refuse values that are not allowed, with the reason, and apply others at once."""
        changed = {parameter.name: parameter.value for parameter in parameters}
        reason = check_mutable(self._table, changed, self.configured)
        if not reason:
            try:
                check_values([row for row in self._table if row.name in changed], changed)
                if self.configured:
                    self.apply(self.parameter_values() | changed)
            except ValueError as error:
                reason = str(error)
        if not reason:
            for name in changed:
                self._wrong_values.pop(name, None)
        return SetParametersResult(successful=not reason, reason=reason)

    def set_parameters_atomically(
            self, parameter_list: 'list[Parameter[Any]]') -> SetParametersResult:
        """
        Set parameters, as rclpy does; those that have their value already are passed over.

        So that a file that `ros2 param dump` has written can be loaded at any time, also what is
        read-only in it, which rclpy refuses whatever its value.
        """
        changed = [each for each in parameter_list if not self._has_value(each)]
        if parameter_list and not changed:
            return SetParametersResult(successful=True)
        return super().set_parameters_atomically(changed)

    def start(self) -> None:
        """Configure and activate, as far as both succeed."""
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def spin(self) -> None:
        """Serve until ROS is shut down."""
        FastPathExecutor(self).spin(self.fast_path_subscription)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure, or fail with a message."""
        if not self._try('configure', self._configure):
            self.cleanup()
            return TransitionCallbackReturn.FAILURE
        self.configured = True
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
        self.configured = False
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from whichever state."""
        self.deactivate()
        self.cleanup()
        self.configured = False
        return super().on_shutdown(state)

    def _publish_diagnostics(self) -> None:
        health = self.health()
        self.get_logger().debug(health.message)
        self._diagnostics_publisher.publish(diagnostic_array(
            health, self._task, self.get_fully_qualified_name(),
            self.get_clock().now().to_msg()))

    def _has_value(self, parameter: 'Parameter[Any]') -> bool:
        # Set to its default, a parameter is no longer the wrong one of a file.
        if not self.has_parameter(parameter.name) or parameter.name in self._wrong_values:
            return False
        own = self.get_parameter_or(parameter.name, parameter)
        return own.type_ == parameter.type_ and bool(own.value == parameter.value)

    def _configure(self) -> None:
        if self._wrong_values:
            raise ValueError('; '.join(self._wrong_values.values())
                             + ': correct them in the file or command line, or set them')
        self.configure()

    def _try(self, transition: str, action: Callable[[], None]) -> bool:
        """Run the action of a transition; log why it fails, which rclpy does not."""
        self.problem = ''
        try:
            action()
        except Exception as error:  # noqa: BLE001 - rclpy would not log it
            self.problem = f'cannot {transition}: {error or type(error).__name__}'
            self.get_logger().error(self.problem)
            return False
        return True

    def _keep_serving_after_refused_transitions(self) -> None:
        """
        Refuse a transition that the state does not allow, instead of ending.

        Humble's and Jazzy's rclpy raise in the callback of the service. Kilted's does not.
        """
        change_state = self._service_change_state.callback

        def change_or_refuse(request: Any, response: Any) -> Any:
            try:
                return change_state(request, response)
            except rclpy_implementation.RCLError as error:
                self.get_logger().error(f'transition {request.transition.id} refused: {error}')
                response.success = False
                return response

        self._service_change_state.callback = change_or_refuse


def run_managed(page: NodeHelp, create: Callable[[], ManagedNode],
                args: Sequence[str] | None) -> int:
    """
    Run a managed node until it is interrupted, started where its parameter `autostart` says so.

    :param page: its help page.
    :param create: makes the node.
    :param args: command line arguments, as rclpy.init takes them.
    :return: the exit status.
    """
    if page.print_if_requested(args):
        return 0
    with ros_process(args):
        node = create()
        if node.get_parameter('autostart').value:
            node.start()
        node.spin()
    return 0
