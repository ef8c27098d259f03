# SPDX-License-Identifier: Apache-2.0
"""Models that change on disk, disks that are full, signals at any moment, and long lives."""

from collections.abc import Callable
from pathlib import Path
import shutil
import signal
import subprocess
import sys

from diagnostic_msgs.msg import DiagnosticStatus
from fire_detector.model.locate import find_model
from lifecycle_msgs.srv import ChangeState
import pytest
from ros_session import (
    ACTIVATE,
    CALM,
    Camera,
    CLEAN_UP,
    CONFIGURE,
    DEACTIVATE,
    Diagnostics,
    image_message,
    RosSession,
)
from std_msgs.msg import Float32


def flipped(data: bytes, position: int) -> bytes:
    """Turn the bits of one byte around."""
    return data[:position] + bytes([data[position] ^ 0xff]) + data[position + 1:]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    'empty': lambda data: b'',
    'a third': lambda data: data[:len(data) // 3],
    'without its last byte': lambda data: data[:-1],
    'a wrong byte at the start': lambda data: flipped(data, 4),
    'a wrong byte among the weights': lambda data: flipped(data, len(data) // 2),
    'a wrong byte in the contract': lambda data: flipped(data, data.index(b'format_version')),
    'zeros': lambda data: bytes(len(data)),
}


def test_model_is_replaced_on_disk(ros: RosSession, tmp_path: Path) -> None:
    """
    Take what is there when it is configured: another model by its name, a damaged one not at all.

    The node serves on after each, and what it runs is not touched by what becomes of the file.
    """
    first, second = (find_model(name) for name in ('firenet.tflite', 'fire_detector.tflite'))
    path = tmp_path / 'model.tflite'
    shutil.copy(first, path)
    diagnostics = Diagnostics(ros)
    process = ros.start_detector(f'model:={path}', 'image_timeout:=0.0')
    camera = Camera(ros).wait_until_heard()
    expected, _ = camera.detect(image_message(CALM, stamp=1))
    # Over the same file, as cp and an interrupted download do.
    path.write_bytes(b'')
    assert camera.detect(image_message(CALM, stamp=2))[0] == expected
    path.write_bytes(second.read_bytes())
    assert camera.detect(image_message(CALM, stamp=3))[0] == expected
    assert diagnostics.refreshed()['model'].startswith('firenet ')

    assert ros.change_state(DEACTIVATE)
    assert ros.change_state(CLEAN_UP)
    assert ros.change_state(CONFIGURE)
    ros.wait_for(lambda: f'model {path} (fire_detector ' in process.output, 'its name in the log')
    assert diagnostics.refreshed()['model'].startswith('fire_detector ')
    assert ros.change_state(CLEAN_UP)

    for name, damage in DAMAGES.items():
        path.write_bytes(damage(first.read_bytes()))
        assert not ros.change_state(CONFIGURE), name
    diagnostics.messages.clear()
    diagnostics.wait_for(DiagnosticStatus.ERROR, f'cannot configure: {path}: ')
    assert process.output.count(f'cannot configure: {path}: ') == len(DAMAGES)

    path.write_bytes(first.read_bytes())
    assert ros.change_state(CONFIGURE)
    assert ros.change_state(ACTIVATE)
    camera.wait_until_heard()
    assert camera.detect(image_message(CALM, stamp=1))[0] == expected
    assert process.output.count(f'model {path} (firenet ') == 2


NOT_SET = {'ROS_LOG_DIR': '', 'ROS_HOME': '', 'HOME': ''}


@pytest.mark.parametrize(('module', 'variables', 'reason'), [
    ('detector_node', NOT_SET, 'none of ROS_LOG_DIR, ROS_HOME and HOME'),
    ('synthetic_camera', NOT_SET, 'none of ROS_LOG_DIR, ROS_HOME and HOME'),
    ('detector_node', {'ROS_LOG_DIR': '/proc/nosuch'}, 'No such file or directory: /proc/nosuch'),
    ('detector_node', {'ROS_LOG_DIR': f'{__file__}/log'}, f'Not a directory: {__file__}/log'),
])
def test_log_cannot_be_written(ros: RosSession, module: str, variables: dict[str, str],
                               reason: str) -> None:
    """A warning has the reason; the log on the terminal and its level stay as they are."""
    ros.environment.update(variables)
    process = ros.start(module, arguments=('--log-level', 'debug'))
    ros.wait_for(lambda: f'no log file is written: {reason}' in process.output, 'the reason')
    ros.wait_for(lambda: '[DEBUG]' in process.output, 'the chosen level')
    if module == 'detector_node':
        assert ros.state() == 'active'
    process.interrupt()


def test_disk_is_full(ros: RosSession, tmp_path: Path) -> None:
    """
    Go on where the log file cannot grow.

    The disk is one of 4 KB in memory, with a file that fills it, in a namespace of mounts that
    ends with the node.
    """
    disk = tmp_path / 'disk'
    disk.mkdir()
    setup = (f'mount -t tmpfs -o size=4k tmpfs {disk} && head -c 4096 /dev/zero > {disk}/file && '
             f'df {disk} | grep -q 100%')
    in_namespace = ['unshare', '--map-root-user', '--mount', 'sh', '-c']
    try:
        subprocess.run([*in_namespace, setup], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip('no file system can be mounted here, even in a user namespace')
    ros.environment['ROS_LOG_DIR'] = str(disk / 'log')
    process = ros.start_command(
        [*in_namespace, f'{setup} && exec {sys.executable} -m fire_detector.nodes.detector_node'])
    camera = Camera(ros).wait_until_heard()
    camera.detect(image_message(CALM, stamp=ros.now()))
    process.interrupt()


@pytest.mark.parametrize(('variables', 'arguments', 'reason'), [
    ({'ROS_DOMAIN_ID': 'one'}, [], 'ROS_DOMAIN_ID is not an integral number'),
    ({}, ['-p', 'model'], "Couldn't parse parameter override rule: '-p model'"),
    ({}, ['--nosuch'], "['--nosuch']"),
])
def test_ros_cannot_be_initialized(ros: RosSession, variables: dict[str, str],
                                   arguments: list[str], reason: str) -> None:
    """One line has the reason, and the exit status is 1."""
    ros.environment.update(variables)
    process = ros.start_detector(arguments=arguments)
    process.check_end(1)
    assert 'ROS cannot be initialized: ' in process.output
    assert reason in process.output


@pytest.mark.parametrize('state', ['unconfigured', 'inactive', 'active', 'busy'])
def test_signals_in_every_state(ros: RosSession, state: str) -> None:
    """
    End with status 0 on SIGINT and SIGTERM, and whatever ended it, start again in the same domain.

    SIGKILL, which comes first, leaves shared memory behind that nobody has cleaned up.
    """
    probabilities = ros.collect(Float32, '/fire_detector/fire_probability')
    if state == 'busy':
        ros.start('synthetic_camera', 'width:=160', 'height:=120', 'rate:=100')
    for by, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 0),
                       (signal.SIGTERM, 0)):
        process = ros.start_detector(f'autostart:={str(state in ("active", "busy")).lower()}')
        if state == 'busy':
            assert ros.state() == 'active'
            # Some may still have been on their way from the node before.
            probabilities.clear()
            ros.wait_for(lambda: len(probabilities) > 10, 'probabilities')
        elif state == 'inactive':
            assert ros.change_state(CONFIGURE)
        else:
            assert ros.state() == state
        assert process.end(by) == status, process.output
        assert 'Traceback' not in process.output


