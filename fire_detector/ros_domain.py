# SPDX-License-Identifier: Apache-2.0
"""Keep a run of nodes to this machine and apart from every other."""

from collections.abc import Iterator
from contextlib import contextmanager
import random
import socket

# On every system these domains' ports lie below those that Linux hands out by itself:
# https://docs.ros.org/en/rolling/Concepts/Intermediate/About-Domain-ID.html
DOMAINS = range(1, 102)


@contextmanager
def isolated_domain() -> Iterator[dict[str, str]]:
    """
    Claim a ROS domain that no other caller on this machine has, for as long as the context lasts.

    :return: the environment variables that put a process into the domain, on loopback only.
    :raises RuntimeError: when all domains are taken.
    """
    for domain in random.sample(DOMAINS, len(DOMAINS)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as claim:
            try:
                # The domain's last port, which only its 120th participant would use: bound, it
                # serves as a lock that ends with the process.
                claim.bind(('127.0.0.1', 7400 + 250 * domain + 249))
            except OSError:
                continue
            yield {'ROS_DOMAIN_ID': str(domain), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
            return
    raise RuntimeError('every ROS domain of this machine is taken')
