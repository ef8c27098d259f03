# SPDX-License-Identifier: Apache-2.0
"""Replay the recordings that a command line names, several at a time with --jobs."""

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
from fire_detector.cli.command_line import ExitStatus, fail, print_problem
from fire_detector.model.classifier import RuntimeUnavailableError
from fire_detector.replay import PROGRAM
from fire_detector.replay.events import read_labels
from fire_detector.replay.offline_detector import check_parameters
from fire_detector.replay.recording import Outcome, replay, Task
from fire_detector.replay.sources import recordings_in, SourceError
from fire_detector.replay.summary import format_table, summarize, write_summary
from tqdm import tqdm

MAX_THREADS = 4
SUFFIX = '_replay'


def run_session(options: argparse.Namespace, parameters: Mapping[str, Any]) -> int:
    """
    Replay recordings, and print a summary.

    :param options: of the command line.
    :param parameters: values of the node's parameters, by name.
    :return: the exit status.
    """
    _limit_opencv_threads()
    models = (parameters, *([{**parameters, 'model': options.compare}] if options.compare else []))
    try:
        # Models that cannot be used and values that are not allowed: ValueErrors both.
        check_parameters(models)
        labels = read_labels(options.labels) if options.labels else ()
    except (ValueError, RuntimeUnavailableError) as error:
        return fail(PROGRAM, str(error))
    found, errors = _find_recordings(options.paths)
    for message in errors:
        print_problem(PROGRAM, message)
    if len(found) > 1 and labels and labels[0].is_relative:
        return fail(PROGRAM, f'{options.labels}: seconds since the first image fit one recording, '
                             f'and there are {len(found)}: write stamps as recorded, or name one '
                             f'recording')
    # Threads that wait for a processor only take memory.
    threads = max(1, min(MAX_THREADS, (os.cpu_count() or 1) // options.jobs))
    tasks = [Task(path, out, models, tuple(options.topic), labels, options.image_rate, threads,
                  shows_progress=len(found) == 1)
             for path, out in _output_folders(found, options.out)]
    outcomes = list(_replay_all(tasks, options.jobs))
    for outcome in outcomes:
        for problem in outcome.problems:
            print_problem(PROGRAM, problem)
    if outcomes:
        _print_summary(outcomes, options)
    if not any(outcome.report for outcome in outcomes):
        return ExitStatus.NOTHING
    return (ExitStatus.A_PART if errors or any(outcome.problems for outcome in outcomes)
            else ExitStatus.ALL)


def _find_recordings(paths: Sequence[Path]) -> tuple[list[tuple[Path, Path]], list[str]]:
    """List recordings, each with the path it was found at, and errors of paths without any."""
    found: list[tuple[Path, Path]] = []
    errors: list[str] = []
    for path in paths:
        try:
            found += [(recording, path) for recording in recordings_in(path)]
        except (SourceError, OSError) as error:
            errors.append(str(error))
    return found, errors


def _output_folders(found: Sequence[tuple[Path, Path]],
                    out: Path | None) -> Iterator[tuple[Path, Path]]:
    """Return each recording and a folder of its own to write into."""
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


def _replay_all(tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    """Replay recordings, with a progress bar where there are several."""
    with tqdm(total=len(tasks), unit=' recordings', leave=False,
              disable=None if len(tasks) > 1 else True) as bar:
        for outcome in (_replay_in_processes(tasks, min(jobs, len(tasks)))
                        if jobs > 1 and len(tasks) > 1 else map(replay, tasks)):
            bar.update()
            yield outcome


def _replay_in_processes(tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    # Not forked: threads of a TFLite runtime do not survive that.
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_initialize_worker) as pool:
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


def _limit_opencv_threads() -> None:
    # Images are processed in threads already, which OpenCV's own would slow down.
    cv2.setNumThreads(1)


def _initialize_worker() -> None:
    # On Ctrl-C, which the terminal sends to all processes, the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _limit_opencv_threads()


def _print_summary(outcomes: Sequence[Outcome], options: argparse.Namespace) -> None:
    rows = summarize(outcomes)
    # A reader that ends early, such as head, ends the program without a traceback. Only
    # here: the pipes to worker processes break, too, when one is killed.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    print(format_table(rows))
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
