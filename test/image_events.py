# SPDX-License-Identifier: Apache-2.0
"""Events of images, which tests of statistics and health count."""

from fire_detector.detection.image_statistics import Statistics, Usage

START = 100.0
# Nanoseconds.
CLOCK = 1_700_000_000 * 10 ** 9
NOTHING = Usage(0.0, None)


def arrive(statistics: Statistics, now: float, count: int = 1) -> None:
    """Count images that arrive all at once."""
    for _ in range(count):
        statistics.arrived(now, 'bgr8', '640x480')


def process(statistics: Statistics, now: float, count: int = 1, age: float = 0.05,
            staleness: str = '') -> None:
    """Count images that arrive and are processed, an age after their stamp."""
    for _ in range(count):
        arrive(statistics, now)
        statistics.processed(0.02, CLOCK - round(1e9 * age), CLOCK, staleness)
