# SPDX-License-Identifier: Apache-2.0
"""The fire detector node: camera pictures in, fire probabilities and the alarm out."""

from collections.abc import Callable, Sequence
import sys
from typing import Any

import cv2
from fire_detector.alarm import FireAlarm
from fire_detector.classifier import AUTO, FireClassifier, InferenceError
from fire_detector.image_conversion import ImageError
from fire_detector.image_messages import from_image, to_image
from fire_detector.model_contract import ModelContract
from fire_detector.model_files import find_model
from fire_detector.overlay import annotate
from fire_detector.parameters import (
    declare_parameters,
    read_alarm_settings,
    read_settings,
    RELIABILITY,
)
from fire_detector.ros_process import ros_process, spin
from fire_detector.tiling import TiledClassifier
import numpy as np
import rclpy
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.exceptions import ParameterException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSPolicyKind, QoSProfile, QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Bool, Float32

try:
    from vision_msgs.msg import Classification, ObjectHypothesis
except ImportError:
    # Every ROS distribution has it; the ROS wheels on PyPI have not.
    Classification = None

OUTPUT_DEPTH = 10
REJECTION_LOG_PERIOD = 5.0
PUBLISHER_CHECK_PERIOD = 1.0


class FireDetectorNode(LifecycleNode):
    """Run a fire classifier on a camera topic, as a managed node."""

    def __init__(self, **kwargs: Any) -> None:
        """Declare the parameters; everything else is made by the transitions."""
        super().__init__('fire_detector', **kwargs)
        declare_parameters(self)
        self._image_subscription: Any = None
        self._publisher_check: Any = None
        self._outputs: list[Any] = []
        self._classifier: TiledClassifier | None = None
        self._alarm: FireAlarm | None = None
        self._keep_serving_after_refused_transitions()

    def autostart(self) -> None:
        """Configure and activate, where the parameter `autostart` asks for it."""
        if not self.get_parameter('autostart').value:
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load, check and warm up the model; fail with a message where that is not possible."""
        if not self._succeeds('configure', self._configure):
            self._release()
            return TransitionCallbackReturn.FAILURE
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the camera topic."""
        if not self._succeeds('activate', self._activate):
            self._unsubscribe()
            return TransitionCallbackReturn.FAILURE
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Drop the subscription and clear the alarm."""
        self._unsubscribe()
        self._clear_alarm()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model and the publishers."""
        self._release()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from whichever state."""
        self._unsubscribe()
        self._clear_alarm()
        self._release()
        return super().on_shutdown(state)

    def _succeeds(self, transition: str, action: Callable[[], None]) -> bool:
        """Do what a transition takes; when it fails, say why, which rclpy does not."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - rclpy would swallow it without a word
            self.get_logger().error(f'cannot {transition}: {error or type(error).__name__}')
            return False
        return True

    def _configure(self) -> None:
        settings = read_settings(self)
        model = find_model(settings.model)
        classifier = FireClassifier(model, settings.runtime, settings.num_threads)
        contract = classifier.contract
        self._alarm = FireAlarm(read_alarm_settings(self, contract.alarm))
        # The first inference allocates what the later ones reuse.
        classifier.answer(np.zeros(contract.input_shape, np.float32))
        self._classifier = TiledClassifier(classifier, settings.tiles)
        self._reliability = settings.reliability
        self._create_outputs()
        self.get_logger().info(
            f'model {model} ({contract.name} {contract.version}, '
            f'sha256 {contract.model_sha256[:12]}), runtime {classifier.runtime}, '
            f'{settings.num_threads} thread(s), tiles {settings.tiles}')

    def _activate(self) -> None:
        self._subscribe(self._wanted_reliability())
        if self._reliability == AUTO:
            # Not the node's clock, which stands still while a simulation or bag is paused.
            self._publisher_check = self.create_timer(
                PUBLISHER_CHECK_PERIOD, self._follow_publishers,
                clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _clear_alarm(self) -> None:
        if self._classifier is None or self._alarm is None:
            return
        if self._alarm.active:
            # Those who listen hold the last value, and no more will come.
            self._detected_publisher.publish(Bool(data=False))
        self._alarm.reset()
        self._classifier.reset()

    def _keep_serving_after_refused_transitions(self) -> None:
        """
        Answer a transition that the state does not allow, instead of ending.

        Humble's and Jazzy's rclpy raise in the callback of the service. Kilted's does not.
        """
        answer = self._service_change_state.callback

        def answer_always(request: Any, response: Any) -> Any:
            try:
                return answer(request, response)
            except rclpy_implementation.RCLError as error:
                self.get_logger().error(f'transition {request.transition.id} refused: {error}')
                response.success = False
                return response

        self._service_change_state.callback = answer_always

    def _create_outputs(self) -> None:
        def create(message_type: Any, topic: str, qos: Any = OUTPUT_DEPTH) -> Any:
            publisher = self.create_lifecycle_publisher(message_type, f'~/{topic}', qos)
            self._outputs.append(publisher)
            return publisher

        self._probability_publisher = create(Float32, 'fire_probability')
        self._detected_publisher = create(Bool, 'fire_detected')
        self._annotated_publisher = create(Image, 'annotated', rclpy.qos.qos_profile_sensor_data)
        self._classification_publisher = None
        if Classification is not None:
            self._classification_publisher = create(Classification, 'classification')
        else:
            self.get_logger().info('vision_msgs cannot be imported: no ~/classification')

    def _release(self) -> None:
        for publisher in self._outputs:
            self.destroy_lifecycle_publisher(publisher)
        self._outputs.clear()
        self._classifier = self._alarm = None

    def _subscribe(self, reliability: QoSReliabilityPolicy) -> None:
        # Depth 1: the newest picture is the one that matters. A replay that must answer every
        # picture sets the parameter qos_overrides./image.subscription.depth.
        self._image_subscription = self.create_subscription(
            Image, 'image', self._on_image, QoSProfile(depth=1, reliability=reliability),
            qos_overriding_options=QoSOverridingOptions((QoSPolicyKind.DEPTH,)))
        self.get_logger().info(f'subscribed to {self._image_subscription.topic_name}, '
                               f'{reliability.name.lower().replace("_", " ")}')

    def _unsubscribe(self) -> None:
        if self._publisher_check is not None:
            self.destroy_timer(self._publisher_check)
            self._publisher_check = None
        if self._image_subscription is not None:
            self.destroy_subscription(self._image_subscription)
            self._image_subscription = None

    def _wanted_reliability(self) -> QoSReliabilityPolicy:
        """
        Choose the reliability that suits the publishers.

        A reliable subscription hears nothing of a best-effort publisher; a best-effort one hears
        both, but loses pictures that are larger than the middleware's buffers.
        """
        if self._reliability != AUTO:
            return RELIABILITY[self._reliability]
        offered = {info.qos_profile.reliability
                   for info in self.get_publishers_info_by_topic('image')}
        if QoSReliabilityPolicy.BEST_EFFORT in offered:
            return QoSReliabilityPolicy.BEST_EFFORT
        return QoSReliabilityPolicy.RELIABLE

    def _follow_publishers(self) -> None:
        wanted = self._wanted_reliability()
        if wanted != self._image_subscription.qos_profile.reliability:
            self.destroy_subscription(self._image_subscription)
            self._subscribe(wanted)

    def _on_image(self, message: Image) -> None:
        if self._classifier is None or self._alarm is None:
            # The picture was ready when the transition came.
            return
        stamp = message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec
        try:
            picture = from_image(message)
            probability = self._classifier.probability(picture, stamp)
        except (ImageError, InferenceError, cv2.error) as error:
            self.get_logger().warning(f'picture not answered: {error}',
                                      throttle_duration_sec=REJECTION_LOG_PERIOD)
            return
        alarm = self._alarm.update(stamp, probability)
        self._probability_publisher.publish(Float32(data=probability))
        self._detected_publisher.publish(Bool(data=alarm))
        if self._classification_publisher is not None:
            self._classification_publisher.publish(
                classification(self._classifier.contract, message, probability))
        if self._annotated_publisher.get_subscription_count() > 0:
            self._annotated_publisher.publish(
                to_image(annotate(picture, probability, alarm), message.header))


def classification(contract: ModelContract, message: Image, probability: float) -> Any:
    """
    Make the message that has the answer for each class, with the picture's header.

    :param contract: of the model that gave the answer.
    :param message: the picture.
    :param probability: of fire, 0..1.
    :return: vision_msgs/msg/Classification, which can be made only where vision_msgs is installed.
    """
    results = [ObjectHypothesis(class_id=contract.fire_label, score=probability)]
    others = [label for label in contract.labels if label != contract.fire_label]
    if len(others) == 1:
        results.append(ObjectHypothesis(class_id=others[0], score=1.0 - probability))
    return Classification(header=message.header, results=results)


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit status."""
    with ros_process(args):
        try:
            node = FireDetectorNode()
        except ParameterException as error:
            rclpy.logging.get_logger('fire_detector').fatal(str(error))
            return 1
        node.autostart()
        spin(node)
    return 0


if __name__ == '__main__':
    sys.exit(main())
