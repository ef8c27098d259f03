# SPDX-License-Identifier: Apache-2.0
"""The environment with which large images arrive, and what may be in the way of them."""

from pathlib import Path
import xml.etree.ElementTree as ElementTree

from fire_detector.ros.fast_dds import (
    granted_receive_buffer,
    large_images_advice,
    large_images_environment,
    RECEIVE_BUFFER,
)
import pytest

PROFILE = Path(__file__).resolve().parents[2] / 'launch' / 'large_images.xml'
VARIABLE = {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4?sockets_size=4194304B'}
HUMBLE = {'FASTRTPS_DEFAULT_PROFILES_FILE': str(PROFILE)}
UBUNTU = 212992


@pytest.mark.parametrize(('environment', 'expected'), [
    ({}, VARIABLE),
    ({'RMW_IMPLEMENTATION': ''}, VARIABLE),
    ({'RMW_IMPLEMENTATION': 'rmw_fastrtps_dynamic_cpp', 'ROS_DISTRO': 'jazzy'}, VARIABLE),
    ({'ROS_DISTRO': 'humble'}, HUMBLE),
    # What follows is as the user wants it, or would not be read.
    ({'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}, {}),
    ({'RMW_IMPLEMENTATION': 'rmw_zenoh_cpp'}, {}),
    ({'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA'}, {}),
    ({'FASTDDS_DEFAULT_PROFILES_FILE': 'mine.xml'}, {}),
    ({'FASTRTPS_DEFAULT_PROFILES_FILE': 'mine.xml'}, {}),
    ({'ROS_DISTRO': 'humble', 'ROS_LOCALHOST_ONLY': '1'}, {}),
])
def test_environment(environment: dict[str, str], expected: dict[str, str]) -> None:
    """Fast DDS receives over UDP with 4 MB, unless somebody chose something else."""
    assert large_images_environment(environment, PROFILE) == expected


def test_profile_says_the_same() -> None:
    """Humble's profile is of UDP alone, with the receive buffer of the variable."""
    root = ElementTree.parse(PROFILE).getroot()

    def texts(name: str) -> list[str | None]:
        return [each.text for each in root.iter() if each.tag.endswith(f'}}{name}')]

    assert texts('type') == ['UDPv4']
    assert texts('receiveBufferSize') == [str(RECEIVE_BUFFER)]
    assert texts('useBuiltinTransports') == ['false']


@pytest.mark.parametrize(('environment', 'granted', 'words'), [
    (VARIABLE, UBUNTU, ['212992 bytes', 'sudo sysctl -w net.core.rmem_max=4194304']),
    (HUMBLE, UBUNTU, ['212992 bytes', 'sudo sysctl -w net.core.rmem_max=4194304']),
    (VARIABLE, RECEIVE_BUFFER, []),
    (HUMBLE, RECEIVE_BUFFER, []),
    # Started by hand, without what the launch file sets.
    ({}, RECEIVE_BUFFER, ['reliable', 'compressed', 'UDPv4?sockets_size=4MB']),
    ({'FASTDDS_DEFAULT_PROFILES_FILE': 'mine.xml'}, UBUNTU, []),
    ({'RMW_IMPLEMENTATION': 'rmw_zenoh_cpp'}, UBUNTU, []),
    ({'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA'}, UBUNTU, []),
    ({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}, RECEIVE_BUFFER,
     ['ROS_AUTOMATIC_DISCOVERY_RANGE', 'reliable', 'compressed']),
    ({'ROS_LOCALHOST_ONLY': '1'}, RECEIVE_BUFFER, ['ROS_LOCALHOST_ONLY']),
])
def test_advice(environment: dict[str, str], granted: int, words: list[str]) -> None:
    """What is in the way is named together with the remedy; else there is no advice."""
    advice = large_images_advice(environment, granted)
    assert bool(advice) == bool(words)
    assert all(word in advice for word in words)


def test_granted_receive_buffer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's limit is read; a container that hides it is not warned of anything."""
    limit = tmp_path / 'rmem_max'
    monkeypatch.setattr('fire_detector.ros.fast_dds.RMEM_MAX', limit)
    assert granted_receive_buffer() == RECEIVE_BUFFER
    limit.write_text('212992\n')
    assert granted_receive_buffer() == UBUNTU
