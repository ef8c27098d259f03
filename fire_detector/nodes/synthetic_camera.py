# SPDX-License-Identifier: Apache-2.0
"""A camera in a rendered room in which a fire starts, grows and dies."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
import sys
from typing import Any

from fire_detector.images.color_image import ColorImage
from fire_detector.nodes.camera_node import ImagePlayback, run_camera
from fire_detector.parameters.cameras import SYNTHETIC_CAMERA
from fire_detector.ros.node_help import NodeHelp
from fire_detector.scene.scene import DURATION, SyntheticScene
from rclpy.node import Node

HELP = NodeHelp(
    'synthetic_camera',
    'Publish a rendered room in which a fire starts, grows and dies, on image and '
    'image/compressed, to test a robot without a fire. Begins when somebody subscribes.',
    ('', '--ros-args -p width:=320 -p height:=240 -p loop:=false'),
    SYNTHETIC_CAMERA)


def render_images(scene: SyntheticScene, rate: float, loop: bool) -> Iterator[ColorImage]:
    """
    Render the images of a scene.

    :param scene: to render.
    :param rate: images a second.
    :param loop: whether it begins again at its end.
    """
    for index in count():
        if index / rate >= DURATION and not loop:
            return
        yield ColorImage(scene.render(index / rate), 'RGB')


def create_playback(node: Node, values: Mapping[str, Any]) -> ImagePlayback:
    """Prepare the scene that the parameters describe."""
    scene = SyntheticScene(values['width'], values['height'], values['seed'])
    images = render_images(scene, values['rate'], values['loop'])
    return ImagePlayback(node, 'rendered room', images, values['rate'], values)


def main(args: Sequence[str] | None = None) -> int:
    """Run the camera; return the exit status."""
    return run_camera(HELP, create_playback, args)


if __name__ == '__main__':
    sys.exit(main())
