# SPDX-License-Identifier: Apache-2.0
"""Keep a run of nodes to this machine and apart from every other."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, ExitStack
import os
from pathlib import Path
import random
import signal
import socket
import subprocess

# On every system these domains' ports lie below those that Linux hands out by itself:
# https://docs.ros.org/en/rolling/Concepts/Intermediate/About-Domain-ID.html
DOMAINS = range(1, 102)
# Ports of a domain: 7400 + 250 * domain and what is added to it, by the RTPS specification (OMG
# formal/2022-04-01, 9.6.2.3). At these its first ten participants listen, any of which may be all
# that is left of a run.
PARTICIPANTS = range(10, 30, 2)
STOP_TIMEOUT = 5.0


def find_free_domain() -> int:
    """
    Find a ROS domain in which nobody on this machine listens.

    It is not claimed: two processes may find the same one at the same moment.

    :return: the domain's number, one of DOMAINS by chance.
    :raises RuntimeError: when somebody listens in each.
    """
    for domain in random.sample(DOMAINS, len(DOMAINS)):
        if _is_free(domain):
            return domain
    raise RuntimeError('somebody listens in every ROS domain of this machine')


def isolation_variables(domain: int) -> dict[str, str]:
    """Return the environment variables that put a process into a domain, on loopback only."""
    # Humble knows only the older variable, which later releases call deprecated.
    loopback = ({'ROS_LOCALHOST_ONLY': '1'} if os.environ.get('ROS_DISTRO') == 'humble'
                else {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'})
    return {'ROS_DOMAIN_ID': str(domain)} | loopback


def _is_free(domain: int) -> bool:
    with ExitStack() as stack:
        for offset in PARTICIPANTS:
            probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                probe.bind(('', 7400 + 250 * domain + offset))
            except OSError:
                return False
    return True


@contextmanager
def running(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
            ) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run a command for as long as the context lasts, and end it as Ctrl-C does.

    :param command: the program and its arguments.
    :param log: file for what it prints, behind what is there.
    :param environment: its variables; None for those of this process.
    """
    with log.open('ab') as output, subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
