# SPDX-License-Identifier: Apache-2.0
"""The tables of parameters: their defaults are allowed, and nothing else is let through."""

from dataclasses import fields
from typing import Any

from fire_detector.guard.guard import GuardSettings
from fire_detector.model.contract import AlarmSettings
from fire_detector.parameters import cameras, detector, guard
from fire_detector.parameters.detector import default_values, LiveSettings, NodeSettings
from fire_detector.parameters.guard import detector_topics, guard_settings
from fire_detector.parameters.table import AT_ANY_TIME, AT_START, check, check_mutable, Parameter
import pytest

OF_MODEL = AlarmSettings(0.8, 0.4, 2.5, 7)
GUARD_VALUES: dict[str, Any] = {each.name: each.default for each in guard.PARAMETERS}
NUMBER = Parameter('rate', 1.0, 'A number.', limits=(-1, 2.5))
WORD = Parameter('color', 'red', 'A word.', choices=('red', 'blue'))


@pytest.mark.parametrize('value', [-1, 0, 2.5, 1])
def test_numbers(value: float) -> None:
    """Both limits are allowed, and whole numbers."""
    check(NUMBER, value)


@pytest.mark.parametrize('value', [-1.1, 2.6, float('nan'), float('inf'), True, '1', None])
def test_bad_numbers(value: object) -> None:
    """The message has name, value and limits."""
    with pytest.raises(ValueError, match=f'parameter rate is {value!r}, .* -1 to 2.5'):
        check(NUMBER, value)


def test_words() -> None:
    """One of the choices, and no other."""
    check(WORD, 'blue')
    with pytest.raises(ValueError, match=r"parameter color is 'green', .*'red', 'blue'"):
        check(WORD, 'green')


@pytest.mark.parametrize(('default', 'value', 'wrong', 'expected'), [
    ('', 'anything', 1, 'a text'),
    (False, True, 'true', 'true or false'),
    (1, 2, 2.0, 'a whole number'),
    (('a',), ['b', 'c'], ['b', 1], 'a list of texts'),
    (('a',), (), 'b', 'a list of texts'),
])
def test_what_is_not_limited(default: Any, value: object, wrong: object, expected: str) -> None:
    """Without limits and choices, any value of the type is allowed, and no other."""
    row = Parameter('name', default, 'Not limited.')
    check(row, value)
    with pytest.raises(ValueError, match=f'parameter name is .*, not {expected}'):
        check(row, wrong)


@pytest.mark.parametrize('configured', [False, True])
def test_when_parameters_may_change(configured: bool) -> None:
    """Once the node is configured, what configuring reads is fixed; the rest is not."""
    table = (NUMBER, Parameter('live', 1, 'Live.', when=AT_ANY_TIME),
             Parameter('start', 1, 'Start.', when=AT_START))
    assert check_mutable(table, ['live', 'start', 'not a parameter of ours'], configured) == ''
    assert check_mutable(table, [], configured) == ''
    assert check_mutable(table, ['live', 'rate'], configured).startswith(
        'rate is read when the node is configured' if configured else '')
    assert bool(check_mutable(table, ['rate'], configured)) == configured


@pytest.mark.parametrize('table', [
    detector.PARAMETERS, guard.PARAMETERS, cameras.FILE_CAMERA, cameras.SYNTHETIC_CAMERA])
def test_defaults(table: tuple[Parameter, ...]) -> None:
    """Each table allows its own defaults, and names each parameter once."""
    for parameter in table:
        check(parameter, parameter.default)
    assert len({parameter.name for parameter in table}) == len(table)


def test_node_settings() -> None:
    """The values that are read when the node is configured are taken as they are."""
    values = default_values() | {'runtime': 'tflite', 'num_threads': 3, 'model': 'other.tflite'}
    settings = NodeSettings.from_parameters(values)
    assert {field.name: getattr(settings, field.name) for field in fields(settings)} == {
        field.name: values[field.name] for field in fields(settings)}
    assert (settings.runtime, settings.num_threads, settings.model) == ('tflite', 3,
                                                                        'other.tflite')


@pytest.mark.parametrize(('name', 'value'), [
    ('runtime', 'torch'), ('num_threads', 0), ('max_rate', -1.0), ('alarm.window', 61.0)])
