# SPDX-License-Identifier: Apache-2.0
"""The cameras without hardware publish as a driver does, and name a wrong parameter."""

import cv2
from fire_detector.images.decode import from_image
import numpy as np
import pytest
from ros_session import ROOT, RosSession
from sensor_msgs.msg import CompressedImage, Image

IMAGE = ROOT / 'docs' / 'annotated.png'


def test_synthetic_camera_publishes_raw_and_compressed(ros: RosSession) -> None:
    """Both topics have the same image under the same header; the JPEG names its encodings."""
    raw = ros.collect(Image, '/image')
    compressed = ros.collect(CompressedImage, '/image/compressed')
    ros.start('synthetic_camera', 'width:=160', 'height:=120', 'rate:=10', 'frame_id:=front')

    def pair() -> tuple[Image, CompressedImage] | None:
        stamps = {str(message.header.stamp): message for message in raw}
        return next(((stamps[str(message.header.stamp)], message) for message in compressed
                     if str(message.header.stamp) in stamps), None)

    ros.wait_for(pair, 'an image on both topics')
    found = pair()
    assert found is not None
    image, jpeg = found
    assert image.header.frame_id == jpeg.header.frame_id == 'front'
    assert (image.width, image.height, image.step, image.encoding) == (160, 120, 480, 'rgb8')
    assert jpeg.format == 'rgb8; jpeg compressed bgr8'
    pixels = from_image(image).in_order('RGB')
    decoded = cv2.imdecode(np.frombuffer(jpeg.data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert np.abs(decoded.astype(int) - pixels).mean() < 5


@pytest.mark.parametrize(('module', 'arguments', 'source'), [
    ('synthetic_camera', ['width:=160', 'height:=120', 'rate:=12.5'],
     'rendered room, 160x120, 12.5 images a second'),
    ('file_camera', [f'path:={IMAGE}', 'rate:=2'], f'{IMAGE}, 640x240, 2 images a second'),
])
def test_camera_that_waits_says_so(
        ros: RosSession, module: str, arguments: list[str], source: str) -> None:
    """
    Before anybody subscribes: what it will publish, its size and its rate, and where.

    As with image_transport, compressed images are below the topic of raw ones, remapped or not.
    """
    process = ros.start(module, *arguments, arguments=['-r', 'image:=/front/image_raw'])
    ros.wait_for(lambda: f'{source}: waiting for a subscription to /front/image_raw or '
                 '/front/image_raw/compressed\n' in process.output, 'a line in the log')
    assert not ros.happens(lambda: 'publishing' in process.output, 0.3)
    images = ros.collect(Image, '/front/image_raw')
    ros.wait_for(lambda: images, 'an image')
    assert f'{images[0].width}x{images[0].height}' in source


@pytest.mark.parametrize(('module', 'parameter', 'words'), [
    ('synthetic_camera', 'width:=10', ['width', '10', '64']),
    ('synthetic_camera', 'rate:=0', ['parameter rate is 0', 'from 0.01 to 1000']),
    ('synthetic_camera', 'rate:=.nan', ['rate', 'nan', '0.01', '1000']),
    ('synthetic_camera', 'rate:=fast', ["parameter rate is 'fast'", 'from 0.01 to 1000']),
    ('synthetic_camera', 'jpeg_quality:=101', ['jpeg_quality', '101', '100']),
    ('synthetic_camera', 'loop:=1', ['loop', 'true or false']),
    ('file_camera', 'speed:=0.0', ['speed', '0.0', '0.01', '100']),
    ('file_camera', 'rate:=10', ['parameter path is empty']),
    ('file_camera', 'path:=nosuch.mp4', ['nosuch.mp4: No such file']),
])
def test_bad_parameter_is_named(
        ros: RosSession, module: str, parameter: str, words: list[str]) -> None:
    """Parameter, value and what is allowed are in the error; the process ends with status 1."""
    process = ros.start(module, parameter)
    process.check_end(1)
    assert [word for word in words if word not in process.output] == [], process.output


def test_misspelled_parameter(ros: RosSession) -> None:
    """A name that is not in the table is not used; the log has the one that may be meant."""
    process = ros.start('synthetic_camera', 'widht:=320')
    ros.wait_for(lambda: 'did you mean width?' in process.output, 'a warning')
