# SPDX-License-Identifier: Apache-2.0
"""Replay one recording: run the detector, compare with labels, write report and timeline."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
import time

from fire_detector.images.files import ImageFileError
from fire_detector.replay.bags.files import BagError
from fire_detector.replay.events import label_figures
from fire_detector.replay.offline_detector import detect_recording, Parameters
from fire_detector.replay.records import LabeledEvent, Report, TopicReport
from fire_detector.replay.report.page import write_report
from fire_detector.replay.sources import open_source
from fire_detector.replay.timeline import write_csv, write_png
from tqdm import tqdm


@dataclass(frozen=True)
class Task:
    """
    One recording to replay.

    :ivar path: of the recording.
    :ivar out: the folder that is written into; it is made where it does not exist.
    :ivar models: the node's parameters for each model, as `check_parameters` has accepted them.
    :ivar topics: those of a bag to read; empty for all with images.
    :ivar labels: events to measure against; empty for none.
    :ivar image_rate: images a second of a folder of them.
    :ivar threads: that run the models.
    :ivar shows_progress: whether a bar is drawn, on a terminal.
    """

    path: Path
    out: Path
    models: tuple[Parameters, ...]
    topics: tuple[str, ...] = ()
    labels: tuple[LabeledEvent, ...] = ()
    image_rate: float = 10.0
    threads: int = 1
    shows_progress: bool = False


@dataclass(frozen=True)
class Outcome:
    """
    The result of a task.

    :ivar task: the task.
    :ivar report: the results, which were written; None where no image could be read.
    :ivar problems: what could not be read.
    """

    task: Task
    report: Report | None
    problems: tuple[str, ...] = ()


def replay(task: Task) -> Outcome:
    """Replay one recording, and write report.html, timeline.csv and timeline.png."""
    try:
        return _replay(task)
    except (BagError, ImageFileError) as error:
        return Outcome(task, None, (str(error),))
    except OSError as error:
        return Outcome(task, None, (f'{error.filename or task.path}: {error.strerror or error}',))


def _replay(task: Task) -> Outcome:
    started = time.monotonic()
    source = open_source(task.path, task.topics, task.image_rate)
    # tqdm draws nothing where stderr is no terminal.
    with tqdm(total=source.total, unit=' images', desc=task.path.name, leave=False,
              disable=None if task.shows_progress else True) as bar:
        topics = detect_recording(source, task.models, task.threads, bar.update)
    problems = list(source.problems)
    if not topics:
        return Outcome(task, None, tuple(problems) or (
            f'{task.path}: no image could be read',))
    if task.labels:
        topics = tuple(_add_label_figures(topic, task.labels) for topic in topics)
    problems += _label_problems(topics, task.labels)
    report = Report(str(task.path), datetime.now().astimezone().isoformat(timespec='seconds'),
                    topics, tuple(problems), time.monotonic() - started)
    task.out.mkdir(parents=True, exist_ok=True)
    write_csv(report, task.out / 'timeline.csv')
    write_png(report, task.out / 'timeline.png')
    write_report(report, task.out / 'report.html')
    return Outcome(task, report, report.problems)


def _add_label_figures(topic: TopicReport, labels: tuple[LabeledEvent, ...]) -> TopicReport:
    return replace(topic, runs=tuple(
        replace(run, labels=label_figures(run.predictions, labels)) for run in topic.runs))


def _label_problems(topics: Iterable[TopicReport],
                    labels: tuple[LabeledEvent, ...]) -> Iterator[str]:
    """Describe labels without an image; those with stamps may be of another recording."""
    for topic in topics:
        figures = topic.runs[0].labels
        missing = len(labels) - len(figures.events) if figures else 0
        if missing and labels[0].is_relative:
            yield (f'{topic.topic}: {missing} of {len(labels)} labeled events have no image in '
                   f'them, and are left out: compare their times with timeline.csv')
