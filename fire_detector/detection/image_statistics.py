# SPDX-License-Identifier: Apache-2.0
"""
Count what happens to the images of a camera, period by period.

A period lies between two snapshots, a second or so. What the counts mean is decided in `health`.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
import contextlib
from dataclasses import dataclass, field
import math
import os
from pathlib import Path
import time

# Reasons to reject an image. Others are counted together: what a publisher sends must not make
# this grow.
ENCODING, SIZE, DATA, DECODE, INFERENCE, OTHER = REASONS = (
    'encoding', 'size', 'data', 'decode', 'inference', 'other')
# Events of which the totals are kept.
EVENTS = ('arrived', 'processed', 'skipped', 'dropped', 'rejected', 'stale')
# Measurements of a period that are kept, the last ones: more than come in a second.
MAX_MEASUREMENTS = 256
# Snapshots that a rate is taken over, so that a slow camera's does not jump.
RATE_PERIODS = 5
MAX_TEXT = 160
UNKNOWN = 'unknown'
STATM = Path('/proc/self/statm')


@dataclass(frozen=True)
class Usage:
    """
    The processor time and memory that a process has used.

    :ivar cpu: seconds of processor time, of all its threads, since it began.
    :ivar memory: bytes of resident memory; None where the system does not say.
    """

    cpu: float
    memory: int | None


@dataclass
class Period:
    """
    The counts between two snapshots.

    :ivar stale: processed images that were not fresh.
    :ivar unstamped: processed images with a stamp of 0.
    :ivar without_clock: processed images at a time when the clock stood at 0.
    :ivar inference: seconds that the last inferences took.
    :ivar ages: seconds from the stamps of the last processed images to their detection.
    """

    arrived: int = 0
    skipped: int = 0
    dropped: int = 0
    rejected: int = 0
    processed: int = 0
    stale: int = 0
    unstamped: int = 0
    without_clock: int = 0
    inference: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_MEASUREMENTS))
    ages: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_MEASUREMENTS))


@dataclass(frozen=True)
class Snapshot:
    """
    The counts at one moment.

    :ivar period: what happened since the snapshot before.
    :ivar totals: of EVENTS and of REASONS, since counting began; they never fall.
    :ivar silence: seconds since the last image arrived, or since counting began.
    :ivar waiting: seconds for which an image that arrived has waited to be processed; None where
        none waits.
    :ivar input_rate: images a second, over the last RATE_PERIODS; None before there is time.
    :ivar output_rate: detections a second, likewise.
    :ivar encoding: of the last image.
    :ivar size: of the last image, as text.
    :ivar rejection: reason and detail of the last rejection; the detail is '' before there is one.
    :ivar stale_run: stale images since the last fresh one.
    :ivar staleness: why the last stale image was; '' before there is one.
    :ivar cpu_share: processor time by time, 1 for one core; None at the first snapshot.
    :ivar memory: bytes of resident memory; None where the system does not say.
    """

    period: Period
    totals: Mapping[str, int]
    silence: float
    waiting: float | None
    input_rate: float | None
    output_rate: float | None
    encoding: str
    size: str
    rejection: tuple[str, str]
    stale_run: int
    staleness: str
    cpu_share: float | None
    memory: int | None


class Statistics:
    """
    The counts of what happens to images.

    Every time is the caller's: `now` in seconds of a steady clock. Calls come from one thread
    at a time. An event costs a few additions; sorting is left to who reads the snapshots.

    :ivar output_rate: detections a second, as of the last snapshot; None before there is one.
    """

    def __init__(self, now: float) -> None:
        """Start to count."""
        self.output_rate: float | None = None
        self._last_arrival = now
        self._waiting_since: float | None = None
        self._image = UNKNOWN, UNKNOWN
        self._rejection = OTHER, ''
        self._stale_run, self._staleness = 0, ''
        self._period = Period()
        self._totals: Counter[str] = Counter()
        self._cpu: tuple[float, float] | None = None
        # Time, images arrived and images processed.
        self._marks: deque[tuple[float, int, int]] = deque([(now, 0, 0)], maxlen=RATE_PERIODS)

    @property
    def any_arrived(self) -> bool:
        """Return whether any image has arrived since counting began."""
        return self._totals['arrived'] + self._period.arrived > 0

    def silence(self, now: float) -> float:
        """Return the seconds since the last image arrived, or since counting began."""
        return now - self._last_arrival

    def arrived(self, now: float, encoding: str, size: str) -> None:
        """Count an image that came, whatever becomes of it."""
        self._period.arrived += 1
        self._last_arrival = now
        if self._waiting_since is None:
            self._waiting_since = now
        self._image = encoding[:MAX_TEXT], size[:MAX_TEXT]

    def skipped(self) -> None:
        """Count an image that was left out on purpose, by a limit of the rate."""
        self._period.skipped += 1
        self._waiting_since = None

    def dropped(self, count: int = 1) -> None:
        """Count images that were passed over for a newer one."""
        self._period.dropped += count

    def rejected(self, reason: str, detail: str) -> None:
        """
        Count an image that could not be processed.

        :param reason: one of REASONS; whatever else counts as 'other'.
        :param detail: what was wrong with it.
        """
        self._period.rejected += 1
        self._waiting_since = None
        self._rejection = reason if reason in REASONS else OTHER, detail[:MAX_TEXT]
        self._totals[self._rejection[0]] += 1

    def processed(self, inference: float, stamp: int, clock: int,
                  staleness: str = '') -> None:
        """
        Count an image that has a probability.

        :param inference: seconds that inference took.
        :param stamp: of the image, in nanoseconds; 0 where the camera sets none.
        :param clock: ROS time at the detection, in nanoseconds; 0 for simulated time without a
            clock.
        :param staleness: why the image is stale, and led to no alarm; '' for a fresh one.
        """
        period = self._period
        period.processed += 1
        self._waiting_since = None
        period.inference.append(inference)
        if staleness:
            period.stale += 1
            self._stale_run += 1
            self._staleness = staleness
        else:
            self._stale_run = 0
        if stamp == 0:
            period.unstamped += 1
        elif clock == 0:
            period.without_clock += 1
        else:
            period.ages.append((clock - stamp) / 1e9)

    def snapshot(self, now: float, usage: Usage) -> Snapshot:
        """
        Return the counts, and begin the next period.

        :param now: seconds.
        :param usage: what the process has used so far.
        """
        period, self._period = self._period, Period()
        for name in EVENTS:
            self._totals[name] += getattr(period, name)
        since, arrived, processed = self._marks[0]
        input_rate = _ratio(self._totals['arrived'] - arrived, now - since)
        self.output_rate = _ratio(self._totals['processed'] - processed, now - since)
        self._marks.append((now, self._totals['arrived'], self._totals['processed']))
        waiting = None if self._waiting_since is None else now - self._waiting_since
        return Snapshot(
            period, {name: self._totals[name] for name in (*EVENTS, *REASONS)},
            self.silence(now), waiting, input_rate, self.output_rate, *self._image,
            self._rejection, self._stale_run, self._staleness, self._cpu_share(now, usage),
            usage.memory)

    def _cpu_share(self, now: float, usage: Usage) -> float | None:
        before, self._cpu = self._cpu, (now, usage.cpu)
        return None if before is None else _ratio(usage.cpu - before[1], now - before[0])


def percentile(values: Sequence[float], percent: int) -> float:
    """
    Return the smallest value that is not below so many percent of them (nearest rank).

    Unlike numpy's, it costs a few values next to nothing.

    :param values: in any order.
    :param percent: 1..100.
    :raises ValueError: when there are none.
    """
    if not values:
        raise ValueError('there is no percentile of nothing')
    # In whole numbers: 7 / 100 * 100 is more than 7.
    return sorted(values)[math.ceil(percent * len(values) / 100) - 1]


def read_usage() -> Usage:
    """Return what this process has used; asking the system costs some ten microseconds."""
    memory = None
    with contextlib.suppress(OSError):
        # The second number is that of resident pages: man 5 proc.
        pages = int(STATM.read_text().split()[1])
        memory = pages * os.sysconf('SC_PAGE_SIZE')
    return Usage(time.process_time(), memory)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
