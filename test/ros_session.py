# SPDX-License-Identifier: Apache-2.0
"""A ROS for one test: a domain of its own, real processes, and waiting with a deadline."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, ExitStack
from copy import copy
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from domain_coordinator import domain_id
from fire_detector.ros.isolation import find_free_domain, isolation_variables
from fire_detector.scene.scene import SyntheticScene
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
import numpy as np
from numpy.typing import NDArray
import psutil
from rcl_interfaces.srv import GetParameters, SetParameters
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter, parameter_value_to_python
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Bool, Float32, Header
from std_srvs.srv import Trigger

ROOT = Path(__file__).resolve().parents[1]
DISCOVERY = Path(__file__).with_name('quick_discovery.xml')
DETECTOR = '/fire_detector'
CONFIGURE, CLEAN_UP = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_CLEANUP
ACTIVATE, DEACTIVATE = Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_DEACTIVATE
# A gray image, and one of the rendered room on fire.
CALM = np.full((48, 80, 3), 128, np.uint8)
FIRE = np.ascontiguousarray(SyntheticScene(160, 120, 0).render(16.0)[:, :, ::-1])
TIMEOUT = 20.0
# For images whose stamps have nothing to do with the time at which they are sent.
ANY_AGE = 'max_age:=0'
# After which what may be repeated is.
REPEAT_CALL, REPEAT_PROBE = 0.5, 1.0
TRANSITION_TIMEOUT = 4.0
# Enough for a burst that is to be received in full.
DEPTH = 200


class Process:
    """A started process and what it has printed."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]) -> None:
        """Start the command."""
        self._log = log
        with log.open('wb') as output:
            # A group of its own, so that what it starts ends with it.
            self.popen = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                          cwd=ROOT, env=environment, start_new_session=True)

    @property
    def output(self) -> str:
        """Return what was printed so far."""
        return self._log.read_text(errors='replace')

    @property
    def memory(self) -> int:
        """Return the bytes of its resident memory."""
        return int(psutil.Process(self.popen.pid).memory_info().rss)

    def end(self, by: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to the whole group, as a terminal does; return the exit status."""
        os.killpg(self.popen.pid, by)
        return self.popen.wait(TIMEOUT)

    def interrupt(self) -> None:
        """End the group as Ctrl-C does, and check that it ends well."""
        os.killpg(self.popen.pid, signal.SIGINT)
        self.check_end()

    def check_end(self, status: int = 0) -> None:
        """Wait for the end; check the exit status, and that there was no traceback."""
        assert self.popen.wait(TIMEOUT) == status, self.output
        assert 'Traceback' not in self.output

    def kill(self) -> None:
        """End whatever is left of the group."""
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.popen.wait()

    def child(self, name: str) -> psutil.Process:
        """Return the process that it has started with a name in its command line."""
        return next(child for child in psutil.Process(self.popen.pid).children(recursive=True)
                    if any(name in word for word in child.cmdline()))


@contextmanager
def isolated_domain() -> Iterator[dict[str, str]]:
    """
    Claim a ROS domain that is not in use on this machine, for as long as the context lasts.

    :return: the environment variables that put a process into the domain, on loopback only.
    :raises RuntimeError: when all domains are taken.
    """
    with domain_id(find_free_domain) as domain:
        yield isolation_variables(domain)


class RosSession:
    """Start nodes as processes and talk to them over DDS."""

    def __init__(self, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        """
        Prepare.

        :param folder: for the processes' output.
        :param variables: of the environment, over those of the domain.
        """
        self._folder = folder
        self._variables = dict(variables or {})
        self._stack = ExitStack()
        self._processes: list[Process] = []
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> 'RosSession':
        """Claim a domain and make a node in it."""
        self.environment = os.environ | self._stack.enter_context(isolated_domain()) | {
            'PYTHONUNBUFFERED': '1', 'ROS_LOG_DIR': str(self._folder / 'ros_log')
        } | self._variables
        before = dict(os.environ)
        # Fast DDS 3 has a name of its own for what is FASTRTPS_ to those before.
        os.environ.update(self.environment | {
            f'{name}_DEFAULT_PROFILES_FILE': str(DISCOVERY) for name in ('FASTDDS', 'FASTRTPS')})
        self._context = Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node('tester', context=self._context)
        os.environ.clear()
        os.environ.update(before)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        return self

    def __exit__(self, *exception: object) -> None:
        """End every process and leave the domain."""
        # Before the others are killed: Fast DDS waits for the dead when it leaves them.
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)
        for process in self._processes:
            process.kill()
        self._stack.close()

    def start(self, module: str, *parameters: str, arguments: Sequence[str] = ()) -> Process:
        """Start a node's module with parameters, each as name:=value, and other ROS arguments."""
        words = [word for parameter in parameters for word in ('-p', parameter)]
        return self.start_command([sys.executable, '-m', f'fire_detector.nodes.{module}',
                                   '--ros-args', *words, *arguments])

    def start_detector(self, *parameters: str, arguments: Sequence[str] = ()) -> Process:
        """Start the detector; its images may have any age, unless a parameter limits it."""
        # Of two values of one parameter the first would hold.
        if not any(parameter.startswith('max_age:=') for parameter in parameters):
            parameters = (*parameters, ANY_AGE)
        return self.start('detector_node', *parameters, arguments=arguments)

    def start_command(self, command: list[str]) -> Process:
        """Start any command in this ROS."""
        log = self._folder / f'process_{len(self._processes)}.log'
        self._processes.append(Process(command, log, self.environment))
        return self._processes[-1]

    @property
    def output(self) -> str:
        """Return what all processes have printed so far."""
        return '\n---\n'.join(process.output for process in self._processes)

    def wait_for(self, condition: Callable[[], object], what: str,
                 timeout: float = TIMEOUT) -> None:
        """Spin until a condition is true; fail with its name, and all output, when it is late."""
        if not self.happens(condition, timeout):
            raise AssertionError(f'not within {timeout} s: {what}\n{self.output}')

    def happens(self, condition: Callable[[], object], within: float) -> bool:
        """Spin until a condition is true, or for so many seconds; return whether it is."""
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.spin_once()
        return True

    def spin_once(self) -> None:
        """Process a message that has arrived, or wait a moment for one."""
        self._executor.spin_once(timeout_sec=0.02)

    def collect(self, message_type: Any, topic: str,
                reliability: QoSReliabilityPolicy = QoSReliabilityPolicy.RELIABLE) -> list[Any]:
        """Subscribe to a topic; return the list in which messages arrive."""
        messages: list[Any] = []
        self.node.create_subscription(message_type, topic, messages.append,
                                      QoSProfile(depth=1000, reliability=reliability))
        return messages

    def call(self, service_type: Any, name: str, request: Any) -> Any:
        """Call a service that may be called twice, and return its response."""
        response = None
        deadline = time.monotonic() + TIMEOUT
        while response is None:
            assert time.monotonic() < deadline, f'no response of {name}\n{self.output}'
            response = self._attempt(service_type, name, request, REPEAT_CALL)
        return response

    def _attempt(self, service_type: Any, name: str, request: Any, timeout: float) -> Any:
        """
        Call a service once; return None when no response comes in time.

        A server that has not found the client's side for responses yet drops the first.
        """
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = self.node.create_client(service_type, name)
        self.wait_for(client.service_is_ready, f'service {name}')
        future = client.call_async(request)
        if self.happens(future.done, timeout):
            return future.result()
        client.remove_pending_request(future)
        return None

    def parameter(self, node: str, name: str) -> Any:
        """Return the value of a parameter of a node."""
        response = self.call(GetParameters, f'{node}/get_parameters',
                             GetParameters.Request(names=[name]))
        return parameter_value_to_python(response.values[0])

    def set_parameter(self, name: str, value: Any, node: str = DETECTOR) -> str:
        """Set a parameter of a node; return the reason where it is refused."""
        result, = self.call(SetParameters, f'{node}/set_parameters', SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()])).results
        assert result.successful == (not result.reason)
        return str(result.reason)

    def trigger(self, service: str) -> tuple[bool, str]:
        """Call a service that takes nothing; return whether it succeeded, and its message."""
        response = self.call(Trigger, service, Trigger.Request())
        return bool(response.success), str(response.message)

    def now(self) -> float:
        """Return the time of ROS in seconds."""
        return 1e-9 * int(self.node.get_clock().now().nanoseconds)

    def state(self, node: str = DETECTOR) -> str:
        """Return the state of a lifecycle node."""
        response = self.call(GetState, f'{node}/get_state', GetState.Request())
        return str(response.current_state.label)

    def change_state(self, transition: int, node: str = DETECTOR) -> bool:
        """Request a transition of a lifecycle node; return whether it succeeded."""
        request = ChangeState.Request()
        request.transition.id = transition
        before = self.state(node)
        response = None
        while response is None:
            response = self._attempt(ChangeState, f'{node}/change_state', request,
                                     TRANSITION_TIMEOUT)
            if response is None and self.state(node) != before:
                return True
        return bool(response.success)


