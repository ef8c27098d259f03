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
# formal/2022-04-01, 9.6.2.3). At PARTICIPANTS its first ten listen, any of which may be all that
# is left of a run; CLAIM is the last, which only a 120th would use.
PARTICIPANTS, CLAIM = range(10, 30, 2), 249


@contextmanager
def isolated_domain() -> Iterator[dict[str, str]]:
    """
    Claim a ROS domain that is not in use on this machine, for as long as the context lasts.

    :return: the environment variables that put a process into the domain, on loopback only.
    :raises RuntimeError: when all domains are taken.
    """
    for domain in random.sample(DOMAINS, len(DOMAINS)):
        with ExitStack() as stack:
            try:
                # Bound, it serves as a lock that ends with the process.
                stack.enter_context(_bound(domain, CLAIM))
                for offset in PARTICIPANTS:
                    _bound(domain, offset).close()
            except OSError:
                continue
            yield {'ROS_DOMAIN_ID': str(domain)} | _loopback_only()
            return
    raise RuntimeError('every ROS domain of this machine is taken')


def _bound(domain: int, offset: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.bind(('', 7400 + 250 * domain + offset))
    except OSError:
        bound.close()
        raise
    return bound


def _loopback_only() -> dict[str, str]:
    # Humble knows only the older variable, which later releases call deprecated.
    if os.environ.get('ROS_DISTRO') == 'humble':
        return {'ROS_LOCALHOST_ONLY': '1'}
    return {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}


STOP_TIMEOUT = 5.0


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
