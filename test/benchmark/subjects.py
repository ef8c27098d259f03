# SPDX-License-Identifier: Apache-2.0
"""The processes that are measured, and what they take from the machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
import ctypes
from dataclasses import dataclass
import os
from pathlib import Path
import subprocess
import sys
import time

from fire_detector.detection.statistics import resident_memory
from fire_detector.ros import isolation as child_process

NODE, STRAIGHTFORWARD, FLOOR = 'node', 'straightforward', 'floor'
SUBJECTS = (NODE, STRAIGHTFORWARD, FLOOR)
# The allocator's settings are part of what is compared: man 3 mallopt.
_OF_ALLOCATOR = ('MALLOC_', 'GLIBC_TUNABLES', 'LD_PRELOAD')


@dataclass(frozen=True)
class Subject:
    """
    A running process that hears a camera.

    :ivar name: one of SUBJECTS, or another node's.
    :ivar process: the process.
    """

    name: str
    process: subprocess.Popen[bytes]

    @property
    def cpu(self) -> float:
        """
        Return the seconds of processor time that all of its threads have taken so far.

        :raises ProcessLookupError: when it has ended.
        """
        clock = ctypes.c_int()
        number = ctypes.CDLL(None).clock_getcpuclockid(self.process.pid, ctypes.byref(clock))
        if number:
            raise ProcessLookupError(number, f'{self.name} has ended: {os.strerror(number)}')
        return time.clock_gettime(clock.value)

    @property
    def memory(self) -> int:
        """Return how many bytes of memory it holds."""
        return resident_memory(self.process.pid)


@contextmanager
def running(name: str, parameters: Mapping[str, object], folder: Path) -> Iterator[Subject]:
    """
    Run a subject for as long as the context lasts, in the namespace of its name.

    :param name: one of SUBJECTS; others are the node, too.
    :param parameters: of the node and the floor; the straightforward node knows image_transport.
    :param folder: for what it prints.
    """
    if name == STRAIGHTFORWARD:
        command = [str(Path(__file__).with_name('straightforward_node.py')),
                   str(parameters['image_transport'])]
        given: list[str] = []
    else:
        command = ['-m', 'benchmark.floor' if name == FLOOR
                   else 'fire_detector.nodes.detector_node']
        given = [word for key, value in parameters.items() for word in ('-p', f'{key}:={value}')]
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(_OF_ALLOCATOR)}
    with child_process.running(
            [sys.executable, *command, '--ros-args', *given, '-r', f'__ns:=/{name}'],
            folder / f'{name}.log', environment) as process:
        yield Subject(name, process)