class Camera:
    """Publisher of images to a detector, and collector of its results."""

    def __init__(self, ros: RosSession, topic: str = '/image', detector: str = DETECTOR,
                 reliability: QoSReliabilityPolicy = QoSReliabilityPolicy.RELIABLE,
                 message_type: Any = Image) -> None:
        """Make the publisher, and subscribe to the results."""
        self._ros, self._detector = ros, detector
        self.probabilities = ros.collect(Float32, f'{detector}/fire_probability')
        self.alarms = ros.collect(Bool, f'{detector}/fire_detected')
        self.publisher = ros.node.create_publisher(
            message_type, topic, QoSProfile(depth=DEPTH, reliability=reliability))

    def wait_until_heard(self, probe: Any = None) -> 'Camera':
        """
        Wait until the detector has subscribed and its results arrive; return this camera.

        Each side finds the other in its own time, so only a result proves that both have. The
        stamps of the probes lie so far ahead that the alarm starts anew with the next image.

        :param probe: the message to try it with, each time with a stamp of its own; None for a
            raw image that is stamped when it is sent.
        """
        self._ros.wait_for(lambda: self.publisher.get_subscription_count() > 0,
                           'a subscription to the camera')
        self.probabilities.clear()
        self.alarms.clear()
        deadline, sent = time.monotonic() + TIMEOUT, 0
        while not (self.probabilities and self.alarms):
            assert time.monotonic() < deadline, f'nothing is processed\n{self._ros.output}'
            self.publisher.publish(
                image_message(np.zeros((8, 8, 3), np.uint8), stamp=self._ros.now())
                if probe is None else stamped_later(probe, sent))
            sent += 1
            self._ros.happens(lambda: self.probabilities and self.alarms, REPEAT_PROBE)
        # Of those before, the results may have been lost or be late.
        self._ros.happens(lambda: len(self.alarms) >= sent <= len(self.probabilities),
                          REPEAT_PROBE)
        self.probabilities.clear()
        self.alarms.clear()
        return self

    def reset_alarm(self) -> None:
        """Make the detector forget the images before, its alarm included."""
        raised, before = self.alarms and self.alarms[-1].data, len(self.alarms)
        self._ros.trigger(f'{self._detector}/reset_alarm')
        if raised:
            self._ros.wait_for(lambda: len(self.alarms) > before, 'the end of the alarm')

    def detect(self, message: Any) -> tuple[float, bool]:
        """Publish an image, and wait for its result; return probability and alarm."""
        probabilities, alarms = len(self.probabilities), len(self.alarms)
        self.publisher.publish(message)
        self._ros.wait_for(lambda: len(self.probabilities) > probabilities
                           and len(self.alarms) > alarms, 'the result of the image')
        return self.probabilities[-1].data, self.alarms[-1].data

    def alarms_of(self, pixels: NDArray[np.uint8], stamps: Iterable[float]) -> list[bool]:
        """Publish the same image with several stamps; return the alarm after each."""
        return [self.detect(image_message(pixels, stamp=float(stamp)))[1] for stamp in stamps]


