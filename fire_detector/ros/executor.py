# SPDX-License-Identifier: Apache-2.0
"""An executor with a fast path for the messages of one topic."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
import threading
from typing import Any

from rclpy.exceptions import InvalidHandle
from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
    TimeoutException,
)
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.task import Task

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


class _NodeWaitSet:
    """
    A wait set of a node's entities, which is made anew where they have changed.

    It holds them and ROS itself: what another thread destroys, as it does that shuts ROS down, is
    freed once it is not waited for any more.
    """

    def __init__(self, node: Any, guards: Sequence[Any]) -> None:
        self._node, self._guards = node, guards
        self._entities: list[list[Any]] = []
        self._additions: list[tuple[Callable[[Any], object], Any]] = []
        self._held = ExitStack()

    def wait(self, busy: FastPathSubscription | None) -> bool:
        """Wait until something is ready; return whether it is the busy subscription alone."""
        node = self._node
        # Not the events of its topics, as many again: they are seen when a timer is.
        entities = [list(node.subscriptions), list(node.timers), list(node.clients),
                    list(node.services)]
        if entities != self._entities:
            self._make(entities)
        waiting = self._wait_set
        waiting.clear_entities()
        for add, handle in self._additions:
            add(handle)
        waiting.wait(_FOREVER)
        return (busy is not None
                and waiting.get_ready_entities('subscription') == [busy.handle.pointer]
                and not any(waiting.get_ready_entities(kind) for kind in (
                    'timer', 'service', 'client', 'guard_condition')))

    def release(self) -> None:
        """Hold nothing any more."""
        self._entities = []
        self._additions.clear()
        self._held.close()

    def _make(self, entities: list[list[Any]]) -> None:
        self.release()
        subscriptions, timers, clients, services = map(self._hold, entities)
        guards = self._hold(self._guards)
        context = self._node.context.handle
        self._held.enter_context(context)
        self._wait_set = wait_set = rclpy_implementation.WaitSet(
            len(subscriptions), len(guards), len(timers), len(clients), len(services), 0, context)
        additions: list[tuple[Callable[[Any], object], list[Any]]] = [
            (wait_set.add_subscription, subscriptions), (wait_set.add_guard_condition, guards),
            (wait_set.add_timer, timers), (wait_set.add_client, clients),
            (wait_set.add_service, services)]
        self._additions = [(add, handle) for add, handles in additions for handle in handles]
        self._entities = entities

    def _hold(self, entities: Sequence[Any]) -> list[Any]:
        """Keep entities from being freed; return the handles of those that are still there."""
        handles = []
        for entity in entities:
            # Else it was destroyed a moment ago.
            with suppress(InvalidHandle):
                self._held.enter_context(entity.handle)
                handles.append(entity.handle)
        return handles


class FastPathExecutor(SingleThreadedExecutor):
    """
    An executor of one node with a fast path.

    For each callback, its base class collects all that a node could be called for, wraps the
    callback in a task, and wakes itself once more, all in Python: a third of what an image costs.
    This one waits for the same, but where nothing but the node's one busy subscription is ready,
    it calls it at once, as rclpy.wait_for_message does; the rest it leaves to its base class.
    """

    def __init__(self, node: Node, source: Callable[[], FastPathSubscription | None]) -> None:
        """
        Add a node.

        :param node: a node without guard conditions of its own.
        :param source: returns the subscription of the fast path, or None while there is none.
        """
        super().__init__(context=node.context)
        self.add_node(node)
        self._node, self._source = node, source
        self._wait_set = _NodeWaitSet(node, (self._guard, self._sigint_gc))
        self._stopped = self._has_tasks = False
        self._thread: int | None = None

    def create_task(self, callback: Any, *args: Any, **kwargs: Any) -> 'Task[Any]':
        """Have a callback or coroutine executed by `spin`; may be called from any thread."""
        task: Task[Any] = super().create_task(callback, *args, **kwargs)
        # Anew, after this is set: the base class may just have looked for tasks, not seen this
        # one, and taken the wake-up that came with it.
        self._has_tasks = True
        self.wake()
        return task

    def wake(self) -> None:
        """Wake `spin` because something has changed; may be called from any thread."""
        # As Python ends, its guard condition may be gone before the node.
        with suppress(InvalidHandle):
            super().wake()

    @property
    def spins_here(self) -> bool:
        """Return whether it is this thread that serves."""
        return self._thread == threading.get_ident()

    def stop(self) -> None:
        """Have `spin` return after the callback that runs; may be called from any thread."""
        self._stopped = True
        self.wake()

    def spin(self) -> None:
        """Serve until ROS is shut down, or until `stop`."""
        self._thread = threading.get_ident()
        try:
            while self._context.ok() and not self._stopped:
                self._serve_next()
        except ExternalShutdownException:
            pass
        finally:
            self._wait_set.release()

    def _serve_next(self) -> None:
        """Wait for a callback, and run it."""
        busy = self._source()
        if not self._has_tasks and self._wait_set.wait(busy) and busy is not None:
            busy.take()
        elif not self._stopped:
            self._has_tasks = False
            self._serve_rest()

    def _serve_rest(self) -> None:
        """
        Run one callback of an entity that is ready, and the tasks that come before it.

        An earlier call may have left nothing more to do than to end it; what is ready stays so.
        """
        try:
            entity = None
            # A task, unlike an entity's callback, does not wake this executor for what remains.
            while entity is None:
                task, entity, _ = self.wait_for_ready_callbacks(timeout_sec=0)
                task()
                task.result()
        except (TimeoutException, ShutdownException):
            pass
