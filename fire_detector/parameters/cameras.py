# SPDX-License-Identifier: Apache-2.0
"""The cameras' parameters: tables from which they are declared, checked and documented."""

from fire_detector.parameters.table import AT_START, Parameter

# Of image files, which have no rate of their own.
IMAGES_PER_SECOND = 5.0

_HEADER_AND_FORMAT = (
    Parameter('frame_id', 'camera',
              "The frame in the images' headers; those of a bag keep their own.", when=AT_START),
    Parameter('jpeg_quality', 90, 'Of compressed images; those of a bag stay as recorded.',
              limits=(1, 100), when=AT_START),
)

FILE_CAMERA = (
    Parameter('path', '', 'Video, image, folder of them, or bag; it must be given.',
              when=AT_START),
    Parameter('rate', 0.0,
              f"Images a second of a video or of images; 0: a video's own, and "
              f"{IMAGES_PER_SECOND:g} of images. A bag's come at their recorded times.",
              limits=(0, 1000), when=AT_START),
    Parameter('speed', 1.0, 'How many times as fast as recorded a bag is played.',
              limits=(0.01, 100), when=AT_START),
    Parameter('topic', '', 'Topic of a bag to play, where it has several with images.',
              when=AT_START),
    Parameter('clock', False,
              "Publish a bag's time on /clock, for nodes with use_sim_time.", when=AT_START),
    *_HEADER_AND_FORMAT,
)

SYNTHETIC_CAMERA = (
    Parameter('width', 640, 'Columns of an image, from 64 on.', limits=(64, 16384),
              when=AT_START),
    Parameter('height', 480, 'Rows of an image, from 64 on.', limits=(64, 16384),
              when=AT_START),
    Parameter('rate', 15.0, 'Images a second.', limits=(0.01, 1000), when=AT_START),
    Parameter('loop', True, 'Begin again after the fire has died; false ends the program there.',
              when=AT_START),
    Parameter('seed', 0, 'Of textures, flames and sensor noise.', limits=(0, 999999),
              when=AT_START),
    *_HEADER_AND_FORMAT,
)
