# SPDX-License-Identifier: Apache-2.0
"""Replay everything that a command line names, several recordings at a time if so asked."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
import multiprocessing
import os
from pathlib import Path
import signal
import sys
from typing import Any

import cv2
from fire_detector.cli.command_line import ExitStatus, fail, say
from fire_detector.model.classifier import RuntimeUnavailableError
from fire_detector.replay.events import Label, read_labels
from fire_detector.replay.offline_detector import check_setups, Setup
from fire_detector.replay.recording import Outcome, replay, Task
from fire_detector.replay.sources import recordings_in, SourceError
from fire_detector.replay.summary import as_table, summarize, write_summary
from tqdm import tqdm

MAX_THREADS = 4
SUFFIX = '_replay'


def run_session(options: argparse.Namespace, parameters: Mapping[str, Any]) -> int:
    """
    Replay, and print what was found.

    :param options: of the command line.
    :param parameters: values of the node's parameters, by name.
    :return: the exit status.
    """
    _prepare_process()
    models = [parameters['model'], *([options.compare] if options.compare else [])]
    setups = tuple(Setup({**parameters, 'model': model}) for model in models)
    try:
        # Models that cannot be used and values that are not allowed: ValueErrors both.
        check_setups(setups)
        labels = read_labels(options.labels) if options.labels else ()
    except (ValueError, RuntimeUnavailableError) as error:
        return fail(str(error))
    found, missing = _find(options.paths)
    if len(found) > 1 and labels and labels[0].is_relative:
        return fail(f'{options.labels}: seconds since the first image fit one recording, and '
                    f'there are {len(found)}: write stamps as recorded, or name one recording')
    tasks = [_task(options, path, out, setups, labels, shows_progress=len(found) == 1)
             for path, out in _outs(found, options.out)]
    outcomes = list(_outcomes(tasks, options.jobs))
    for outcome in outcomes:
        for problem in outcome.problems:
            say(problem)
    if outcomes:
        _tell(outcomes, options)
    if not any(outcome.report for outcome in outcomes):
        return ExitStatus.NOTHING
    return (ExitStatus.A_PART if missing or any(one.problems for one in outcomes)
            else ExitStatus.ALL)


def _find(paths: Sequence[Path]) -> tuple[list[tuple[Path, Path]], bool]:
    """List the recordings, each with the path it was found through; tell of those without any."""
    found: list[tuple[Path, Path]] = []
    missing = False
    for path in paths:
        try:
            found += [(one, path) for one in recordings_in(path)]
        except (SourceError, OSError) as error:
            say(str(error))
            missing = True
    return found, missing


def _outs(found: Sequence[tuple[Path, Path]], out: Path | None) -> Iterator[tuple[Path, Path]]:
    """Return each recording a folder of its own to be written into."""
    taken: set[Path] = set()
    for path, through in found:
        name = path.resolve().name if path.is_dir() else path.name.split('.')[0]
        if out is not None:
            wanted = out if len(found) == 1 else out / name
        elif path == through:
            wanted = Path(f'{name}{SUFFIX}')
        else:
            wanted = Path(f'{through.resolve().name}{SUFFIX}', name)
        free, number = wanted, 1
        while free in taken:
            number += 1
            free = wanted.with_name(f'{wanted.name}_{number}')
        taken.add(free)
        yield path, free


def _task(options: argparse.Namespace, path: Path, out: Path, setups: tuple[Setup, ...],
          labels: tuple[Label, ...], shows_progress: bool) -> Task:
    # Threads that wait for a processor only take memory.
    threads = max(1, min(MAX_THREADS, (os.cpu_count() or 1) // options.jobs))
    return Task(path, out, setups, tuple(options.topic), labels, options.image_rate, threads,
                shows_progress)


def _outcomes(tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    """Do the tasks, and draw a bar over them where there are several."""
    with tqdm(total=len(tasks), unit=' recordings', leave=False,
              disable=None if len(tasks) > 1 else True) as bar:
        for outcome in (_at_a_time(tasks, min(jobs, len(tasks)))
                        if jobs > 1 and len(tasks) > 1 else map(replay, tasks)):
            bar.update()
            yield outcome


def _at_a_time(tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    # Not forked: threads of a TFLite runtime do not survive that.
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_prepare_worker) as pool:
        futures = [pool.submit(replay, task) for task in tasks]
        try:
            for task, future in zip(tasks, futures, strict=True):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    yield Outcome(task, None, (
                        f'{task.path}: a process that replayed recordings was ended, by a lack of '
                        f'memory perhaps: try fewer --jobs',))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _prepare_process() -> None:
    # Images are looked at in threads already: OpenCV's own would get into each other's way.
    cv2.setNumThreads(1)


def _prepare_worker() -> None:
    # On Ctrl-C, which the terminal sends to all of them, the first process has the say.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _prepare_process()


def _tell(outcomes: Sequence[Outcome], options: argparse.Namespace) -> None:
    rows = summarize(outcomes)
    # A reader that has seen enough, such as head, ends the program without a traceback. Here
    # alone: processes that replay are spoken to through pipes, too, and may have been killed.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    print(as_table(rows))
    for outcome in outcomes:
        if outcome.report is not None:
            print(f'{outcome.task.path}: {outcome.task.out / "report.html"}')
    if len(outcomes) > 1:
        path = _summary_path(options)
        write_summary(rows, path)
        print(f'summary: {path}')
    sys.stdout.flush()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def _summary_path(options: argparse.Namespace) -> Path:
    if options.out is not None:
        return Path(options.out, 'summary.csv')
    if len(options.paths) == 1:
        return Path(f'{options.paths[0].resolve().name}{SUFFIX}', 'summary.csv')
    return Path('summary.csv')