def camera_of_detector(ros: RosSession, *parameters: str) -> Camera:
    """Start the node with parameters, and connect a camera to it."""
    ros.start_detector(*parameters)
    return Camera(ros).wait_until_heard()


class Diagnostics:
    """Listener to a node's diagnostics."""

    def __init__(self, ros: RosSession) -> None:
        """Subscribe."""
        self._ros = ros
        self.messages: list[DiagnosticArray] = ros.collect(DiagnosticArray, '/diagnostics')

    def wait_for(self, level: bytes, text: str,
                 meanwhile: Callable[[], object] = lambda: None) -> dict[str, str]:
        """Wait for a status of a level with a text in its message; return its values."""
        def found() -> list[DiagnosticArray]:
            meanwhile()
            return [message for message in self.messages if message.status[0].level == level
                    and text in message.status[0].message]

        try:
            self._ros.wait_for(found, f'diagnostics of level {level!r} with {text!r}')
        except AssertionError as error:
            raise AssertionError(f'{[each.status[0].message for each in self.messages[-5:]]}'
                                 ) from error
        values = values_of(found()[-1])
        self.messages.clear()
        return values

    def refreshed(self) -> dict[str, str]:
        """Wait for a status that covers all that has happened until now; return its values."""
        self.messages.clear()
        # One may have been on its way.
        began = self._ros.now()
        self._ros.wait_for(lambda: self.messages and seconds(
            self.messages[-1].header.stamp) > began, 'diagnostics')
        return values_of(self.messages[-1])


def seconds(stamp: Time) -> float:
    """Return a stamp as a number of seconds."""
    return float(stamp.sec + 1e-9 * stamp.nanosec)


def values_of(diagnostics: DiagnosticArray) -> dict[str, str]:
    """Return keys and values of the detector's diagnostics."""
    return {pair.key: pair.value for pair in diagnostics.status[0].values}


def image_message(pixels: NDArray[np.uint8], encoding: str = 'bgr8', stamp: float = 0.0) -> Image:
    """Make an image message from pixels of shape (height, width, 3)."""
    height, width = pixels.shape[:2]
    header = Header(stamp=Time(sec=int(stamp), nanosec=round(stamp % 1 * 1e9)),
                    frame_id='camera_optical_frame')
    return Image(header=header, height=height, width=width, encoding=encoding, step=3 * width,
                 data=array('B', pixels.tobytes()))


def stamped_later(message: Any, nanoseconds: int) -> Any:
    """Return a copy of an image message with a later stamp."""
    later = copy(message)
    stamp = message.header.stamp
    later.header = Header(stamp=Time(sec=stamp.sec, nanosec=stamp.nanosec + nanoseconds),
                          frame_id=message.header.frame_id)
    return later
