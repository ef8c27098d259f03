# SPDX-License-Identifier: Apache-2.0
"""Explain what is wrong with who publishes on the topics of a guard."""

from collections.abc import Sequence
from dataclasses import dataclass

ALARM_TYPE = 'diagnostic_msgs/msg/DiagnosticArray'
BOOL_TYPE = 'std_msgs/msg/Bool'


@dataclass(frozen=True)
class Publisher:
    """
    A publisher of a topic.

    :ivar node: the full name of its node.
    :ivar message_type: as in 'std_msgs/msg/Bool'.
    """

    node: str
    message_type: str


def explain_commands(topic: str, wanted: str, publishers: Sequence[Publisher]) -> str:
    """
    Explain that commands are published that the guard cannot receive.

    :param topic: of the guard's input.
    :param wanted: the message type of the guard's subscription.
    :param publishers: all of the topic.
    :return: the problem; empty where there is none.
    """
    others = [each for each in publishers if each.message_type != wanted]
    if not others:
        return ''
    return (f'commands of {_names(others)} on {topic} are not received: they are '
            f'{_types(others)}, and the guard expects {wanted} (parameter stamped)')


def explain_output(topic: str, own: str, publishers: Sequence[Publisher]) -> str:
    """
    Explain that commands reach the base past the guard.

    :param topic: of the guard's output.
    :param own: the guard's full name.
    :param publishers: all of the topic, the guard among them.
    :return: the problem; empty where there is none.
    """
    others = list(publishers)
    for publisher in publishers:
        if publisher.node == own:
            others.remove(publisher)
            break
    if not others:
        return ''
    return f'{_names(others)} publishes on {topic} past this guard, which cannot stop that'


def explain_alarm(topic: str, publishers: Sequence[Publisher]) -> str:
    """
    Explain that the reports on a topic are not those of one detector.

    :param topic: of the alarm.
    :param publishers: all of the topic; none where the detector has not started, which its
        silence tells.
    :return: the problem; empty where there is none.
    """
    right = [each for each in publishers if each.message_type == ALARM_TYPE]
    others = [each for each in publishers if each.message_type != ALARM_TYPE]
    if any(each.message_type == BOOL_TYPE for each in others):
        return (f'{topic} is {BOOL_TYPE} of {_names(others)}, without the stamps that the guard '
                f'needs: name the ~/alarm of the detector in the parameter detectors')
    if others:
        return (f'{topic} is {_types(others)} of {_names(others)}, and the guard expects '
                f'{ALARM_TYPE}')
    if len(right) > 1:
        return (f'{topic} has {len(right)} publishers, of {_names(right)}: one that runs hides '
                'that another is dead')
    return ''


def _names(publishers: Sequence[Publisher]) -> str:
    return ', '.join(sorted({each.node for each in publishers}))


def _types(publishers: Sequence[Publisher]) -> str:
    return ', '.join(sorted({each.message_type for each in publishers}))
