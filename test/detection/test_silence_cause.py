# SPDX-License-Identifier: Apache-2.0
"""The warning that no images come names topic, publishers and the likely cause."""

from fire_detector.detection.silence_cause import (
    BEST_EFFORT,
    COMPRESSED_IMAGE,
    Endpoint,
    explain_missing_images,
    IMAGE,
    RELIABLE,
    TRANSIENT_LOCAL,
)
import pytest

TOPIC = '/camera/image_raw'
NODE = Endpoint('/fire_detector', IMAGE, RELIABLE)
EAGER = Endpoint('/fire_detector', IMAGE, BEST_EFFORT)
CAMERA = Endpoint('/usb_cam', IMAGE, RELIABLE)
LOSSY = Endpoint('/lossy_cam', IMAGE, BEST_EFFORT)


def test_no_publishers() -> None:
    """The topic, its time, and how to name another."""
    text = explain_missing_images(TOPIC, 2.0, [], NODE)
    assert text.startswith('no image on /camera/image_raw for 2 s: nobody publishes it.')
    assert 'image_topic:=' in text
    assert 'ROS_DOMAIN_ID' in text


@pytest.mark.parametrize(('published', 'wanted', 'advice'), [
    (COMPRESSED_IMAGE, IMAGE, 'set the parameter image_transport to compressed'),
    (IMAGE, COMPRESSED_IMAGE, 'set the parameter image_transport to raw'),
    ('sensor_msgs/msg/CameraInfo', IMAGE, "not the topic of a camera's images"),
])
def test_other_type(published: str, wanted: str, advice: str) -> None:
    """A publisher of compressed images is no reason to look for network buffers."""
    text = explain_missing_images(TOPIC, 2.0, [Endpoint('/usb_cam', published, BEST_EFFORT)],
                                  Endpoint('/fire_detector', wanted, RELIABLE))
    assert f'it carries {published}, not {wanted}' in text
    assert advice in text
    assert f'/usb_cam ({published}, best_effort, volatile)' in text
    assert 'rmem_max' not in text


def test_incompatible_reliability() -> None:
    """A reliable subscription hears no best-effort publisher; both are as they are named."""
    text = explain_missing_images(TOPIC, 2.0, [LOSSY], NODE)
    assert 'a reliable subscription hears nothing of a best-effort publisher' in text
    assert 'set the parameter reliability to auto or best_effort' in text
    assert '/lossy_cam (sensor_msgs/msg/Image, best_effort, volatile)' in text


def test_incompatible_durability() -> None:
    """Who asks for what was sent before hears nobody that keeps nothing."""
    text = explain_missing_images(TOPIC, 2.0, [CAMERA],
                                  Endpoint('/node', IMAGE, RELIABLE, TRANSIENT_LOCAL))
    assert 'do not offer the quality of service that is asked for' in text
    assert '(reliable, transient_local)' in text


@pytest.mark.parametrize(('publishers', 'subscription', 'buffers'), [
    ([CAMERA], NODE, False),
    # A best-effort subscription makes a reliable publisher lossy, too.
    ([CAMERA], EAGER, True),
    ([LOSSY], EAGER, True),
    # The reliable one of the two is heard, and loses nothing.
    ([CAMERA, LOSSY], NODE, False),
])
def test_published_but_silent(publishers: list[Endpoint], subscription: Endpoint,
                              buffers: bool) -> None:
    """Buffers are to blame only where something may get lost."""
    text = explain_missing_images(TOPIC, 2.0, publishers, subscription)
    assert 'it is published, but nothing comes' in text
    assert ('net.core.rmem_max' in text) == buffers
    assert ('FASTDDS_BUILTIN_TRANSPORTS="UDPv4?sockets_size=4MB"' in text) == buffers
    assert 'hears nothing of' not in text


def test_publishers_of_two_types() -> None:
    """Both types and both publishers are named; the transport is one of them."""
    others = [Endpoint('/usb_cam', COMPRESSED_IMAGE, RELIABLE),
              Endpoint('/info', 'sensor_msgs/msg/CameraInfo', RELIABLE)]
    text = explain_missing_images(TOPIC, 2.0, others, NODE)
    assert f'carries sensor_msgs/msg/CameraInfo and {COMPRESSED_IMAGE}, not {IMAGE}' in text
    assert 'set the parameter image_transport to compressed' in text
    assert text.endswith(f'Publishers: {others[0]}, {others[1]}')


def test_four_publishers_are_all_named() -> None:
    """There are no more."""
    assert 'more' not in explain_missing_images(TOPIC, 2.0, [CAMERA] * 4, NODE)


def test_many_publishers_are_not_all_named() -> None:
    """One line of the log stays one that can be read."""
    text = explain_missing_images(TOPIC, 2.0, [CAMERA] * 100, NODE)
    assert text.count('/usb_cam') == 4
    assert text.endswith('96 more')
    assert '\n' not in text
