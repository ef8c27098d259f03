# SPDX-License-Identifier: Apache-2.0
"""The fire detector node: camera pictures in, fire probabilities and the alarm out."""

import sys
from typing import Any

from fire_detector.alarm import FireAlarm
from fire_detector.classifier import AUTO, FireClassifier, InferenceError
from fire_detector.image_conversion import ImageError, to_picture
from fire_detector.image_messages import to_image
from fire_detector.model_files import find_model
from fire_detector.overlay import annotate
from fire_detector.parameters import declare_parameters, read_alarm_settings, read_settings
from fire_detector.picture import Picture
import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSPolicyKind, QoSProfile, QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.utilities import try_shutdown
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
RELIABILITY = {
    'reliable': QoSReliabilityPolicy.RELIABLE,
    'best_effort': QoSReliabilityPolicy.BEST_EFFORT,
}


class FireDetectorNode(LifecycleNode):
    """Run a fire classifier on a camera topic, as a managed node."""

    def __init__(self, **kwargs: Any) -> None:
        """Declare the parameters; everything else is made by the transitions."""
        super().__init__('fire_detector', **kwargs)
        declare_parameters(self)
        self._image_subscription: Any = None
        self._publisher_check: Any = None
        self._outputs: list[Any] = []

    def autostart(self) -> None:
        """Configure and activate, where the parameter `autostart` asks for it."""
        if not self.get_parameter('autostart').value:
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load, check and warm up the model; fail with a message where that is not possible."""
        try:
            settings = read_settings(self)
            model = find_model(settings.model)
            self._classifier = FireClassifier(model, settings.runtime, settings.num_threads)
            contract = self._classifier.contract
            self._alarm = FireAlarm(read_alarm_settings(self, contract.alarm))
            # The first inference allocates what the later ones reuse.
            self._classifier.probability(
                Picture(np.zeros(contract.input_shape[1:], np.uint8), 'RGB'))
        # ModelError and a parameter's contradiction are ValueErrors.
        except (ValueError, ImportError, InferenceError) as error:
            self.get_logger().error(f'cannot configure: {error}')
            return TransitionCallbackReturn.FAILURE
        self._reliability = settings.reliability
        self._create_outputs()
        self.get_logger().info(
            f'model {model} ({contract.name} {contract.version}, '
            f'sha256 {contract.model_sha256[:12]}), runtime {self._classifier.runtime}, '
            f'{settings.num_threads} thread(s)')
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the camera topic."""
        self._subscribe(self._wanted_reliability())
        if self._reliability == AUTO:
            self._publisher_check = self.create_timer(
                PUBLISHER_CHECK_PERIOD, self._follow_publishers)
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Drop the subscription and forget what was seen."""
        self._unsubscribe()
        self._alarm.reset()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model and the publishers."""
        self._release()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from whichever state."""
        self._release()
        return super().on_shutdown(state)

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
        self._unsubscribe()
        for publisher in self._outputs:
            self.destroy_lifecycle_publisher(publisher)
        self._outputs.clear()
        self._classifier = None  # type: ignore[assignment]

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
        try:
            picture = to_picture(message.encoding, message.height, message.width, message.step,
                                 message.data)
            probability = self._classifier.probability(picture)
        except (ImageError, InferenceError) as error:
            self.get_logger().warning(f'picture not answered: {error}',
                                      throttle_duration_sec=REJECTION_LOG_PERIOD)
            return
        stamp = message.header.stamp
        alarm = self._alarm.update(stamp.sec + 1e-9 * stamp.nanosec, probability)
        self._probability_publisher.publish(Float32(data=probability))
        self._detected_publisher.publish(Bool(data=alarm))
        if self._classification_publisher is not None:
            self._classification_publisher.publish(self._classification(message, probability))
        if self._annotated_publisher.get_subscription_count() > 0:
            self._annotated_publisher.publish(
                to_image(annotate(picture, probability, alarm), message.header))

    def _classification(self, message: Image, probability: float) -> Any:
        contract = self._classifier.contract
        results = [ObjectHypothesis(class_id=contract.fire_label, score=probability)]
        others = [label for label in contract.labels if label != contract.fire_label]
        if len(others) == 1:
            results.append(ObjectHypothesis(class_id=others[0], score=1.0 - probability))
        return Classification(header=message.header, results=results)


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit status."""
    rclpy.init(args=args)
    try:
        node = FireDetectorNode()
        node.autostart()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        # Ctrl-C and a shutdown from outside are how a node is meant to end.
        pass
    finally:
        try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
