# SPDX-License-Identifier: Apache-2.0
"""An executor with a fast path for the messages of one topic."""

from collections.abc import Callable
from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.signals import SignalHandlerGuardCondition

_FOREVER = -1


class FastPathSubscription:
    """
    A subscription whose messages are taken without rclpy's executor.

    :ivar handle: of the subscription in rclpy.
    """

    def __init__(self, subscription: Any, on_message: Callable[[Any, Any], None]) -> None:
        """
        Wrap a subscription.

        :param subscription: of rclpy.
        :param on_message: called with each message and its info from the middleware.
        """
        self.handle = subscription.handle
        self._message_type = subscription.msg_type
        self._on_message = on_message

    def take(self) -> None:
        """Take a message, where there is one, and call back."""
        taken = self.handle.take_message(self._message_type, False)
        if taken is not None:
            self._on_message(*taken)


class FastPathExecutor:
    """
    An executor of one node and one callback at a time, like rclpy's SingleThreadedExecutor.

    For each callback, that one collects all that a node could be called for, wraps the callback in
    a task, and wakes itself once more, all in Python: a third of what an image costs. This one
    waits for the same, but where nothing but the node's one busy subscription is ready, it calls
    it at once, as rclpy.wait_for_message does; the rest it leaves to rclpy.
    """

    def __init__(self, node: Node) -> None:
        """
        Add a node.

        :param node: a node without guard conditions of its own, whose timers wake it often enough
            to see that ROS is shut down.
        """
        self._node = node
        self._rest = SingleThreadedExecutor()
        self._rest.add_node(node)
        self._signal = SignalHandlerGuardCondition(context=node.context)

    def spin(self, source: Callable[[], FastPathSubscription | None]) -> None:
        """
        Serve until ROS is shut down.

        :param source: returns the subscription of the fast path, or None while there is none.
        """
        while self._node.context.ok():
            busy = source()
            if busy is None:
                self._rest.spin_once()
            elif self._only_ready(busy):
                busy.take()
            else:
                # What is left of the time before may be all that this one ends; nothing is lost,
                # since what was ready is still.
                self._rest.spin_once(timeout_sec=0)

    def _only_ready(self, source: FastPathSubscription) -> bool:
        """Wait until something is ready; return whether it is the source alone."""
        node: Any = self._node
        subscriptions, services, timers = (
            list(node.subscriptions), list(node.services), list(node.timers))
        clients = list(node.clients)
        # Not the events of its topics, as many again: they are seen when a timer is.
        waiting = rclpy_implementation.WaitSet(
            len(subscriptions), 1, len(timers), len(clients), len(services), 0,
            node.context.handle)
        waiting.clear_entities()
        waiting.add_guard_condition(self._signal.handle)
        for subscription in subscriptions:
            waiting.add_subscription(subscription.handle)
        for service in services:
            waiting.add_service(service.handle)
        for timer in timers:
            waiting.add_timer(timer.handle)
        for client in clients:
            waiting.add_client(client.handle)
        waiting.wait(_FOREVER)
        return (waiting.get_ready_entities('subscription') == [source.handle.pointer]
                and not any(waiting.get_ready_entities(kind) for kind in (
                    'timer', 'service', 'client', 'guard_condition')))
