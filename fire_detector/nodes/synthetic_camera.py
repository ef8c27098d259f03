# SPDX-License-Identifier: Apache-2.0
"""A camera that shows a rendered room in which a fire starts, grows and dies."""

from collections.abc import Sequence
import sys

from fire_detector.images.color_image import ColorImage
from fire_detector.nodes.camera_node import CameraNode, OPTIONS, run_camera
from fire_detector.parameters.table import Parameter
from fire_detector.ros.node_help import NodeHelp
from fire_detector.scene.scene import DURATION, SyntheticScene

HELP = NodeHelp(
    'synthetic_camera',
    'Publish a rendered room in which a fire starts, grows and dies, on image and '
    'image/compressed, to test a robot without a fire. Begins when somebody subscribes.',
    ('', '--ros-args -p width:=320 -p height:=240 -p loop:=false'),
    (Parameter('width', 640, 'Columns of an image, from 64 on.'),
     Parameter('height', 480, 'Rows of an image, from 64 on.'),
     Parameter('rate', 15.0, 'Images a second.'),
     Parameter('loop', True, f'Begin again after {DURATION:g} s; false ends the program there.'),
     Parameter('seed', 0, 'Of textures, flames and sensor noise.'),
     *OPTIONS))


class SyntheticCameraNode(CameraNode):
    """Publish the synthetic scene, so that a robot can be tried without lighting anything."""

    def __init__(self) -> None:
        """
        Prepare the scene in the size that the parameters ask for.

        :raises ValueError: when the size or rate is not usable.
        """
        super().__init__('synthetic_camera')
        width: int = self.declare_parameter('width', 640).value
        height: int = self.declare_parameter('height', 480).value
        self.rate = self.declare_number('rate', 15.0)
        self._loop: bool = self.declare_parameter('loop', True).value
        seed: int = self.declare_parameter('seed', 0).value
        if not self.rate > 0:
            raise ValueError(f'parameter rate is {self.rate}, expected images a second above 0')
        self._scene = SyntheticScene(width, height, seed)
        self._count = 0

    def next_image(self) -> ColorImage | None:
        """Render the next image, or give None at the end of a scene that does not loop."""
        time = self._count / self.rate
        if time >= DURATION and not self._loop:
            return None
        self._count += 1
        return ColorImage(self._scene.render(time), 'RGB')


def main(args: Sequence[str] | None = None) -> int:
    """Run the camera; return the exit status."""
    return run_camera(SyntheticCameraNode, args, HELP)


if __name__ == '__main__':
    sys.exit(main())
