# SPDX-License-Identifier: Apache-2.0
"""Names, remappings and refusals of the launch file, without launch."""

from fire_detector.bringup.launch_support import (
    alarm_topics,
    check_combination,
    check_installed,
    check_names,
    detector_namespaces,
    guard_enclave,
    image_remappings,
    is_true,
    log_level_arguments,
    NO_CAMERA,
    split_cameras,
    split_image_topic,
)
import pytest


@pytest.mark.parametrize(('namespace', 'cameras', 'expected'), [
    ('', '', ['']),
    ('robot1', '', ['robot1']),
    ('', 'front', ['front']),
    ('', 'front, rear', ['front', 'rear']),
    ('/', 'front,rear', ['front', 'rear']),
    ('/robot1', 'front,rear', ['/robot1/front', '/robot1/rear']),
    ('robot1/', 'front_2', ['robot1/front_2']),
])
def test_namespaces(namespace: str, cameras: str, expected: list[str]) -> None:
    """There is one detector for each camera, and one where none is named."""
    assert detector_namespaces(namespace, split_cameras(cameras)) == expected


@pytest.mark.parametrize(('cameras', 'message'), [
    ('front,', "''"), ('2nd', "'2nd'"), ('front/left', "'front/left'"), ('front rear', 'rear'),
    ('front,rear,front', "'front' is there twice"),
])
def test_bad_camera_names(cameras: str, message: str) -> None:
    """A name that cannot be a namespace is in the error, with its argument."""
    with pytest.raises(ValueError, match=message) as error:
        split_cameras(cameras)
    assert f'cameras:={cameras}' in str(error.value)


@pytest.mark.parametrize(('value', 'expected'), [
    ('true', True), ('True', True), ('false', False), ('False', False)])
def test_switch(value: str, expected: bool) -> None:
    """True and false, as YAML and Python write them."""
    assert is_true('respawn', value) is expected


@pytest.mark.parametrize('value', ['maybe', '', '1', '[', 'null'])
def test_no_switch(value: str) -> None:
    """The error has argument, value and what is expected."""
    with pytest.raises(ValueError) as error:
        is_true('respawn', value)
    assert str(error.value) == f'respawn:={value}: expected true or false'


@pytest.mark.parametrize(('namespace', 'image_topic', 'enclave'), [
    ('', 'image', ''), ('/', '/image', '/robot'), ('robot1/', '~/image_raw', '/robot/detector'),
    ('/robot1/_arm', 'camera/image_raw', '')])
def test_names(namespace: str, image_topic: str, enclave: str) -> None:
    """Relative and absolute ones, with digits and _."""
    check_names(namespace, image_topic, enclave)


@pytest.mark.parametrize('changes', [
    {'namespace': '1st'}, {'namespace': 'a//b'}, {'image_topic': ''}, {'image_topic': 'a b'},
    {'image_topic': '/camera/'}, {'image_topic': 'camera-1'}, {'enclave': 'robot'}])
def test_no_names(changes: dict[str, str]) -> None:
    """The error has argument and value."""
    (argument, value), = changes.items()
    with pytest.raises(ValueError, match=f'{argument}:={value}: expected'):
        check_names(**{'namespace': '', 'image_topic': 'image', 'enclave': ''} | changes)


@pytest.mark.parametrize(('topic', 'transport', 'expected'), [
    ('image', '', ('image', '')), ('/a/image', 'raw', ('/a/image', 'raw')),
    ('/a/image', 'compressed', ('/a/image', 'compressed')),
    ('/a/image/compressed', '', ('/a/image', 'compressed')),
    ('/a/image/compressed', 'compressed', ('/a/image', 'compressed')),
])
def test_image_topic(topic: str, transport: str, expected: tuple[str, str]) -> None:
    """The topic of compressed images means the camera above it, and the transport."""
    assert split_image_topic(topic, transport) == expected


def test_image_topic_of_another_transport() -> None:
    """Compressed images are not raw."""
    with pytest.raises(ValueError, match=r'image_topic:=/a/compressed .* image_topic:=/a$'):
        split_image_topic('/a/compressed', 'raw')


@pytest.mark.parametrize(('level', 'namespace', 'expected'), [
    ('info', '/robot1', 'info'), ('error', '', 'error'), ('debug', '', 'fire_guard:=debug'),
    ('debug', '/robot1/front', 'robot1.front.fire_guard:=debug')])
def test_log_level(level: str, namespace: str, expected: str) -> None:
    """Below info for the node's logger, which rcl names with dots; else for all."""
    assert log_level_arguments(level, namespace, 'fire_guard') == ['--log-level', expected]


def test_alarm_topics() -> None:
    """The guard subscribes to each named camera's detector, and else to its default."""
    assert alarm_topics(['front', 'rear']) == [
        'front/fire_detector/alarm', 'rear/fire_detector/alarm']
    assert alarm_topics([]) == []


def test_guard_enclave() -> None:
    """It lies beside the detector's; without one there is none."""
    assert [guard_enclave(path) for path in ('/fire_detector', '/robot/fire_detector', '')] == [
        '/fire_guard', '/robot/fire_guard', '']


def test_remappings() -> None:
    """Compressed images follow the raw ones, relative names stay relative."""
    assert image_remappings('image', 'front/image_raw') == [
        ('image', 'front/image_raw'), ('image/compressed', 'front/image_raw/compressed')]


def test_what_goes_together() -> None:
    """Nothing is refused that makes sense."""
    check_combination(NO_CAMERA, [], '/camera/image_raw', '')
    check_combination('v4l2_camera', ['front'], '/camera/image_raw', '')
    check_combination('synthetic', ['front', 'rear'], 'image_raw', '')
    check_combination(NO_CAMERA, ['front', 'rear'], 'image_raw', __file__)


@pytest.mark.parametrize(('changes', 'message'), [
    ({'camera': 'usb_cam'}, 'camera:=usb_cam would open the same device .* start a driver'),
    ({'image_topic': '/image'}, 'image_topic:=/image is the same .* without the /'),
    ({'bag': '/no/such'}, 'bag:=/no/such: there is no such file or folder'),
    ({'bag': __file__, 'camera': 'synthetic'}, 'camera:=synthetic and bag:=.* one of them'),
])
def test_what_does_not(changes: dict[str, str], message: str) -> None:
    """The error names the argument and what to do instead."""
    arguments = {'camera': NO_CAMERA, 'image_topic': 'image', 'bag': ''}
    with pytest.raises(ValueError, match=message):
        check_combination(cameras=['front', 'rear'], **arguments | changes)


@pytest.mark.parametrize(('distribution', 'package'), [
    ('jazzy', 'ros-jazzy-v4l2-camera'), ('', 'ros-$ROS_DISTRO-v4l2-camera')])
def test_missing_package(distribution: str, package: str) -> None:
    """The error has the command that installs it; one that is there raises none."""
    check_installed('v4l2_camera', 'camera:=v4l2_camera', {'v4l2_camera'}, distribution)
    with pytest.raises(ValueError, match='camera:=v4l2_camera needs') as error:
        check_installed('v4l2_camera', 'camera:=v4l2_camera', {'fire_detector'}, distribution)
    assert str(error.value).endswith(f'sudo apt install {package}')
