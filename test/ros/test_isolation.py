# SPDX-License-Identifier: Apache-2.0
"""A claimed domain is nobody else's."""

from contextlib import ExitStack
import socket

from fire_detector.ros import isolation as ros_domain
from fire_detector.ros.isolation import isolated_domain
import pytest


def test_domains_differ() -> None:
    """Two claims at a time get two domains, on loopback."""
    with isolated_domain() as one, isolated_domain() as other:
        assert one['ROS_DOMAIN_ID'] != other['ROS_DOMAIN_ID']
        assert one['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'


def test_claim_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was released can be claimed again; what is claimed cannot."""
    monkeypatch.setattr(ros_domain, 'DOMAINS', range(99, 100))
    with isolated_domain(), pytest.raises(RuntimeError, match='is taken'), isolated_domain():
        pass
    with isolated_domain() as environment:
        assert environment['ROS_DOMAIN_ID'] == '99'


@pytest.mark.parametrize('number', [0, 1, 9])
def test_domain_of_a_robot_is_left_alone(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Where a participant listens, the first or one of a few, nothing is claimed."""
    monkeypatch.setattr(ros_domain, 'DOMAINS', range(98, 99))
    with ExitStack() as stack:
        participant = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        participant.bind(('', 7400 + 250 * 98 + 10 + 2 * number))
        with pytest.raises(RuntimeError, match='is taken'), isolated_domain():
            pass


def test_humble_is_kept_to_loopback_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its variable has another name."""
    monkeypatch.setenv('ROS_DISTRO', 'humble')
    with isolated_domain() as environment:
        assert environment['ROS_LOCALHOST_ONLY'] == '1'