def test_interrupted_while_starting(ros: RosSession) -> None:
    """
    End, whenever a signal comes.

    The first moments belong to Python, where SIGTERM kills as it kills any program, and SIGINT
    interrupts whatever is being imported; then, the node ends as it does later.
    """
    for milliseconds in range(0, 1500, 250):
        processes = {by: ros.start_detector() for by in (signal.SIGINT, signal.SIGTERM)}
        ros.happens(lambda: False, milliseconds / 1000)
        for by, process in processes.items():
            try:
                status = process.end(by)
            except subprocess.TimeoutExpired:
                # Python's import locks swallow an interrupt once in some hundred times, and print
                # that; the next one counts.
                assert by == signal.SIGINT and 'Exception ignored in' in process.output
                status = process.end(by)
            interrupted = by == signal.SIGINT and 'KeyboardInterrupt' in process.output
            assert status in (0, -by) or interrupted, process.output


def test_transitions_repeated(ros: RosSession) -> None:
    """
    Hold no more memory after a hundred rounds through all states than after ten.

    rclpy and Fast DDS keep about a kilobyte of a round's publishers and its subscription, also
    in a node that does nothing else; the allocator takes more now and then. A model that is not
    freed would be megabytes each time.
    """
    process = ros.start_detector('autostart:=false')

    def change(transition: int) -> None:
        # Not change_state(), which requests the state, too.
        request = ChangeState.Request()
        request.transition.id = transition
        assert ros.call(ChangeState, '/fire_detector/change_state', request).success

    def rounds(count: int) -> tuple[int, int, int]:
        for _ in range(count):
            for transition in (CONFIGURE, ACTIVATE, DEACTIVATE, CLEAN_UP):
                change(transition)
        files, threads = (len(list(Path(f'/proc/{process.popen.pid}/{kind}').iterdir()))
                          for kind in ('fd', 'task'))
        return process.memory, files, threads

    assert ros.state() == 'unconfigured'
    memory, files, threads = rounds(10)
    later = rounds(100)
    assert later[0] - memory < 3e6
    assert later[1:] == (files, threads)