def test_values_that_are_not_allowed(name: str, value: object) -> None:
    """Any wrong value is refused by its name, also where another reader needs it."""
    values = default_values() | {name: value}
    with pytest.raises(ValueError, match=f'parameter {name} is {value!r}'):
        NodeSettings.from_parameters(values)
    with pytest.raises(ValueError, match=f'parameter {name} is {value!r}'):
        LiveSettings.from_parameters(values, OF_MODEL)


def test_live_settings() -> None:
    """-1 leaves a value of the alarm to the model, and each of the others is the user's."""
    values = default_values() | {
        'max_rate': 5.0, 'image_timeout': 3.0, 'max_age': 1.0, 'annotated.max_rate': 2.0,
        'annotated.max_width': 320, 'alarm.latch': True}
    expected = LiveSettings(5.0, 3.0, 1.0, 2.0, 320, True, OF_MODEL)
    assert LiveSettings.from_parameters(values, OF_MODEL) == expected
    assert LiveSettings.from_parameters(values | {
        'alarm.on_threshold': 0.9, 'alarm.off_threshold': 0.0, 'alarm.window': 10.0,
        'alarm.min_frames': 2}, OF_MODEL).alarm == AlarmSettings(0.9, 0.0, 10.0, 2)
    assert LiveSettings.from_parameters(
        values | {'alarm.min_frames': 2}, OF_MODEL).alarm == AlarmSettings(0.8, 0.4, 2.5, 2)


def test_contradicting_thresholds() -> None:
    """A threshold of the user that contradicts the model's is refused."""
    values = default_values() | {'alarm.off_threshold': 0.9, 'max_rate': 5.0}
    with pytest.raises(ValueError, match=r'off 0\.9, on 0\.8'):
        LiveSettings.from_parameters(values, OF_MODEL)
    # Where others are in force, these go on until the parameters' go together.
    in_force = AlarmSettings(0.7, 0.5, 1.0, 3)
    live = LiveSettings.from_parameters(values, OF_MODEL, in_force)
    assert (live.alarm, live.max_rate) == (AlarmSettings(0.7, 0.5, 2.5, 7), 5.0)
    assert live.waiting.startswith('alarm.on_threshold 0.8 is below alarm.off_threshold 0.9: ')
    live = LiveSettings.from_parameters(values | {'alarm.on_threshold': 0.9}, OF_MODEL, in_force)
    assert (live.alarm, live.waiting) == (AlarmSettings(0.9, 0.9, 2.5, 7), '')


def test_guard_settings() -> None:
    """The table's defaults are the guard's, which stop; other values are taken as they are."""
    assert guard_settings(GUARD_VALUES) == GuardSettings(action='stop', on_silence='stop')
    assert guard_settings(GUARD_VALUES | {'action': 'slow', 'slow_factor': 0.5}) == GuardSettings(
        action='slow', slow_factor=0.5)


@pytest.mark.parametrize(('name', 'value'), [
    ('action', 'halt'), ('on_silence', ''), ('release', 'never'), ('slow_factor', 1.1),
    ('slow_factor', -0.1), ('release_after', -1.0), ('detector_timeout', 0.0), ('max_age', -1.0)])
def test_guard_values_that_are_not_allowed(name: str, value: object) -> None:
    """Each is refused by its name."""
    with pytest.raises(ValueError, match=f'parameter {name} is {value!r}, not '):
        guard_settings(GUARD_VALUES | {name: value})


def test_live_parameters() -> None:
    """The settings of the guard and those of LiveSettings may change at any time."""
    names = [field.name for field in fields(GuardSettings)]
    assert check_mutable(guard.PARAMETERS, names, True) == ''
    assert check_mutable(detector.PARAMETERS, ['max_rate', 'alarm.window'], True) == ''
    assert 'stamped is read when' in check_mutable(guard.PARAMETERS, [*names, 'stamped'], True)
    assert 'model is read when' in check_mutable(detector.PARAMETERS, ['model'], True)


def test_detector_topics() -> None:
    """One or several, each once and none empty."""
    assert detector_topics(GUARD_VALUES) == ['fire_detector/alarm']
    assert detector_topics({'detectors': ('front', 'rear')}) == ['front', 'rear']


@pytest.mark.parametrize('topics', [(), None, ('front', 'front'), ('front', ''),
                                    ('front', '/front')])
def test_no_detector_topics(topics: object) -> None:
    """None, an empty name, and two that share the name of a service are mistakes."""
    with pytest.raises(ValueError, match='at least one detector, each once'):
        detector_topics({'detectors': topics})
