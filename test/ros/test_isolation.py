# SPDX-License-Identifier: Apache-2.0
"""A domain that is found free is nobody else's."""

import socket

from domain_coordinator import domain_id
from fire_detector.ros import isolation
from fire_detector.ros.isolation import find_free_domain, isolation_variables
import pytest
from ros_domain import isolated_domain


@pytest.mark.parametrize('number', [0, 1, 9])
def test_domain_of_a_robot_is_left_alone(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Where a participant listens, the first or one of a few, a domain is not free."""
    monkeypatch.setattr(isolation, 'DOMAINS', [98, 99])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as participant:
        participant.bind(('', 7400 + 250 * 98 + 10 + 2 * number))
        assert {find_free_domain() for _ in range(10)} == {99}
        monkeypatch.setattr(isolation, 'DOMAINS', [98])
        with pytest.raises(RuntimeError, match='in every ROS domain'):
            find_free_domain()
    assert find_free_domain() == 98


def test_claimed_domain_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another run of tests has claimed cannot be claimed, and then it can be again."""
    monkeypatch.setattr(isolation, 'DOMAINS', [99])
    with domain_id(lambda: 99), pytest.raises(RuntimeError, match='unique'), isolated_domain():
        pass
    with isolated_domain() as environment:
        assert environment['ROS_DOMAIN_ID'] == '99'


@pytest.mark.parametrize(('distribution', 'name', 'value'), [
    ('kilted', 'ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST'),
    ('humble', 'ROS_LOCALHOST_ONLY', '1')])
def test_traffic_stays_on_loopback(monkeypatch: pytest.MonkeyPatch, distribution: str, name: str,
                                   value: str) -> None:
    """Humble's variable has another name."""
    monkeypatch.setenv('ROS_DISTRO', distribution)
    assert isolation_variables(7) == {'ROS_DOMAIN_ID': '7', name: value}
