# SPDX-License-Identifier: Apache-2.0
"""Play a bag to detectors that a launch file starts, and end the launch with it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from launch.action import Action
from launch.actions import (
    ExecuteProcess,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessStart
from launch.events.process import ProcessExited, ProcessStarted
from launch.launch_context import LaunchContext
from launch_ros.actions import LifecycleNode
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import StateTransition
from launch_ros.ros_adapters import get_ros_node
from lifecycle_msgs.msg import TransitionEvent
from lifecycle_msgs.srv import GetState
from std_msgs.msg import Float32

# Seconds in which the player and the detectors find each other, and these follow the reliability
# that the player offers, which they look at once a second. Below the default of image_timeout:
# from the player's first /clock on, they wait for images.
PLAYER_DELAY = 1.5
# Seconds in which the last image is processed.
LAST_DETECTION_DELAY = 1.0
# Seconds between requests for the state of a detector that has just been started.
STATE_PERIOD = 0.2
DEPTH = 10


def play_when_active(detectors: Sequence[LifecycleNode], bag: str, topics: Sequence[str],
                     prefix: str | None) -> list[RegisterEventHandler]:
    """
    Play a bag once every detector is active.

    The launch ends with the bag; with a status other than 0 where it could not be played, or no
    image of it was processed.

    :param detectors: to be started after these handlers.
    :param bag: its path.
    :param topics: those to play.
    :param prefix: what to put before the player's command.
    """
    inactive, detecting = list(detectors), set[str]()
    player = ExecuteProcess(
        cmd=['ros2', 'bag', 'play', bag, '--clock', '--delay', str(PLAYER_DELAY),
             '--disable-keyboard-controls', '--topics', *topics],
        name='ros2', output='both', prefix=prefix,
        on_exit=partial(_end_after_bag, bag, detectors, detecting))

    def play_after_last(context: LaunchContext, detector: LifecycleNode) -> list[Action]:
        inactive.remove(detector)
        if inactive:
            return []
        for each in detectors:
            _note_results(context, each.node_name, detecting)
        return [player]

    handlers: list[RegisterEventHandler] = []
    for detector in detectors:
        handlers += [
            RegisterEventHandler(OnProcessStart(
                target_action=detector, on_start=partial(_request_state, detector))),
            RegisterEventHandler(OnStateTransition(
                target_lifecycle_node=detector, goal_state='active', handle_once=True,
                entities=[OpaqueFunction(function=play_after_last, args=[detector])]))]
    return handlers


def _note_results(context: LaunchContext, detector: str, detecting: set[str]) -> None:
    """Add the name of a detector to a set when it has processed an image."""
    def note(_: Any) -> None:
        detecting.add(detector)

    get_ros_node(context).create_subscription(
        Float32, f'{detector}/fire_probability', note, DEPTH)


def _end_after_bag(bag: str, detectors: Sequence[LifecycleNode], detecting: set[str],
                   event: ProcessExited, context: LaunchContext) -> list[Action]:
    """
    End the launch, once the last image is processed.

    :raises RuntimeError: when the bag cannot be played; the launch ends with status 1.
    """
    if context.is_shutdown:
        return []
    if event.returncode != 0:
        raise RuntimeError(f'bag:={bag} cannot be played: ros2 bag play has ended with status '
                           f'{event.returncode}')

    def end(_: LaunchContext) -> list[Action]:
        if silent := [each.node_name for each in detectors if each.node_name not in detecting]:
            raise RuntimeError(f'bag:={bag} has been played, but no image of it was processed '
                               f'by {", ".join(silent)}: see its log, and image_transport:=')
        return [LogInfo(msg='the bag has ended'), Shutdown(reason='the bag has ended')]

    return [TimerAction(period=LAST_DETECTION_DELAY, actions=[OpaqueFunction(function=end)])]


def _request_state(detector: LifecycleNode, _: ProcessStarted, context: LaunchContext) -> None:
    """
    Request the state of a detector until it responds, and emit it as the goal of a transition.

    A detector that starts by itself is active before the subscription of launch_ros to its
    transitions is discovered, so that their events are missed.
    """
    node = get_ros_node(context)
    client = node.create_client(GetState, f'{detector.node_name}/get_state')

    def request() -> None:
        if client.service_is_ready():
            client.call_async(GetState.Request()).add_done_callback(emit)

    def emit(future: Any) -> None:
        timer.cancel()
        transition = TransitionEvent(goal_state=future.result().current_state)
        context.asyncio_loop.call_soon_threadsafe(
            context.emit_event_sync, StateTransition(action=detector, msg=transition))

    # A timer rather than a coroutine, which would keep launch from ending with the detector.
    timer = node.create_timer(STATE_PERIOD, request)
