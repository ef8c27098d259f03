# SPDX-License-Identifier: Apache-2.0
"""Names and remappings of the launch file, and checks of its arguments."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
import re

import yaml

NO_CAMERA = 'none'
COMPRESSED = 'compressed'
# https://design.ros2.org/articles/topic_and_service_names.html
NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')
_PART = '[A-Za-z_][A-Za-z0-9_]*'
PATH = re.compile(rf'(~/|/)?{_PART}(/{_PART})*')


@dataclass(frozen=True)
class CameraDriver:
    """
    The program that publishes a camera's images.

    :ivar package: the ROS package it is in.
    :ivar executable: its name there.
    :ivar image_topic: where it publishes, before remapping; compressed images, if it or a plugin
        of image_transport makes them, are below it.
    """

    package: str
    executable: str
    image_topic: str


# The executables and topics are those in the sources of each driver, the same on Humble and
# Jazzy. v4l2_camera and usb_cam leave compression to image_transport, camera_ros does it itself.
CAMERA_DRIVERS = {
    'synthetic': CameraDriver('fire_detector', 'synthetic_camera', 'image'),
    'v4l2_camera': CameraDriver('v4l2_camera', 'v4l2_camera_node', 'image_raw'),
    'usb_cam': CameraDriver('usb_cam', 'usb_cam_node_exe', 'image_raw'),
    'camera_ros': CameraDriver('camera_ros', 'camera_node', '~/image_raw'),
}
# Those that open a device, of which every one would open the same.
HARDWARE = tuple(name for name in CAMERA_DRIVERS if name != 'synthetic')


def is_true(argument: str, value: str) -> bool:
    """
    Return the value of a switch.

    :param argument: the name of the launch argument.
    :param value: what it was set to.
    :raises ValueError: when that is neither true nor false, with both.
    """
    try:
        switch = yaml.safe_load(value)
    except yaml.YAMLError:
        switch = None
    if not isinstance(switch, bool):
        raise ValueError(f'{argument}:={value}: expected true or false')
    return switch


def check_names(namespace: str, image_topic: str, enclave: str) -> None:
    """
    Check the names without which no node starts, however often it is started again.

    :raises ValueError: when one is none, with its argument and an example.
    """
    if namespace.strip('/') and not PATH.fullmatch(namespace.rstrip('/')):
        raise ValueError(f'namespace:={namespace}: expected a name such as robot1')
    if not PATH.fullmatch(image_topic):
        raise ValueError(f'image_topic:={image_topic}: expected a topic such as '
                         '/camera/image_raw')
    if enclave and not enclave.startswith('/'):
        raise ValueError(f'enclave:={enclave}: expected a path such as /{enclave}')


def split_image_topic(image_topic: str, image_transport: str) -> tuple[str, str]:
    """
    Return the topic of the raw images, and what transport a topic was given for.

    :param image_topic: the camera topic; it may be that of the compressed images.
    :param image_transport: the transport that was asked for; may be empty.
    :return: the topic without /compressed, and the transport: compressed where there was one.
    :raises ValueError: when that is not the transport that was asked for.
    """
    if not image_topic.endswith(f'/{COMPRESSED}'):
        return image_topic, image_transport
    base = image_topic.removesuffix(f'/{COMPRESSED}')
    if image_transport not in ('', COMPRESSED):
        raise ValueError(f'image_topic:={image_topic} is the topic of compressed images, not of '
                         f'image_transport:={image_transport}: give image_topic:={base}')
    return base, COMPRESSED


def log_level_arguments(level: str, namespace: str, node: str) -> list[str]:
    """
    Return the arguments of ROS with which a node logs from a level on.

    Below `info` for the node alone: what rcl and the middleware log there, several lines for each
    message, would hide what the node logs.

    :param level: debug, info, warn, error or fatal.
    :param namespace: of the node, absolute.
    :param node: its name.
    """
    # As rcl names the logger of a node.
    logger = f'{namespace}/{node}'.strip('/').replace('/', '.')
    return ['--log-level', f'{logger}:={level}' if level == 'debug' else level]


def split_cameras(cameras: str) -> list[str]:
    """
    Split the names of several cameras.

    :param cameras: names with commas between them, or nothing.
    :return: the names; none for the one camera without a name.
    :raises ValueError: when one cannot be a namespace, or is there twice.
    """
    names = [name.strip() for name in cameras.split(',')] if cameras else []
    for name in names:
        if not NAME.fullmatch(name):
            raise ValueError(f'cameras:={cameras}: {name!r} cannot be a namespace, expected '
                             'letters, digits and _, with a letter first')
        if names.count(name) > 1:
            raise ValueError(f'cameras:={cameras}: {name!r} is there twice')
    return names


def detector_namespaces(namespace: str, cameras: Sequence[str]) -> list[str]:
    """
    Return the namespace of each detector.

    :param namespace: of all of them; may be empty.
    :param cameras: names as of split_cameras().
    :return: one for each camera, below `namespace`; that itself where no camera is named.
    """
    above = namespace.rstrip('/')
    return [f'{above}/{camera}' if above else camera for camera in cameras] or [namespace]


def alarm_topics(cameras: Sequence[str]) -> list[str]:
    """
    Return the alarm topic of each detector, from where the guard is.

    :param cameras: names as of split_cameras().
    :return: names relative to the namespace that the detectors' are below; nothing where no camera
        is named, since the guard's default is the only detector.
    """
    return [f'{camera}/fire_detector/alarm' for camera in cameras]


def guard_enclave(enclave: str) -> str:
    """
    Return the guard's enclave: fire_guard, beside the detector's.

    :param enclave: the detector's, an absolute path; may be empty.
    :return: the path; empty where that is.
    """
    return f'{enclave.rpartition("/")[0]}/fire_guard' if enclave else ''


def image_remappings(topic: str, image_topic: str) -> list[tuple[str, str]]:
    """
    Remap a topic of images and, below it, that of the compressed ones.

    :param topic: as a node names it.
    :param image_topic: what it is to be.
    :return: pairs of the former and the latter.
    """
    return [(topic, image_topic), (f'{topic}/compressed', f'{image_topic}/compressed')]


def check_combination(camera: str, cameras: Sequence[str], image_topic: str, bag: str) -> None:
    """
    Check that arguments go together.

    :param camera: a key of CAMERA_DRIVERS, or NO_CAMERA.
    :param cameras: names as of split_cameras().
    :param image_topic: the camera topic.
    :param bag: path of a bag to play, or nothing.
    :raises ValueError: when they do not, with what to do instead.
    """
    if len(cameras) > 1 and camera in HARDWARE:
        raise ValueError(f'camera:={camera} would open the same device for each of cameras:='
                         f'{",".join(cameras)}: start a driver for each camera, in its namespace '
                         'and with its device, and leave out camera:=')
    if len(cameras) > 1 and image_topic.startswith('/'):
        raise ValueError(f'image_topic:={image_topic} is the same for each of cameras:='
                         f'{",".join(cameras)}: give it without the / in front, and each detector '
                         'subscribes to the topic in its own namespace')
    if not bag:
        return
    if not Path(bag).exists():
        raise ValueError(f'bag:={bag}: there is no such file or folder')
    if camera != NO_CAMERA:
        raise ValueError(f'camera:={camera} and bag:={bag} would both publish images: '
                         'give one of them')


def check_installed(package: str, argument: str, installed: Container[str],
                    distribution: str) -> None:
    """
    Check that the package is installed that an argument needs.

    :param package: the ROS package.
    :param argument: the launch argument that needs it, as it was written.
    :param installed: names of the packages that there are.
    :param distribution: of ROS, as in ROS_DISTRO; may be empty.
    :raises ValueError: when it is not, with the command that installs it.
    """
    if package not in installed:
        debian = f'ros-{distribution or "$ROS_DISTRO"}-{package.replace("_", "-")}'
        raise ValueError(f'{argument} needs the package {package}, which is not installed: '
                         f'sudo apt install {debian}')
