# SPDX-License-Identifier: Apache-2.0
"""Make diagnostic_msgs of the detector's health."""

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from fire_detector.diagnostics import Health
from std_msgs.msg import Header


def diagnostic_array(health: Health, node: str, stamp: Time) -> DiagnosticArray:
    """
    Make the message for `/diagnostics`.

    :param health: what to say.
    :param node: the node's name with its namespace, which names the status.
    :param stamp: now.
    """
    status = DiagnosticStatus(
        level=bytes([health.level]), name=f'{node.lstrip("/")}: fire detection',
        message=health.message, hardware_id=node,
        values=[KeyValue(key=key, value=value) for key, value in health.values])
    return DiagnosticArray(header=Header(stamp=stamp), status=[status])
