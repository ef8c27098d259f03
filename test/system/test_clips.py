# SPDX-License-Identifier: Apache-2.0
"""Two real clips, played over DDS at their own rate, get the answers that the files get."""

from pathlib import Path
import time

from fire_detector.images.files import frame_rate, read_video
from fire_detector.model.classifier import FireClassifier
import pytest
from ros_session import Camera, RosSession

# An image that arrives while this shared machine does something else must wait, not be lost.
QUEUE = 'qos_overrides./image.subscription.depth:=100'


@pytest.mark.parametrize('clip', ['furg_house6_fire.mp4', 'altar_nofire.mp4'])
def test_every_frame_is_answered_once(
        ros: RosSession, data: Path, model: Path, clip: str) -> None:
    """As many answers as frames, in their order, equal to the classifier's to 1e-3."""
    path = data / 'video' / clip
    classifier = FireClassifier(model)
    expected = [classifier.probability(frame.image) for frame in read_video(path)]
    ros.start('detector_node', '-p', QUEUE)
    detector = Camera(ros)
    detector.wait_until_heard()
    camera = ros.start('file_camera', '-p', f'path:={path}')
    ros.wait_for(lambda: detector.probabilities, 'a first answer')
    start = time.monotonic()
    duration = len(expected) / frame_rate(path)
    ros.wait_for(lambda: camera.popen.poll() is not None, 'the end of the clip', 2 * duration + 10)
    elapsed = time.monotonic() - start
    assert camera.popen.returncode == 0, camera.output
    ros.wait_for(lambda: len(detector.alarms) >= len(expected), f'{len(expected)} answers')
    answers = [message.data for message in detector.probabilities]
    assert answers == pytest.approx(expected, abs=1e-3)
    assert len(detector.alarms) == len(expected)
    assert 0.9 * duration < elapsed < 1.2 * duration + 2
