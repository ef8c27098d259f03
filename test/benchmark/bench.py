# SPDX-License-Identifier: Apache-2.0
"""Show images to nodes, and measure what they cost and how they answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import json
from pathlib import Path
import subprocess
import sys
import time
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.subscription import Subscription
from std_msgs.msg import Float32

from benchmark.answers import Answer
from benchmark.camera import Command
from benchmark.subjects import Subject

# Seconds without an answer after which no more is expected.
_SILENCE = 0.3
_TIMEOUT = 30.0


class BenchmarkError(RuntimeError):
    """Report that something could not be measured."""


@dataclass(frozen=True)
class Shown:
    """
    What came of showing images to a subject.

    :ivar stamps: of the images, in seconds.
    :ivar answers: the subject's.
    :ivar cpu: seconds of processor time that it took meanwhile.
    """

    stamps: list[float]
    answers: list[Answer]
    cpu: float


class Bench:
    """Listen to the subjects, and let a camera show them images."""

    def __init__(self, folder: Path) -> None:
        """
        Listen to nobody yet.

        :param folder: for what the camera's process prints.
        """
        self._folder = folder
        self._node = rclpy.create_node('benchmark')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._answers: dict[str, list[Answer]] = {}

    @contextmanager
    def camera(self) -> Iterator[None]:
        """Run the camera for as long as the context lasts."""
        with (self._folder / 'camera.log').open('ab') as log, subprocess.Popen(
                [sys.executable, '-m', 'benchmark.camera'],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True) as process:
            self._camera = process
            try:
                yield
            finally:
                process.communicate()

    def listen(self, name: str) -> None:
        """Listen to the answers of the subject in the namespace of a name."""
        answers = self._answers[name] = []

        def take(message: Float32, info: Any) -> None:
            # When it was published: how late this process hears of it is not the subject's.
            answers.append(Answer(info['source_timestamp'] * 1e-9, message.data))

        def take_alone(message: Float32) -> None:
            answers.append(Answer(time.time(), message.data))

        # Humble's rclpy gives the message alone.
        self._node.create_subscription(
            Float32, f'/{name}/fire_detector/fire_probability',
            take if hasattr(Subscription, 'CallbackType') else take_alone, 1000)

    def show(self, subject: Subject, command: Command) -> Shown:
        """
        Let the camera show images, and wait for the last answer.

        :raises BenchmarkError: when camera or subject fail.
        """
        answers = self._answers[subject.name]
        answers.clear()
        before = subject.cpu
        stamps = self._command(command)
        # An answer more may be on its way.
        heard, since = len(answers), time.monotonic()
        while time.monotonic() < since + _SILENCE:
            self._executor.spin_once(0.02)
            if len(answers) > heard:
                heard, since = len(answers), time.monotonic()
        # Those that were on their way before are not answers to these images.
        return Shown(stamps, [answer for answer in answers if answer.time > stamps[0]],
                     subject.cpu - before)

    def first_answer(self, subject: Subject, command: Command) -> tuple[float, float]:
        """
        Let the camera show images, and wait for the first answer.

        :return: seconds of processor time that the subject has taken until then, and when that
            was, by time.monotonic().
        :raises BenchmarkError: when none comes.
        """
        answers, began = self._answers[subject.name], time.time()
        self._send(command)
        self._until(lambda: bool(answers) and answers[-1].time > began,
                    f'the first answer of {subject.name}')
        cpu, now = subject.cpu, time.monotonic()
        self._reply()
        return cpu, now

    def wait(self, seconds: float) -> None:
        """Take in what comes for a while."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._executor.spin_once(left)

    def call(self, service_type: Any, name: str, request: Any) -> Any:
        """
        Call a service.

        :raises BenchmarkError: when it does not answer.
        """
        client: Any = self._node.create_client(service_type, name)
        if not client.wait_for_service(_TIMEOUT):
            raise BenchmarkError(f'there is no service {name}')
        future = client.call_async(request)
        self._until(future.done, f'the answer of {name}')
        self._node.destroy_client(client)
        return future.result()

    def _until(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _TIMEOUT
        while not done():
            if time.monotonic() > deadline:
                raise BenchmarkError(f'{what} has not come within {_TIMEOUT:g} s')
            self._executor.spin_once(0.05)

    def _command(self, command: Command) -> list[float]:
        self._send(command)
        return self._reply()

    def _send(self, command: Command) -> None:
        assert self._camera.stdin is not None
        self._camera.stdin.write(command.to_line())
        self._camera.stdin.flush()

    def _reply(self) -> list[float]:
        assert self._camera.stdout is not None
        # The answers wait in their queue meanwhile.
        line = self._camera.stdout.readline()
        if not line:
            raise BenchmarkError(f'the camera has ended: {self._folder / "camera.log"}')
        stamps: list[float] = json.loads(line)
        return stamps
