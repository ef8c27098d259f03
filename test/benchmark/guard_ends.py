# SPDX-License-Identifier: Apache-2.0
"""
End guards in every way that they can notice, at random moments while commands flow.

    make guard-ends ENDS=1000

Each end is one of a real guard process: by a signal, a transition, a shutdown from another thread
or an exception in a callback, or because a detector is killed, stops or reports stamps that stand
or jump. It passes where the last command at the base is zero and came within LIMIT, and where no
command came through later than that; for a stale detector from the moment on at which
`detector_timeout` is over.
"""

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
import itertools
import json
from pathlib import Path
import random
import signal
import subprocess
import sys
import tempfile
import time

from benchmark.ending_guard import EDGES, SHUTDOWNS
from benchmark.guard_judgement import End, judge, LIMIT, summarize
from benchmark.guarded_life import DETECTOR_TIMEOUT, GuardedLife
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import psutil
from ros_session import RosSession

# Seconds.
ENDED_WITHIN = 5.0
STALL = 1.2
# Of ends in one process, and seconds that it and each of them may take before it is blocked.
PART, STARTED_WITHIN, END_WITHIN, MOST_REPETITIONS = 50, 60.0, 8.0, 3
SIGNALS = (signal.SIGINT, signal.SIGTERM)
# How stamps go wrong: seconds from the clock, each after the other; None for the same again.
STAMPS: dict[str, list[float | None]] = {
    'frozen': [None], 'an hour old': [-3600.0], 'an hour ahead': [3600.0],
    'jumping': [-3600.0, 5.0, -3.0, 60.0]}
# Those that end the process, and those after which the guard goes on.
FINAL = (*(each.name for each in SIGNALS), 'shutdown transition',
         *(f'{how}.shutdown from a thread' for how in SHUTDOWNS),
         *(f'exception in a {edge} callback' for edge in EDGES))
WITH_DETECTOR = {'detector stopped': signal.SIGSTOP, 'detector killed': signal.SIGKILL}
OTHERS = ('deactivate transition', 'guard stopped for a time', *WITH_DETECTOR, 'no reports',
          'simulated clock stands', *(f'stamps {how}' for how in STAMPS))
KINDS = (*FINAL, *OTHERS)


class Ends:
    """A sequence of ends, and the guards that they are of."""

    def __init__(self, ros: RosSession, seed: int, limit: float) -> None:
        """
        Prepare.

        :param ros: in which the guards run.
        :param seed: of all that is random.
        :param limit: seconds in which the zero is to come.
        """
        self._limit = limit
        self._ros, self._random = ros, random.Random(seed)
        self._lives = 0

    def run(self, kinds: Sequence[str]) -> list[End]:
        """Bring about an end of each of several kinds, in this order; return them."""
        ends: list[End] = []
        life: GuardedLife | None = None
        for kind in kinds:
            if life is None or not _suits(life, kind):
                if life is not None:
                    life.destroy()
                life = self._begin(kind)
            life.run(self._random.uniform(0.0, 0.3))
            try:
                ends.append(self._end(life, kind))
            except AssertionError as error:
                ends.append(End(kind, float('inf'), str(error)))
            if kind in FINAL or kind == 'detector killed' or ends[-1].problem:
                life.destroy()
                life = None
        if life is not None:
            life.destroy()
        return ends

    def _begin(self, kind: str) -> GuardedLife:
        self._lives += 1
        separate = kind in WITH_DETECTOR
        simulated = not separate and (
            kind == 'simulated clock stands' or self._random.random() < 0.3)
        life = GuardedLife(self._ros, f'life_{self._lives}', self._random.random() < 0.5,
                           simulated, separate)
        life.connect()
        return life

    def _end(self, life: GuardedLife, kind: str) -> End:
        life.arrivals.clear()
        if kind in FINAL:
            return self._end_process(life, kind)
        if kind == 'deactivate transition':
            return self._deactivate(life)
        if kind == 'guard stopped for a time':
            return self._stall(life)
        return self._silence(life, kind)

    def _end_process(self, life: GuardedLife, kind: str) -> End:
        process = life.process.popen
        since = time.monotonic()
        if kind in signal.Signals.__members__:
            process.send_signal(signal.Signals[kind])
        elif kind == 'shutdown transition':
            _request(life, Transition.TRANSITION_ACTIVE_SHUTDOWN)
            life.stops(ENDED_WITHIN)
            process.send_signal(signal.SIGINT)
        else:
            how, _, edge = kind.partition('.shutdown')[0].partition('exception in a ')
            edge = edge.partition(' ')[0]
            life.order(f'raise {edge}' if edge else f'shutdown {how}')
            since = life.happened_at()
        ended = life.run(ENDED_WITHIN, lambda: process.poll() is not None)
        life.run(0.05)
        end = judge(kind, since, life.arrivals, self._limit)
        if not ended:
            return End(kind, end.seconds, end.problem or 'the process did not end')
        crashed = process.returncode < 0
        return End(kind, end.seconds, end.problem or (
            f'ended by signal {-process.returncode}' if crashed else ''))

    def _deactivate(self, life: GuardedLife) -> End:
        since = time.monotonic()
        _request(life, Transition.TRANSITION_DEACTIVATE)
        life.stops(ENDED_WITHIN)
        end = judge('deactivate transition', since, life.arrivals, self._limit)
        _request(life, Transition.TRANSITION_ACTIVATE)
        life.run_until(life.passes, 'a command of the guard that is active again')
        return end

    def _silence(self, life: GuardedLife, kind: str) -> End:
        """Have a detector be stale for a while."""
        if kind in WITH_DETECTOR:
            assert life.detector is not None
            since = time.monotonic()
            life.detector.popen.send_signal(WITH_DETECTOR[kind])
        else:
            since, stamp = life.fresh_at
            if kind == 'simulated clock stands':
                life.clock_stands_at = stamp
            else:
                offsets = STAMPS.get(kind.partition('stamps ')[2], [])
                life.stamp = _stamps(life, offsets, stamp)
        stale_at = since + DETECTOR_TIMEOUT
        life.run(stale_at - time.monotonic())
        life.stops(ENDED_WITHIN)
        end = judge(kind, stale_at, life.arrivals, self._limit)
        life.stamp, life.clock_stands_at = life.now, None
        if kind == 'detector stopped' and life.detector is not None:
            life.detector.popen.send_signal(signal.SIGCONT)
        if kind != 'detector killed':
            life.run_until(life.passes, f'a command after: {kind}')
        return end

    def _stall(self, life: GuardedLife) -> End:
        """Stop the process for a time, in which commands and reports pile up."""
        life.process.popen.send_signal(signal.SIGSTOP)
        life.run(STALL)
        life.arrivals.clear()
        since = time.monotonic()
        life.process.popen.send_signal(signal.SIGCONT)
        life.run_until(life.passes, 'a command after the stall')
        # Without what the guard had passed before, which this process may take this late.
        resumed = [each for each in life.arrivals if each[0] >= since > each[1]]
        old = [since - sent for _, sent in resumed if sent]
        end = judge('guard stopped for a time', since, resumed, self._limit)
        if old:
            return End(end.kind, end.seconds, f'a command that was {max(old):.2f} s old passed')
        return end


