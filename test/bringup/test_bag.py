# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag are played, from its metadata.yaml."""

from pathlib import Path

from fire_detector.bringup.bag import ALL, CAMERA, topics_to_play
import pytest
import yaml

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
# A bag of everything, as somebody records who does not choose.
TOPICS = (('/front/image_raw', IMAGE, 9), ('/front/image_raw/compressed', COMPRESSED, 9),
          ('/front/camera_info', 'sensor_msgs/msg/CameraInfo', 9), ('/rear/image_raw', IMAGE, 0),
          ('/rear/image_raw/compressed', COMPRESSED, 9), ('/clock', 'rosgraph_msgs/msg/Clock', 9),
          ('/fire_detector/fire_detected', 'std_msgs/msg/Bool', 9),
          ('/fire_detector_of_others', 'std_msgs/msg/Bool', 9),
          ('/fire_guard/holding', 'std_msgs/msg/Bool', 1), ('/tf', 'tf2_msgs/msg/TFMessage', 9))
NODES = ['/fire_detector', '/fire_guard']


def write_bag(folder: Path, topics: tuple[tuple[str, str, int], ...] = TOPICS) -> str:
    """Write the metadata.yaml of a bag; return the folder."""
    (folder / 'metadata.yaml').write_text(yaml.safe_dump({'rosbag2_bagfile_information': {
        'topics_with_message_count': [
            {'topic_metadata': {'name': name, 'type': message_type}, 'message_count': count}
            for name, message_type, count in topics]}}))
    return str(folder)


@pytest.mark.parametrize(('choice', 'image_topics', 'expected'), [
    (CAMERA, ['/front/image_raw'],
     ['/front/image_raw', '/front/image_raw/compressed', '/front/camera_info']),
    (CAMERA, ['/rear/image_raw'], ['/rear/image_raw/compressed']),
    (CAMERA, ['/front/image_raw', '/rear/image_raw'],
     ['/front/image_raw', '/front/image_raw/compressed', '/front/camera_info',
      '/rear/image_raw/compressed']),
    (ALL, ['/rear/image_raw'],
     ['/front/image_raw', '/front/image_raw/compressed', '/front/camera_info',
      '/rear/image_raw/compressed', '/fire_detector_of_others', '/tf']),
])
def test_topics(tmp_path: Path, choice: str, image_topics: list[str],
                expected: list[str]) -> None:
    """Those of the cameras; or all with messages, but no detections and no time of old."""
    assert topics_to_play(write_bag(tmp_path), choice, image_topics, NODES) == expected


def test_file(tmp_path: Path) -> None:
    """Of a single file the topics are not known: the camera's are asked for, whatever it has."""
    file = tmp_path / 'bag_0.mcap'
    file.touch()
    assert topics_to_play(str(file), CAMERA, ['/image'], NODES) == [
        '/image', '/image/compressed', '/camera_info']
    with pytest.raises(ValueError, match=r'is a file, .* give the folder'):
        topics_to_play(str(file), ALL, ['/image'], NODES)


@pytest.mark.parametrize(('topics', 'message'), [
    (TOPICS, r'no image on /image or /image/compressed: .* /front/image_raw \(9\), .* '
             r'/rear/image_raw/compressed \(9\); .*image_topic'),
    (TOPICS[-1:], 'it has no images at all'),
    ((('/image', IMAGE, 0),), 'it is empty'),
    ((), 'it is empty'),
])
def test_bag_without_the_cameras_images(
        tmp_path: Path, topics: tuple[tuple[str, str, int], ...], message: str) -> None:
    """It is refused, with what is in it."""
    bag = write_bag(tmp_path, topics)
    with pytest.raises(ValueError, match=f'bag:={bag} .*{message}'):
        topics_to_play(bag, CAMERA, ['/image'], NODES)


@pytest.mark.parametrize(('content', 'message'), [
    (None, 'no bag of ROS 2, .* ros2 bag reindex'),
    ('', 'cannot be read'), ('[1, 2', 'cannot be read'),
    ('rosbag2_bagfile_information: 1', 'cannot be read'),
])
def test_broken_metadata(tmp_path: Path, content: str | None, message: str) -> None:
    """The bag is named."""
    if content is not None:
        (tmp_path / 'metadata.yaml').write_text(content)
    with pytest.raises(ValueError, match=f'bag:={tmp_path}: .*{message}'):
        topics_to_play(str(tmp_path), CAMERA, ['/image'], NODES)
