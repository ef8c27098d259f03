# SPDX-License-Identifier: Apache-2.0
"""The images of a report, embedded."""

from base64 import b64encode
from collections.abc import Sequence

from fire_detector.replay.records import DOUBTFUL, HIGHEST, Prediction, Report, Run, Snapshot
from fire_detector.replay.report.axis import Timeline
from fire_detector.replay.report.html_text import counted, Html, moment, percent, seconds, tag

# Bytes of JPEG files in one page; in base64 they take a third more.
BUDGET = 1_800_000
SUMMITS = (HIGHEST, DOUBTFUL)


def chosen_images(report: Report) -> frozenset[Snapshot]:
    """
    Choose the images that a page can hold, the same number of each run as far as there are.

    The highest and the most doubtful come first, then alarms as they follow each other.
    """
    queues = [_by_importance(run) for topic in report.topics for run in topic.runs]
    chosen: set[Snapshot] = set()
    used = 0
    for rank in range(max((len(queue) for queue in queues), default=0)):
        for queue in queues:
            if rank < len(queue):
                used += len(queue[rank].jpeg)
                if used > BUDGET:
                    return frozenset(chosen)
                chosen.add(queue[rank])
    return frozenset(chosen)


def images(run: Run, chosen: frozenset[Snapshot], times: Timeline) -> Html:
    """Show the chosen images of a run in order of time, and say how many are left out."""
    shown = sorted((one for one in run.snapshots if one in chosen),
                   key=lambda one: times.at(one.answer))
    left_out = len(run.snapshots) - len(shown)
    # One image may be there for two reasons.
    reasons: dict[tuple[Prediction, bytes], list[str]] = {}
    for one in shown:
        reasons.setdefault((one.answer, one.jpeg), []).append(one.why)
    parts = [tag('div', *(_image(answer, jpeg, ', '.join(why), times)
                          for (answer, jpeg), why in reasons.items()), class_='images')]
    if left_out:
        parts.append(tag('p', f'{counted(left_out, "image")} left out to keep this page small.',
                         class_='warning'))
    return tag('section', tag('h4', 'Images'), *parts) if run.snapshots else Html()


def _by_importance(run: Run) -> Sequence[Snapshot]:
    return sorted(run.snapshots, key=lambda one: one.why not in SUMMITS)


def _image(answer: Prediction, jpeg: bytes, why: str, times: Timeline) -> Html:
    told = '' if answer.probability is None else percent(answer.probability)
    at = seconds(times.at(answer))
    image = tag('img', alt=f'{why} at {at}: {told} fire', loading='lazy',
                src=f'data:image/jpeg;base64,{b64encode(jpeg).decode()}')
    return tag('figure', image, tag(
        'figcaption', tag('strong', why), ' ', tag('span', f'{at} · {told}'), ' ',
        moment(answer.stamp)))
