# SPDX-License-Identifier: Apache-2.0
"""The node as a robot meets it: its own process, real DDS."""

from pathlib import Path
import signal

from diagnostic_msgs.msg import DiagnosticStatus
from fire_detector.images.files import read_image
from fire_detector.model.classifier import FireClassifier
from fire_detector.parameters.detector import PARAMETERS
from lifecycle_msgs.msg import Transition
import numpy as np
import pytest
from rcl_interfaces.srv import DescribeParameters
from rclpy.qos import QoSReliabilityPolicy
from ros_session import (
    ACTIVATE,
    CALM,
    Camera,
    camera_of_detector,
    CLEAN_UP,
    CONFIGURE,
    DEACTIVATE,
    Diagnostics,
    image_message,
    RosSession,
)
from sensor_msgs.msg import Image

MODULES = {'litert': 'ai_edge_litert', 'tflite': 'tflite_runtime'}


@pytest.mark.parametrize('name', MODULES)
def test_probabilities_are_the_classifiers(
        ros: RosSession, data: Path, model: Path, name: str) -> None:
    """One of each kind for each real image, equal to what the classifier finds without ROS."""
    pytest.importorskip(MODULES[name])
    classifier = FireClassifier(model, name)
    camera = camera_of_detector(ros, f'runtime:={name}')
    paths = [path for kind in ('fire', 'nofire')
             for path in sorted((data / 'images' / 'cair' / kind).iterdir())[:20]]
    for number, path in enumerate(paths):
        image = read_image(path)
        probability, _ = camera.detect(image_message(image.pixels, stamp=100 + number))
        assert probability == pytest.approx(classifier.probability(image), abs=1e-6)
    assert len(camera.probabilities) == len(camera.alarms) == len(paths)
    assert min(message.data for message in camera.probabilities) < 0.1
    assert max(message.data for message in camera.probabilities) > 0.9


def test_alarm_is_raised_and_cleared(camera: Camera, fire: np.ndarray) -> None:
    """The fifth image of fire raises it; False is published, too, before and after."""
    stamps = np.arange(100, 102.6, 0.1)
    assert camera.alarms_of(fire, stamps[:6]) == 4 * [False] + 2 * [True]
    alarms = camera.alarms_of(CALM, stamps[6:])
    assert alarms[0] is True
    assert alarms[-1] is False


def test_alarm_parameters_override_the_models(ros: RosSession, fire: np.ndarray) -> None:
    """
    With min_frames 1 one image is enough, once a second one proves that time has jumped.

    A number without decimals is another type to ROS, but not to a person.
    """
    camera = camera_of_detector(ros, 'alarm.min_frames:=1', 'alarm.on_threshold:=0.9',
                                'alarm.window:=2')
    assert camera.alarms_of(fire, (1, 2)) == [False, True]


def test_header_is_copied(shared_ros: RosSession, camera: Camera, fire: np.ndarray) -> None:
    """What has a header has the image's, not the time of the detection."""
    annotated = shared_ros.collect(Image, '/fire_detector/annotated',
                                   QoSReliabilityPolicy.BEST_EFFORT)
    message = image_message(fire, stamp=1234.5)

    def is_drawn() -> bool:
        message.header.stamp.sec += 1
        camera.detect(message)
        return bool(annotated)

    shared_ros.wait_for(is_drawn, 'an annotated image')
    header = annotated[-1].header
    assert 1234 < header.stamp.sec <= message.header.stamp.sec
    assert (header.stamp.nanosec, header.frame_id) == (500_000_000, message.header.frame_id)
    assert (annotated[-1].height, annotated[-1].width) == (message.height, message.width)
    assert annotated[-1].encoding == 'bgr8'
    # The top is the image itself, inside the frame that an alarm would draw.
    drawn = np.asarray(annotated[-1].data, np.uint8).reshape(fire.shape)
    np.testing.assert_array_equal(drawn[10:50, 10:-10], fire[10:50, 10:-10])
    assert (drawn[-5:] != fire[-5:]).any()


def test_namespace_and_remap(ros: RosSession) -> None:
    """All names are relative: a robot's namespace and its camera's topic work."""
    ros.start_detector(arguments=('-r', '__ns:=/robot1', '-r', 'image:=front/image_raw'))
    camera = Camera(ros, '/robot1/front/image_raw', '/robot1/fire_detector').wait_until_heard()
    probability, alarm = camera.detect(image_message(CALM, stamp=1))
    assert 0.0 <= probability < 0.5
    assert alarm is False


