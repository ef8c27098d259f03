# SPDX-License-Identifier: Apache-2.0
"""What the managed nodes share: transitions, parameters and diagnostics."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
import threading
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from fire_detector.detection.health import Health, Level, Values
from fire_detector.parameters.table import check_mutable, check_values
from fire_detector.parameters.table import Parameter as ParameterRow
from fire_detector.ros.executor import FastPathExecutor, FastPathSubscription
from fire_detector.ros.messages import diagnostic_array
from fire_detector.ros.node_help import NodeHelp
from fire_detector.ros.parameters import declare_parameters, read_parameters
from fire_detector.ros.process import before_shutdown, run_node
from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import QoSDurabilityPolicy, QoSProfile

# Seconds for which a shutdown waits for the callback that runs, and for the deactivation.
END_TIMEOUT = 1.0
DIAGNOSTICS_DEPTH, DIAGNOSTICS_PERIOD = 10, 1.0
# The state that each transition leads to, and the transition of each number.
_GOALS = {'configure': 'inactive', 'activate': 'active', 'deactivate': 'inactive',
          'cleanup': 'unconfigured', 'shutdown': 'finalized'}
_LABELS = {
    Transition.TRANSITION_CONFIGURE: 'configure', Transition.TRANSITION_ACTIVATE: 'activate',
    Transition.TRANSITION_DEACTIVATE: 'deactivate', Transition.TRANSITION_CLEANUP: 'cleanup',
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN: 'shutdown',
    Transition.TRANSITION_INACTIVE_SHUTDOWN: 'shutdown',
    Transition.TRANSITION_ACTIVE_SHUTDOWN: 'shutdown'}
# Of topics whose last message is for late subscribers, too.
LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


class ManagedNode(LifecycleNode):
    """
    A managed node: https://design.ros2.org/articles/node_lifecycle.html.

    :ivar problem: why the last transition failed; empty when it did not.
    :ivar steady_clock: unlike the node's clock, it goes on while a simulation or bag is paused.
    """

    # Whether it can be ended; not where a signal has interrupted its making.
    _complete = False

    def __init__(self, name: str, task: str, table: Sequence[ParameterRow],
                 **kwargs: Any) -> None:
        """
        Declare the parameters; what they describe is made by the transitions.

        :param name: of the node.
        :param task: what its diagnostics are about, as in 'fire detection'.
        :param table: its parameters.
        """
        super().__init__(name, **kwargs)
        self.problem = ''
        self._executor: FastPathExecutor | None = None
        self._ending, self._ended = threading.RLock(), threading.Event()
        self.steady_clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._task, self._table = task, table
        # Of files and the command line; as long as there are any, the node is not configured.
        self._wrong_values = declare_parameters(self, table)
        self._diagnostics_publisher = self.create_publisher(
            DiagnosticArray, '/diagnostics', DIAGNOSTICS_DEPTH)
        self.create_timer(DIAGNOSTICS_PERIOD, self._publish_diagnostics, clock=self.steady_clock)
        self._change_state = self._service_change_state.callback
        self._service_change_state.callback = self._on_change_state
        before_shutdown(self.context, self.end)
        self._complete = True

    @property
    def state(self) -> str:
        """Return the state of the node, as in 'inactive'."""
        return str(self._state_machine.current_state[1])

    @property
    def configured(self) -> bool:
        """Return whether there is what `configure` makes."""
        return self.state in ('inactive', 'activating', 'active', 'deactivating')

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
        return Health(Level.ERROR if self.problem else Level.OK, self.problem or self.state,
                      values)

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
        """Serve until ROS is shut down or `end` is called; deactivate, whatever ends it."""
        executor = self._executor = FastPathExecutor(self, self.fast_path_subscription)
        self._ended.clear()
        try:
            executor.spin()
        finally:
            self._deactivate_if_active()
            self._ended.set()

    def end(self) -> None:
        """
        Deactivate where the node is active: before ROS is shut down, and from any thread.

        A thread that serves it deactivates, after the callback that runs. This one does where
        there is none, and where that callback takes longer than END_TIMEOUT.
        """
        executor = self._executor
        if executor is not None:
            executor.stop()
            if not executor.spins_here:
                self._ended.wait(END_TIMEOUT)
        self._deactivate_if_active()

    def destroy_node(self) -> None:
        """Deactivate where the node is active, and destroy it."""
        if self._complete:
            self.end()
        super().destroy_node()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure; where that fails, report it and stay unconfigured."""
        if not self._try('configure', self._configure):
            return self._failure('clean up', self.cleanup)
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate; where that fails, report it and stay inactive."""
        if not self._try('activate', self.activate):
            return self._failure('deactivate', self.deactivate)
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate; where that fails, report it and go on with on_error."""
        if not self._try('deactivate', self.deactivate):
            return TransitionCallbackReturn.ERROR
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up; where that fails, report it and go on with on_error."""
        if not self._try('clean up', self.cleanup):
            return TransitionCallbackReturn.ERROR
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from whichever state; report what fails, and go on with on_error."""
        if not (self._try('deactivate', self.deactivate) and self._try('clean up', self.cleanup)):
            return TransitionCallbackReturn.ERROR
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything after a failed transition: unconfigured, or finalized if that fails."""
        deactivated = self._succeeds('deactivate', self.deactivate)
        if self._succeeds('clean up', self.cleanup) and deactivated:
            return TransitionCallbackReturn.SUCCESS
        return TransitionCallbackReturn.FAILURE

    def _deactivate_if_active(self) -> None:
        """Deactivate once, however many threads end the node; never raise."""
        if not self._ending.acquire(timeout=END_TIMEOUT):
            return
        try:
            if self.state == 'active':
                self.trigger_deactivate()
        except Exception as error:  # noqa: BLE001 - it would hide what ends the node
            self.get_logger().error(f'cannot deactivate: {error or type(error).__name__}')
        finally:
            self._ending.release()

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

    def _try(self, name: str, action: Callable[[], None]) -> bool:
        """Run the action of a transition; return whether it succeeds."""
        self.problem = ''
        return self._succeeds(name, action)

    def _failure(self, name: str, undo: Callable[[], None]) -> TransitionCallbackReturn:
        """Undo what failed half-way; return the failure, or an error where that fails, too."""
        return (TransitionCallbackReturn.FAILURE if self._succeeds(name, undo)
                else TransitionCallbackReturn.ERROR)

    def _succeeds(self, name: str, action: Callable[[], None]) -> bool:
        """Run an action; report why it fails, which rclpy does not."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - rclpy would not log it
            problem = f'cannot {name}: {error or type(error).__name__}'
            self.get_logger().error(problem)
            # The first one is the cause.
            self.problem = self.problem or problem
            return False
        return True

    def _on_change_state(self, request: Any, response: Any) -> Any:
        """
        Change the state, also where that has been done, as a lifecycle manager may ask again.

        A transition that the state does not allow is refused: Humble's and Jazzy's rclpy raise in
        the callback of the service. Kilted's does not.
        """
        label = request.transition.label or _LABELS.get(request.transition.id)
        if label in _GOALS and _GOALS[label] == self.state:
            response.success = True
            return response
        try:
            return self._change_state(request, response)
        except rclpy_implementation.RCLError as error:
            self.get_logger().error(f'transition {label} refused: {error}')
            response.success = False
            return response


def run_managed(page: NodeHelp, create: Callable[[], ManagedNode],
                args: Sequence[str] | None) -> int:
    """
    Run a managed node until it is interrupted, started where its parameter `autostart` says so.

    :param page: its help page.
    :param create: makes the node.
    :param args: command line arguments, as rclpy.init takes them.
    :return: the exit status.
    """
    def create_and_start() -> Callable[[], None]:
        node = create()
        if node.get_parameter('autostart').value:
            node.start()
        return node.spin

    return run_node(page, create_and_start, args, ())
