# SPDX-License-Identifier: Apache-2.0
"""Settings with which a subscriber of Fast DDS receives large images of a best-effort camera."""

from collections.abc import Mapping
from pathlib import Path

# Octets: the shared memory that is there by default. A larger image goes to a socket.
SHARED_MEMORY = 512 * 1024
# Octets: above one 1280x720 bgr8 image (2.8 million), which a publisher sends in one burst.
RECEIVE_BUFFER = 4 * 1024 * 1024
RMEM_MAX = Path('/proc/sys/net/core/rmem_max')
TRANSPORTS = 'FASTDDS_BUILTIN_TRANSPORTS'
LARGE_BUFFER = f'UDPv4?sockets_size={RECEIVE_BUFFER}B'
# Fast DDS 2 and 3 read their XML profiles from different variables.
PROFILES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')

# Of the profile that the launch file sets on Humble.
PROFILE_NAME = 'large_images.xml'


def large_images_environment(environment: Mapping[str, str], profile: Path) -> dict[str, str]:
    """
    Choose the environment variables with which a node receives large images.

    By default Fast DDS sends an image through 512 KB of shared memory, and to a UDP socket with
    the kernel's small default buffer: a best-effort image that is larger is lost, silently.
    With UDP alone and a larger receive buffer in the subscriber it arrives, whatever the
    publisher is set to. Other middlewares do not read these variables.

    :param environment: of the process that starts the node.
    :param profile: the XML profile with the same settings, for Humble's Fast DDS 2.6, which has
        no options in the variable.
    :return: the variables to add; none where they would have no effect, or where the user has
        chosen transports or profiles.
    """
    if not _has_default_transports(environment):
        return {}
    if environment.get('ROS_DISTRO') != 'humble':
        return {TRANSPORTS: LARGE_BUFFER}
    # There the profile would add a transport on every network to those on loopback.
    return {} if _on_loopback(environment) else {PROFILES[0]: str(profile)}


def large_images_advice(environment: Mapping[str, str], rmem_max: int) -> str:
    """
    Explain why a best-effort subscription loses large images, and what to do.

    :param environment: of the process that subscribes.
    :param rmem_max: the largest receive buffer that the kernel grants, in octets.
    :return: one sentence, or nothing where nothing is in the way.
    """
    if not _is_fast_dds(environment):
        return ''
    if _on_loopback(environment) and not _profile(environment):
        return ('large images of a best-effort camera may be lost: limited to this machine '
                '(ROS_AUTOMATIC_DISCOVERY_RANGE, ROS_LOCALHOST_ONLY), rmw_fastrtps takes '
                'transports of its own; make the camera reliable or use compressed images')
    if _has_default_transports(environment):
        return ('large images of a best-effort camera may be lost: the receive buffers of Fast '
                'DDS are small by default; make the camera reliable, use compressed images, or '
                'set FASTDDS_BUILTIN_TRANSPORTS="UDPv4?sockets_size=4MB", as the launch file does')
    of_launch_file = (environment.get(TRANSPORTS) == LARGE_BUFFER
                      or Path(_profile(environment)).name == PROFILE_NAME)
    if of_launch_file and rmem_max < RECEIVE_BUFFER:
        return ('large images of a best-effort camera may be lost: the kernel grants receive '
                f'buffers of {rmem_max} bytes, and {RECEIVE_BUFFER} are asked for; '
                f'sudo sysctl -w net.core.rmem_max={RECEIVE_BUFFER}')
    return ''


def granted_receive_buffer() -> int:
    """Return the largest receive buffer that the kernel grants; RECEIVE_BUFFER if unknown."""
    try:
        return int(RMEM_MAX.read_text())
    except FileNotFoundError:
        # It does not exist in a container with a network of its own.
        return RECEIVE_BUFFER


def _is_fast_dds(environment: Mapping[str, str]) -> bool:
    # The default of every distribution since Humble.
    return 'fastrtps' in (environment.get('RMW_IMPLEMENTATION') or 'rmw_fastrtps_cpp')


def _has_default_transports(environment: Mapping[str, str]) -> bool:
    return (_is_fast_dds(environment)
            and not environment.get(TRANSPORTS) and not _profile(environment))


def _profile(environment: Mapping[str, str]) -> str:
    return next((path for name in PROFILES if (path := environment.get(name))), '')


def _on_loopback(environment: Mapping[str, str]) -> bool:
    return (environment.get('ROS_LOCALHOST_ONLY') == '1'
            or environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE') == 'LOCALHOST')
