# SPDX-License-Identifier: Apache-2.0
"""Make a dataclass of what JSON text holds, each field of the type that is annotated."""

from collections.abc import Mapping
import dataclasses
import reprlib
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints, TypeVar

Record = TypeVar('Record')

# How JSON's types are called, so that whoever writes JSON understands the message.
_JSON_NAMES = {str: 'a text', int: 'a whole number', float: 'a number', NoneType: 'null'}


def read_record(kind: type[Record], value: object, name: str = '') -> Record:
    """
    Make a record of a JSON object.

    :param kind: a dataclass whose fields are str, int, float, tuples of them, mappings from texts
        to them, or such dataclasses again.
    :param value: what `json.loads` gave.
    :param name: of the field that is read, for the message; '' for the whole.
    :raises ValueError: when it is no object, when a field is missing, unknown or of another type,
        and when the record refuses its values.
    """
    if not isinstance(value, dict):
        raise ValueError(f'{name or "it"} is {reprlib.repr(value)}, not an object')
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = value.keys() - fields.keys()
    if unknown:
        raise ValueError(f'{_inside(name, min(unknown))} is not one of its fields; '
                         f'they are {", ".join(fields)}')
    hints = get_type_hints(kind)
    for field in fields.values():
        if (field.name not in value and field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING):
            raise ValueError(f'the field {_inside(name, field.name)} is missing')
    return kind(**{key: _read(hints[key], given, _inside(name, key))
                   for key, given in value.items()})


def _inside(name: str, key: str) -> str:
    return f'{name}.{key}' if name else key


def _read(kind: Any, value: object, name: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return read_record(kind, value, name)  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError(f'{name} is {reprlib.repr(value)}, not a list')
        element = get_args(kind)[0]
        return tuple(_read(element, one, f'{name}[{index}]') for index, one in enumerate(value))
    if get_origin(kind) is Mapping:
        if not isinstance(value, dict):
            raise ValueError(f'{name} is {reprlib.repr(value)}, not an object')
        element = get_args(kind)[1]
        return {key: _read(element, one, _inside(name, key)) for key, one in value.items()}
    kinds = get_args(kind) or (kind,)
    if not any(_is(one, value) for one in kinds):
        raise ValueError(f'{name} is {reprlib.repr(value)}, '
                         f'not {" or ".join(_JSON_NAMES[one] for one in kinds)}')
    return value


def _is(kind: type, value: object) -> bool:
    """Tell whether a value has a type; to JSON, 1 is as much a number as 1.0, and true none."""
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)
