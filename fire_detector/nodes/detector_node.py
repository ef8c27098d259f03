# SPDX-License-Identifier: Apache-2.0
"""The fire detector node: camera images in, fire probabilities and the alarm out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
import math
import sys
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from fire_detector.detection.detector import Detection, Detector, Inference, Rejection
from fire_detector.detection.freshness import Freshness, NO_CLOCK
from fire_detector.detection.health import assess, describe_model, Health
from fire_detector.detection.image_statistics import read_usage, Statistics
from fire_detector.detection.rate_limit import RateLimit
from fire_detector.images.annotate import annotate
from fire_detector.images.decode import describe
from fire_detector.model.contract import AlarmSettings, ModelContract
from fire_detector.model.locate import find_model
from fire_detector.parameters.detector import (
    LiveSettings,
    NodeSettings,
    PARAMETERS,
    THRESHOLDS,
)
from fire_detector.ros.camera_subscription import CameraSubscription
from fire_detector.ros.executor import FastPathSubscription
from fire_detector.ros.lifecycle_node import LATCHED, ManagedNode, run_managed
from fire_detector.ros.messages import (
    alarm_array,
    Classification,
    classification,
    to_image_message,
    vision_info,
    VisionInfo,
)
from fire_detector.ros.node_help import NodeHelp
from fire_detector.ros.parameters import LABELS, warn_undeclared
from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Bool, Float32, Header
from std_srvs.srv import Trigger

OUTPUT_DEPTH = 10
LOG_PERIOD = 5.0
# Seconds after which a camera that has stopped publishing is subscribed to anew.
RETRY_AFTER = 5.0
# Seconds for which simulated time may stand still: it is about to begin, is paused or has ended.
CLOCK_TIMEOUT = 10.0


class FireDetectorNode(ManagedNode):
    """The managed node that runs a fire classifier on a camera topic."""

    def __init__(self, **kwargs: Any) -> None:
        """Declare the parameters; what they describe is made by the transitions."""
        super().__init__('fire_detector', 'fire detection', PARAMETERS, **kwargs)
        self.declare_parameter(
            LABELS, Parameter.Type.STRING_ARRAY, ignore_override=True,
            descriptor=ParameterDescriptor(description='The classes of the loaded model.'))
        warn_undeclared(self, PARAMETERS)
        self.add_on_set_parameters_callback(self.on_set_parameters)
        self._detector: Detector | None = None
        self._camera: CameraSubscription | None = None
        self._outputs: list[Any] = []
        self._labels: list[str] = []
        self._live: LiveSettings
        self._alarm_settings: AlarmSettings | None = None
        self._silent_reason = self._warned_waiting = ''
        self._retried = False
        self._vision_info_publisher: Any = None
        self._limit, self._annotated_limit = RateLimit(0), RateLimit(0)
        self._freshness = Freshness()
        self.create_service(Trigger, '~/reset_alarm', self._on_reset_alarm)

    def configure(self) -> None:
        """Load, check and warm up the model."""
        values = self.parameter_values()
        settings = NodeSettings.from_parameters(values)
        detector = Detector(find_model(settings.model), settings.runtime, settings.num_threads,
                            settings.allow_changed_model)
        classifier, contract = detector.classifier, detector.classifier.contract
        self._settings, self._detector = settings, detector
        self._model_values = describe_model(contract, classifier.runtime, settings.num_threads)
        self._alarm_settings = None
        self.apply(values)
        self._create_outputs(contract)
        if classifier.model_changed:
            self.get_logger().warning(
                f'model {detector.model} is not the one that its contract names: used all the '
                f'same, since allow_changed_model is set')
        self.get_logger().info(
            f'model {detector.model} ({contract.name} {contract.version}, '
            f'sha256 {contract.model_sha256[:12]}), runtime {classifier.runtime}, '
            f'{settings.num_threads} thread(s)')

    def activate(self) -> None:
        """Subscribe to the camera topic."""
        self._statistics = Statistics(time.monotonic())
        self._awaited_since = self._clock_moved = time.monotonic()
        self._clock_time = self.get_clock().now().nanoseconds
        self._camera = CameraSubscription(self, self._settings.image_transport,
                                          self._settings.reliability, self._on_message)

    def deactivate(self) -> None:
        """Drop the subscription and clear the alarm."""
        if self._camera is not None:
            self._camera.destroy()
            self._camera = None
        self._clear_alarm()

    def cleanup(self) -> None:
        """Free the model and the publishers."""
        for publisher in self._outputs:
            self.destroy_lifecycle_publisher(publisher)
        self._outputs.clear()
        if self._vision_info_publisher is not None:
            self.destroy_publisher(self._vision_info_publisher)
            self._vision_info_publisher = None
        self._detector = None

    def fast_path_subscription(self) -> FastPathSubscription | None:
        """Return the subscription to images; None while not active."""
        return None if self._camera is None else self._camera.direct

    def _create_outputs(self, contract: ModelContract) -> None:
        def create(message_type: Any, topic: str, qos: Any = OUTPUT_DEPTH) -> Any:
            publisher = self.create_lifecycle_publisher(message_type, f'~/{topic}', qos)
            self._outputs.append(publisher)
            return publisher

        self._probability_publisher = create(Float32, 'fire_probability')
        self._detected_publisher = create(Bool, 'fire_detected')
        self._alarm_publisher = create(DiagnosticArray, 'alarm', LATCHED)
        # Kept, since making one takes as long as publishing it; only the header changes.
        self._alarm_messages = {raised: alarm_array(
            raised, self.get_fully_qualified_name(), Header()) for raised in (False, True)}
        self._annotated_publisher = create(Image, 'annotated', qos_profile_sensor_data)
        self._labels = list(contract.labels)
        self.set_parameters([Parameter(LABELS, value=self._labels)])
        self._classification_publisher = None
        if Classification is None:
            self.get_logger().info('vision_msgs cannot be imported: no ~/classification '
                                   'and no ~/vision_info')
            return
        self._classification_publisher = create(Classification, 'classification')
        # Not a lifecycle publisher: what model is loaded is so before activation, too.
        self._vision_info_publisher = self.create_publisher(VisionInfo, '~/vision_info', LATCHED)
        self._vision_info_publisher.publish(vision_info(
            contract, f'{self.get_fully_qualified_name()}/{LABELS}',
            Header(stamp=self.get_clock().now().to_msg())))

    def on_set_parameters(self, parameters: 'list[Parameter[Any]]') -> SetParametersResult:
        """Refuse other labels than those of the loaded model, and what the base class refuses."""
        changed = {each.name: each.value for each in parameters}
        reason = ''
        if changed.get(LABELS, self._labels) != self._labels:
            reason = f'{LABELS} are those of the loaded model'
        elif self._detector is not None and changed.keys() >= set(THRESHOLDS):
            # Set at once, neither waits for the other.
            try:
                LiveSettings.from_parameters(self.parameter_values() | changed,
                                             self._detector.classifier.contract.alarm)
            except ValueError as error:
                reason = str(error)
        return (SetParametersResult(successful=False, reason=reason) if reason
                else super().on_set_parameters(parameters))

    def apply(self, values: Mapping[str, Any]) -> None:
        """Apply the alarm's settings, the rates and the largest age."""
        assert self._detector is not None
        live = LiveSettings.from_parameters(
            values, self._detector.classifier.contract.alarm, self._alarm_settings)
        self._live, self._alarm_settings = live, live.alarm
        self._detector.alarm.settings, self._detector.alarm.latch = live.alarm, live.alarm_latch
        self._limit.rate, self._annotated_limit.rate = live.max_rate, live.annotated_max_rate
        self._freshness.max_age = live.max_age

    def _on_reset_alarm(self, request: Trigger.Request,
                        response: Trigger.Response) -> Trigger.Response:
        """Clear the alarm, latched or not; where the fire still burns, it comes again."""
        response.success = self._detector is not None
        response.message = 'the node is not configured'
        if self._detector is not None:
            response.message = ('the alarm is cleared' if self._detector.alarm.active
                                else 'no alarm was raised')
            self._clear_alarm()
        return response

    def _clear_alarm(self) -> None:
        if self._detector is None:
            return
        if self._detector.alarm.active:
            # Subscribers keep the last value, and no more may come.
            self._detected_publisher.publish(Bool(data=False))
        self._detector.alarm.reset()

    def _on_message(self, message: Any, lost: int) -> None:
        if self._detector is None or self._camera is None:
            # The image was ready when the transition came.
            return
        now = time.monotonic()
        self._statistics.dropped(lost)
        self._statistics.arrived(now, *describe(message))
        if not self._limit.allows(now):
            self._statistics.skipped()
            return
        result = self._detector.infer(message)
        if isinstance(result, Rejection):
            self._statistics.rejected(result.reason, result.detail)
            self.get_logger().warning(f'image rejected: {result.detail}',
                                      throttle_duration_sec=LOG_PERIOD)
            return
        clock = self.get_clock().now().nanoseconds
        staleness = self._freshness.explain_staleness(result.stamp, clock)
        self._publish_probability(result.probability, message.header)
        if staleness:
            self.get_logger().warning(f'no alarm from a stale image: {staleness}',
                                      throttle_duration_sec=LOG_PERIOD)
        else:
            self._publish_alarm(self._detector.decide(result), message.header)
        self._statistics.processed(result.seconds, result.stamp, clock, staleness)
        if (self._annotated_publisher.get_subscription_count() > 0
                and self._annotated_limit.allows(now)):
            self._publish_annotated(result, message.header)

    def _publish_probability(self, probability: float, header: Header) -> None:
        assert self._detector is not None
        self._probability_publisher.publish(Float32(data=probability))
        if self._classification_publisher is not None:
            self._classification_publisher.publish(classification(
                self._detector.classifier.contract, header, probability))

    def _publish_alarm(self, detection: Detection, header: Header) -> None:
        if detection.alarm_changed:
            self.get_logger().warning(
                f'fire alarm {"raised" if detection.alarm else "cleared"} by the image of '
                f'{detection.stamp / 1e9:.3f}, probability {detection.probability:.2f}')
        self._detected_publisher.publish(Bool(data=detection.alarm))
        message = self._alarm_messages[detection.alarm]
        message.header = header
        self._alarm_publisher.publish(message)

    def _publish_annotated(self, inference: Inference, header: Header) -> None:
        assert self._detector is not None
        annotated = annotate(inference.image, inference.probability, self._detector.alarm.active,
                             self._statistics.output_rate, self._live.annotated_max_width)
        self._annotated_publisher.publish(to_image_message(annotated, header))

    def health(self) -> Health:
        """Follow the publishers of the camera's topic, and return the detector's health."""
        if self._detector is None or self._camera is None:
            return self.resting_health(() if self._detector is None else self._model_values)
        self._camera.follow()
        now = time.monotonic()
        silence, waiting = self._measure_silence(now), self._live.waiting
        # A second later, since the values of a file that is being loaded come within moments.
        if waiting and waiting != self._warned_waiting:
            self.get_logger().warning(waiting)
        self._warned_waiting = waiting
        alarm = self._detector.alarm
        problems = self._explain_silence(silence), waiting, alarm.explain_indecision()
        overdue = silence >= self._live.image_timeout > 0
        health = assess(self._statistics.snapshot(now, read_usage()),
                        self._live.image_timeout if overdue else math.inf,
                        '; '.join(filter(None, problems)))
        state = 'raised' if alarm.active else 'not raised'
        return replace(health, values=(*health.values, ('alarm', state), *self._model_values))

    def _measure_silence(self, now: float) -> float:
        """Return for how many seconds an image is due; none is while simulated time stands."""
        clock_time = self.get_clock().now().nanoseconds
        if clock_time != self._clock_time:
            self._clock_time, self._clock_moved = clock_time, now
        elif now - self._clock_moved < CLOCK_TIMEOUT:
            self._awaited_since = now
        return min(self._statistics.silence(now), now - self._awaited_since)

    def _explain_silence(self, silence: float) -> str:
        """Explain why no image has come, and log what is new of it; empty where they come."""
        timeout = self._live.image_timeout
        reason = ''
        if self._clock_time == 0 and not self._statistics.any_arrived and silence < timeout:
            reason = NO_CLOCK
        elif self._camera is not None and 0 < timeout <= silence:
            reason = self._camera.explain_silence(timeout)
            if reason != self._silent_reason:
                self.get_logger().warning(reason)
            # Once: an image that comes meanwhile is lost.
            if silence >= RETRY_AFTER and self._statistics.any_arrived and not self._retried:
                self._retried = True
                self._camera.retry()
        else:
            self._retried = False
        self._silent_reason = reason
        return reason


HELP = NodeHelp(
    'fire_detector_node',
    'Detect fire in the images on image, or on image/compressed, and publish its probability and '
    'an alarm: ~/fire_probability, ~/fire_detected. Usually started by: ros2 launch '
    'fire_detector detect.launch.py',
    ('--ros-args -r image:=/camera/image_raw', '--ros-args -p max_rate:=5.0 -p alarm.latch:=true'),
    PARAMETERS)


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit status."""
    return run_managed(HELP, FireDetectorNode, args)


if __name__ == '__main__':
    sys.exit(main())
