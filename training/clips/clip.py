# SPDX-License-Identifier: Apache-2.0
"""What a clip is: frames with their times, of which is known how far they show a fire."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fire_detector.images.color_image import ColorImage

FIRE_KIND = 'fire'
# How much of the fire's image has to be in view for a frame to count as showing the fire.
IN_VIEW = 0.5


@dataclass(frozen=True)
class ClipFrame:
    """
    One frame of a clip.

    :ivar time: seconds since the clip's start.
    :ivar shown: share of the frame that is of a scene with fire: 0 without fire, 1 where the
        camera looks at nothing else, between while it turns there or away.
    :ivar image: the image.
    """

    time: float
    shown: float
    image: ColorImage


@dataclass(frozen=True)
class Clip:
    """
    Name a clip, whose frames are made or read each time they are asked for.

    :ivar name: what tells it from the others.
    :ivar kind: what happens in it: FIRE_KIND, or what disturbs a scene without fire.
    :ivar source: the collection that its image, or that of its fire, is from.
    :ivar group: the scene that the image is of; clips of one group are not independent.
    :ivar frames: gives the frames, in the order of time.
    """

    name: str
    kind: str
    source: str
    group: str
    frames: Callable[[], Iterator[ClipFrame]]
