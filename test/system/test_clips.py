# SPDX-License-Identifier: Apache-2.0
"""Real clips, played over DDS at their own rate, get the probabilities that the files get."""

from pathlib import Path
import time

import cv2
from fire_detector.images.files import frame_rate, read_video
from fire_detector.model.classifier import FireClassifier
import pytest
from replay_bags import frames
from ros_session import camera_of_detector, RosSession

# An image that arrives while this shared machine does something else must wait, not be lost.
QUEUE = 'qos_overrides./image.subscription.depth:=100'


def beginning(path: Path, count: int, folder: Path) -> Path:
    """Write the first frames of a clip to a file of its own."""
    pixels = frames(path, count)
    height, width = pixels[0].shape[:2]
    short = folder / 'short.avi'
    writer = cv2.VideoWriter(str(short), cv2.VideoWriter.fourcc(*'MJPG'), frame_rate(path) or 25.0,
                             (width, height))
    for frame in pixels:
        writer.write(frame)
    writer.release()
    return short


@pytest.mark.time
@pytest.mark.parametrize(('clip', 'seconds'), [
    ('furg_house6_fire.mp4', 3),
    pytest.param('furg_house6_fire.mp4', None, marks=pytest.mark.slow),
    pytest.param('altar_nofire.mp4', None, marks=pytest.mark.slow)])
def test_every_frame_is_processed_once(ros: RosSession, data: Path, model: Path, tmp_path: Path,
                                       clip: str, seconds: int | None) -> None:
    """As many probabilities as frames, in their order, equal to the classifier's to 1e-3."""
    path = data / 'video' / clip
    if seconds is not None:
        path = beginning(path, round(seconds * frame_rate(path)), tmp_path)
    classifier = FireClassifier(model)
    expected = [classifier.probability(frame.image) for frame in read_video(path)]
    detector = camera_of_detector(ros, QUEUE)
    camera = ros.start('file_camera', f'path:={path}')
    ros.wait_for(lambda: detector.probabilities, 'a first probability')
    start = time.monotonic()
    duration = len(expected) / frame_rate(path)
    ros.wait_for(lambda: camera.popen.poll() is not None, 'the end of the clip', 2 * duration + 10)
    elapsed = time.monotonic() - start
    assert camera.popen.returncode == 0, camera.output
    ros.wait_for(lambda: len(detector.alarms) >= len(expected), f'{len(expected)} alarms')
    probabilities = [message.data for message in detector.probabilities]
    assert probabilities == pytest.approx(expected, abs=1e-3)
    assert len(detector.alarms) == len(expected)
    assert 0.9 * duration < elapsed < 1.2 * duration + 2