def _suits(life: GuardedLife, kind: str) -> bool:
    """Return whether a guard that runs can end in a way."""
    if kind in WITH_DETECTOR:
        return life.detector is not None
    return life.simulated or kind != 'simulated clock stands'


def _request(life: GuardedLife, transition: int) -> None:
    request = ChangeState.Request()
    request.transition.id = transition
    life.change_state.call_async(request)


def _stamps(life: GuardedLife, offsets: Sequence[float | None],
            frozen: float) -> Callable[[], float | None]:
    """Return what gives a life's reports stamps of another time, or none where there is none."""
    number = -1

    def stamp() -> float | None:
        nonlocal number
        if not offsets:
            return None
        number += 1
        offset = offsets[number % len(offsets)]
        # In a simulation there is no time before its beginning.
        return frozen if offset is None else max(1.0, life.now() + offset)

    return stamp


def draw_kinds(count: int, seed: int) -> list[str]:
    """Return so many kinds of ends in a random order, of each as many as of any other."""
    order, kinds = random.Random(seed), list[str]()
    while len(kinds) < count:
        kinds += order.sample(KINDS, len(KINDS))
    return kinds[:count]


def run_ends(kinds: Sequence[str], seed: int, limit: float) -> list[End]:
    """Bring about ends in a ROS of their own."""
    with tempfile.TemporaryDirectory() as folder, RosSession(Path(folder)) as ros:
        return Ends(ros, seed, limit).run(kinds)


def run_part(kinds: Sequence[str], seed: int, limit: float) -> tuple[list[End], int]:
    """
    Bring about ends in a process of their own.

    Fast DDS 3.2 can block for good while it learns of the end of another process; that of the
    tester, which learns of hundreds, does. Then what this process was to do is done again.

    :return: the ends, and how often they were begun again.
    """
    for repeated in range(MOST_REPETITIONS):
        part = subprocess.Popen(
            [sys.executable, '-m', 'benchmark.guard_ends', '--part', json.dumps(kinds),
             '--seed', str(seed), '--limit', str(limit)], stdout=subprocess.PIPE, text=True)
        try:
            output, _ = part.communicate(timeout=STARTED_WITHIN + END_WITHIN * len(kinds))
            return [End(**end) for end in json.loads(output)], repeated
        except subprocess.TimeoutExpired:
            for process in psutil.Process(part.pid).children(recursive=True):
                process.kill()
            part.kill()
            part.wait()
    raise RuntimeError(f'{MOST_REPETITIONS} processes in succession have not ended {kinds}')


def main(arguments: Sequence[str] | None = None) -> int:
    """End guards, in several processes; return 0 when all ends have passed, else 1."""
    parser = argparse.ArgumentParser(description=str(__doc__).split('\n\n')[0])
    parser.add_argument('--ends', type=int, default=1000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--jobs', type=int, default=2, help='that many guards at a time')
    parser.add_argument('--limit', type=float, default=LIMIT,
                        help='seconds in which the zero is to come')
    parser.add_argument('--part', type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part is not None:
        ends = run_ends(options.part, options.seed, options.limit)
        print(json.dumps([asdict(end) for end in ends]))
        return 0
    kinds = draw_kinds(options.ends, options.seed)
    size = min(PART, -(-len(kinds) // options.jobs))
    parts = [kinds[begin:begin + size] for begin in range(0, len(kinds), size)]
    ends, repeated = [], 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(
                run_part, parts, itertools.count(options.seed), itertools.repeat(options.limit)):
            ends += result[0]
            repeated += result[1]
            print(f'{len(ends)} of {options.ends} ends', *(
                f'{end.kind}: {end.problem}' for end in result[0] if end.problem),
                sep='\n', file=sys.stderr)
    print(summarize(ends))
    if repeated:
        print(f'{repeated} times the tester blocked, and up to {size} ends were begun again')
    return int(any(end.problem for end in ends))


if __name__ == '__main__':
    sys.exit(main())