def test_every_transition(ros: RosSession) -> None:
    """A lifecycle manager is obeyed, twice over; images are processed in `active` alone."""
    ros.start_detector('autostart:=false')
    camera = Camera(ros)
    assert ros.state() == 'unconfigured'
    for stamp in (1, 2):
        assert ros.change_state(CONFIGURE)
        assert ros.state() == 'inactive'
        assert camera.publisher.get_subscription_count() == 0
        assert ros.change_state(ACTIVATE)
        assert ros.state() == 'active'
        camera.wait_until_heard()
        camera.detect(image_message(CALM, stamp=stamp))
        assert ros.change_state(DEACTIVATE)
        ros.wait_for(lambda: camera.publisher.get_subscription_count() == 0, 'no subscription')
        assert ros.state() == 'inactive'
        assert ros.change_state(CLEAN_UP)
        assert ros.state() == 'unconfigured'
        ros.wait_for(lambda: ros.node.count_publishers('/fire_detector/fire_probability') == 0,
                     'no publisher')
    assert ros.change_state(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert ros.state() == 'finalized'


def test_deactivation_clears_the_alarm(
        shared_ros: RosSession, camera: Camera, fire: np.ndarray) -> None:
    """What was seen before counts for nothing after."""
    assert camera.alarms_of(fire, (1, 1.1, 1.2, 1.3, 1.4))[-1] is True
    assert shared_ros.change_state(DEACTIVATE)
    shared_ros.wait_for(lambda: camera.alarms[-1].data is False, 'the end of the alarm')
    shared_ros.wait_for(lambda: camera.publisher.get_subscription_count() == 0, 'no subscription')
    assert shared_ros.change_state(ACTIVATE)
    shared_ros.wait_for(lambda: camera.publisher.get_subscription_count() > 0, 'a subscription')
    assert camera.detect(image_message(fire, stamp=1.3))[1] is False


def test_refused_transition_is_survived(shared_ros: RosSession, camera: Camera) -> None:
    """A manager that configures what is active gets a refusal, and the node goes on."""
    assert not shared_ros.change_state(CONFIGURE)
    assert not shared_ros.change_state(CLEAN_UP)
    assert shared_ros.state() == 'active'
    camera.detect(image_message(CALM, stamp=1))


def test_time_that_stands_still_does_not_matter(ros: RosSession) -> None:
    """Under simulated time without a clock, a best-effort camera is found all the same."""
    ros.start_detector('use_sim_time:=true')
    camera = Camera(ros, reliability=QoSReliabilityPolicy.BEST_EFFORT).wait_until_heard()
    camera.detect(image_message(CALM, stamp=1))


def test_missing_model_fails_configure_with_its_path(ros: RosSession, model: Path) -> None:
    """
    The log and the diagnostics have the path, and a good model is taken after all.

    What becomes of damaged files is in test_model_is_replaced_on_disk.
    """
    diagnostics = Diagnostics(ros)
    process = ros.start_detector('model:=nosuch.tflite')
    diagnostics.wait_for(DiagnosticStatus.ERROR, 'cannot configure: nosuch.tflite')
    assert 'cannot configure: nosuch.tflite' in process.output
    assert ros.state() == 'unconfigured'
    assert not ros.change_state(CONFIGURE)
    assert ros.set_parameter('model', str(model)) == ''
    assert ros.change_state(CONFIGURE)
    assert ros.change_state(ACTIVATE)
    camera = Camera(ros).wait_until_heard()
    camera.detect(image_message(CALM, stamp=1))


@pytest.mark.parametrize(('parameter', 'message'), [
    ('runtime:=torch', "parameter runtime is 'torch'"),
    ('reliability:=sometimes', "parameter reliability is 'sometimes'"),
    ('alarm.on_threshold:=0.2', 'off 0.36, on 0.2'),
    ('alarm.window:=soon', "parameter alarm.window is 'soon', not a number from -1 to 60"),
    ('qos_overrides./image.subscription.depth:=-3', 'cannot activate: '),
])
def test_bad_parameter_fails_configure_with_its_value(
        ros: RosSession, parameter: str, message: str) -> None:
    """The reason is logged, and the process serves on until it is interrupted."""
    process = ros.start_detector(parameter)
    ros.wait_for(lambda: message in process.output, 'the reason in the log')
    process.interrupt()


def test_parameters_are_described(shared_ros: RosSession) -> None:
    """Every parameter of the table has its description and range."""
    names = [parameter.name for parameter in PARAMETERS]
    response = shared_ros.call(DescribeParameters, '/fire_detector/describe_parameters',
                               DescribeParameters.Request(names=names))
    described = {descriptor.name: descriptor for descriptor in response.descriptors}
    assert all(described[parameter.name].description == parameter.text
               for parameter in PARAMETERS)
    assert described['num_threads'].integer_range[0].from_value == 1
    assert described['alarm.window'].floating_point_range[0].to_value == 60.0
    assert described['autostart'].read_only


def test_second_interrupt_does_no_harm(ros: RosSession) -> None:
    """In a terminal, Ctrl-C comes from the terminal and again from `ros2 launch`."""
    process = ros.start_detector()
    ros.state()
    while process.popen.poll() is None:
        process.popen.send_signal(signal.SIGINT)
        ros.spin_once()
    assert process.popen.returncode == 0, process.output
    assert 'Traceback' not in process.output
