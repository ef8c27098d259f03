# SPDX-License-Identifier: Apache-2.0
"""What the cameras without a lens have in common: publish images as a driver would."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from fire_detector.images.color_image import ColorImage
from fire_detector.parameters.table import Parameter
from fire_detector.ros.messages import to_compressed_message, to_image_message
from fire_detector.ros.node_help import NodeHelp
from fire_detector.ros.process import ros_process
from rcl_interfaces.msg import ParameterDescriptor
import rclpy
from rclpy.duration import Duration
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

DELIVERY_TIMEOUT = Duration(seconds=5)
POLL_PERIOD = 0.05
DEPTH = 10
# What the help pages say of the parameters that every camera has.
OPTIONS = (Parameter('frame_id', 'camera', "The frame in the images' headers."),
           Parameter('jpeg_quality', 90, 'Of compressed images, 1 to 100.'))


class CameraNode(Node, ABC):
    """
    Publish images on `image` and, while somebody listens, on `image/compressed`.

    Reliable, as usb_cam, v4l2_camera and camera_ros are. Publishing starts once `image` or
    `image/compressed` has a subscriber, so that nothing is played to nobody.

    :ivar rate: images a second; a subclass sets it when it is made.
    :ivar finished: done after the last image.
    """

    rate: float

    def __init__(self, name: str) -> None:
        """Make the publishers; images come when somebody subscribes."""
        super().__init__(name)
        self.finished: Future = Future()
        self._frame_id: str = self.declare_parameter('frame_id', 'camera').value
        self._jpeg_quality: int = self.declare_parameter('jpeg_quality', 90).value
        self._image_publisher = self.create_publisher(Image, 'image', DEPTH)
        self._compressed_publisher = self.create_publisher(
            CompressedImage, 'image/compressed', DEPTH)
        self._timer = self.create_timer(POLL_PERIOD, self._start_when_heard)

    @abstractmethod
    def next_image(self) -> ColorImage | None:
        """Return the next image, or None after the last."""

    def declare_number(self, name: str, default: float) -> float:
        """
        Declare a parameter that may be written with or without decimals.

        :raises ValueError: when it is given as something else.
        """
        value: object = self.declare_parameter(
            name, default, ParameterDescriptor(dynamic_typing=True)).value
        if not isinstance(value, (int, float)):
            raise ValueError(f'parameter {name} is {value!r}, not a number')
        return float(value)

    def wait_until_delivered(self) -> None:
        """Wait until every reliable subscriber has what was published."""
        self._image_publisher.wait_for_all_acked(DELIVERY_TIMEOUT)

    def _start_when_heard(self) -> None:
        if self._subscribers() == 0:
            return
        self.get_logger().info(f'publishing {self._image_publisher.topic_name} '
                               f'at {self.rate:g} images a second')
        self.destroy_timer(self._timer)
        self._timer = self.create_timer(1.0 / self.rate, self._publish_next)

    def _subscribers(self) -> int:
        return (self._image_publisher.get_subscription_count()
                + self._compressed_publisher.get_subscription_count())

    def _publish_next(self) -> None:
        image = self.next_image()
        if image is None:
            self.destroy_timer(self._timer)
            self.wait_until_delivered()
            self.finished.set_result(None)
            return
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._frame_id)
        if self._image_publisher.get_subscription_count() > 0:
            self._image_publisher.publish(to_image_message(image, header))
        if self._compressed_publisher.get_subscription_count() > 0:
            self._compressed_publisher.publish(
                to_compressed_message(image, header, self._jpeg_quality))


def run_camera(create: Callable[[], CameraNode], args: Sequence[str] | None,
               page: NodeHelp) -> int:
    """
    Run a camera until its last image or an interrupt.

    :param create: makes the node; a ValueError of it ends the program with its message.
    :param args: command line arguments, as rclpy.init takes them.
    :param page: its help page.
    :return: the exit status.
    """
    if page.print_if_requested(args):
        return 0
    with ros_process(args):
        try:
            node = create()
            rclpy.spin_until_future_complete(node, node.finished)
        except (ValueError, ParameterException) as error:
            rclpy.logging.get_logger('camera').fatal(str(error))
            return 1
    return 0
