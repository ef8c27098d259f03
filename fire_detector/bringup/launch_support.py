# SPDX-License-Identifier: Apache-2.0
"""Names and remappings of the launch file, and checks of its arguments."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
import re

NO_CAMERA = 'none'
# https://design.ros2.org/articles/topic_and_service_names.html
NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')


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
