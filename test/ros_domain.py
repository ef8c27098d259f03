# SPDX-License-Identifier: Apache-2.0
"""A ROS domain for one run of nodes, also where other runs begin at the same moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain_coordinator import domain_id
from fire_detector.ros.isolation import find_free_domain, isolation_variables


@contextmanager
def isolated_domain() -> Iterator[dict[str, str]]:
    """
    Claim a ROS domain that is not in use on this machine, for as long as the context lasts.

    :return: the environment variables that put a process into the domain, on loopback only.
    :raises RuntimeError: when all domains are taken.
    """
    with domain_id(find_free_domain) as domain:
        yield isolation_variables(domain)
