# SPDX-License-Identifier: Apache-2.0
"""The rows of a table of parameters, and checks of values against them; without ROS."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AT_START, UNCONFIGURED, AT_ANY_TIME = 'at start', 'unconfigured', 'at any time'


@dataclass(frozen=True)
class Parameter:
    """
    A parameter of a node.

    :ivar name: its name.
    :ivar default: its default, which also gives its type; a tuple for an array of texts.
    :ivar text: what it does.
    :ivar limits: smallest and largest allowed value of a number.
    :ivar choices: the allowed values of a text.
    :ivar when: when it can be changed: AT_START only, while the node is UNCONFIGURED, since
        `configure` reads it, or AT_ANY_TIME.
    """

    name: str
    default: bool | int | float | str | tuple[str, ...]
    text: str
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    when: str = UNCONFIGURED


# By the type of the default.
_EXPECTED = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'a text',
             tuple: 'a list of texts'}
AUTOSTART = Parameter('autostart', True,
                      'Configure and activate at start; false leaves that to a lifecycle manager.',
                      when=AT_START)


def check_values(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> None:
    """
    Check the values of all parameters of a table.

    :param values: by name.
    :raises ValueError: with the first value that is not allowed, and what is.
    """
    for parameter in parameters:
        check(parameter, values[parameter.name])


def check(parameter: Parameter, value: Any) -> None:
    """
    Check a value against what the table allows.

    :raises ValueError: with the value and what is allowed.
    """
    if parameter.choices and value not in parameter.choices:
        raise ValueError(f'parameter {parameter.name} is {value!r}, '
                         f'not one of {parameter.choices}')
    expected, allowed = _EXPECTED[type(parameter.default)], True
    if parameter.limits is not None:
        low, high = parameter.limits
        expected = f'{expected} from {low} to {high}'
        allowed = type(value) in (int, float) and low <= value <= high
    if not (allowed and _has_type(value, parameter.default)):
        raise ValueError(f'parameter {parameter.name} is {value!r}, not {expected}')


def _has_type(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, (list, tuple)) and all(type(each) is str for each in value)
    # A number with decimals may also be written without.
    return type(value) in ((int, float) if isinstance(default, float) else (type(default),))


def check_mutable(parameters: Sequence[Parameter], changed: Collection[str],
                  configured: bool) -> str:
    """
    Explain why parameters cannot be changed now.

    :param parameters: the table.
    :param changed: names of the parameters.
    :param configured: whether the node has been configured.
    :return: the reason; empty when they can.
    """
    for parameter in parameters if configured else ():
        if parameter.name in changed and parameter.when == UNCONFIGURED:
            return (f'{parameter.name} is read when the node is configured: deactivate and clean '
                    f'up first, then set it, and configure and activate again')
    return ''
