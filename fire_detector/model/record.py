# SPDX-License-Identifier: Apache-2.0
"""Read typed records from JSON, with errors that name the field."""

from collections.abc import Mapping
import dataclasses
import reprlib
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints, TypeVar

Record = TypeVar('Record')

# Names of JSON's types, for the messages.
_JSON_NAMES = {str: 'a text', int: 'a whole number', float: 'a number', NoneType: 'null'}


def read_record(kind: type[Record], value: object, name: str = '') -> Record:
    """
    Build a record from a JSON object.

    :param kind: a dataclass whose fields are str, int, float, tuples of them, mappings from texts
        to them, or such dataclasses again, each of which may be None instead.
    :param value: as from `json.loads`.
    :param name: of the field that is read, for the message; '' for the whole.
    :return: the record.
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
    for known in fields.values():
        if (known.name not in value and known.default is dataclasses.MISSING
                and known.default_factory is dataclasses.MISSING):
            raise ValueError(f'the field {_inside(name, known.name)} is missing')
    return kind(**{key: _read(hints[key], inner, _inside(name, key))
                   for key, inner in value.items()})


def _inside(name: str, key: str) -> str:
    return f'{name}.{key}' if name else key


def _read(kind: Any, value: object, name: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return read_record(kind, value, name)  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError(f'{name} is {reprlib.repr(value)}, not a list')
        element = get_args(kind)[0]
        return tuple(_read(element, item, f'{name}[{index}]') for index, item in enumerate(value))
    if get_origin(kind) is Mapping:
        if not isinstance(value, dict):
            raise ValueError(f'{name} is {reprlib.repr(value)}, not an object')
        element = get_args(kind)[1]
        return {key: _read(element, item, _inside(name, key)) for key, item in value.items()}
    kinds = get_args(kind) or (kind,)
    if value is not None and dataclasses.is_dataclass(kinds[0]):
        return read_record(kinds[0], value, name)  # type: ignore[arg-type]
    if not any(_has_type(value, allowed) for allowed in kinds):
        raise ValueError(f'{name} is {reprlib.repr(value)}, '
                         f'not {" or ".join(_JSON_NAMES[allowed] for allowed in kinds)}')
    return value


def _has_type(value: object, kind: type) -> bool:
    """Return whether a value has a type; 1 is a float in JSON, and true is no number."""
    return not isinstance(value, bool) and isinstance(
        value, (int, float) if kind is float else kind)
