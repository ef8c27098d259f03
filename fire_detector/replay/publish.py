# SPDX-License-Identifier: Apache-2.0
"""Play a bag into ROS, on machines that have no `ros2 bag`."""

from collections.abc import Sequence
from pathlib import Path

from fire_detector.cli.command_line import ExitStatus, fail


def publish_bag(path: Path, topics: Sequence[str], rate: float) -> int:
    """
    Publish what is in a rosbag2 bag as it was recorded, with /clock for use_sim_time.

    ROS arguments of the command line hold: topics may be remapped.

    :param path: folder of the bag, or its .mcap or .db3 file.
    :param topics: what to publish; empty for all whose message types are installed.
    :param rate: how many times as fast as recorded, above 0.
    :return: the exit status: ALL, or NOTHING when it is not possible; then the reason is printed.
    """
    try:
        # Not at the top: only this of all that a replay does needs ROS.
        from fire_detector.replay.bag_player import play
        from fire_detector.replay.bags.files import BagError
    except ImportError as error:
        return fail(f'publishing a bag needs ROS 2 and the Python package rosbags: {error}. '
                    f'Source a ROS 2 installation, and from the checkout of the package: '
                    f"pip install '.[replay]'")
    try:
        play(path, topics, rate)
    except BagError as error:
        return fail(str(error))
    return ExitStatus.ALL
