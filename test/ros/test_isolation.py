# SPDX-License-Identifier: Apache-2.0
"""A domain that is found free is nobody else's."""

from collections.abc import Iterator
import socket

from domain_coordinator import domain_id
from fire_detector.ros import isolation
from fire_detector.ros.isolation import find_free_domain, isolation_variables
import pytest
from ros_session import isolated_domain


@pytest.fixture
def domains(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Return two domains that no other test uses meanwhile: all that can be found."""
    with domain_id(find_free_domain) as one, domain_id(find_free_domain) as other:
        both = [one, other]
        monkeypatch.setattr(isolation, 'DOMAINS', both)
        yield both


@pytest.mark.parametrize('number', [0, 1, 9])
def test_domain_of_a_robot_is_left_alone(domains: list[int], number: int) -> None:
    """Where a participant listens, the first or one of a few, a domain is not free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as participant:
        participant.bind(('', 7400 + 250 * domains[0] + 10 + 2 * number))
        assert {find_free_domain() for _ in range(10)} == {domains[1]}
        # The list that is looked through.
        del domains[1]
        with pytest.raises(RuntimeError, match='in every ROS domain'):
            find_free_domain()
    assert find_free_domain() == domains[0]


def test_claimed_domain_is_left_alone(domains: list[int]) -> None:
    """What another run of tests has claimed is not found, however free it is."""
    with pytest.raises(RuntimeError, match='unique'), isolated_domain():
        pass


def test_claim_ends() -> None:
    """Two claims at a time get two domains, and what was released can be claimed again."""
    with isolated_domain() as one, isolated_domain() as other:
        assert one['ROS_DOMAIN_ID'] != other['ROS_DOMAIN_ID']
    with domain_id(lambda: int(one['ROS_DOMAIN_ID'])):
        pass


@pytest.mark.parametrize(('distribution', 'name', 'value'), [
    ('kilted', 'ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST'),
    ('humble', 'ROS_LOCALHOST_ONLY', '1')])
def test_traffic_stays_on_loopback(monkeypatch: pytest.MonkeyPatch, distribution: str, name: str,
                                   value: str) -> None:
    """Humble's variable has another name."""
    monkeypatch.setenv('ROS_DISTRO', distribution)
    assert isolation_variables(7) == {'ROS_DOMAIN_ID': '7', name: value}
