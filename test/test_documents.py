# SPDX-License-Identifier: Apache-2.0
"""What the documents tell people to type, click and look for is there."""

import ast
from pathlib import Path
import re
import shutil
import subprocess

from annotated_image import draw, PAGE_IMAGE
import cv2
import numpy as np
from parameter_reference import TABLES
import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / 'docs'
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', ROOT / 'test' / 'README.md',
         ROOT / 'training' / 'README.md', *sorted(DOCS.rglob('*.md'))]
# Parameters of other packages' nodes: v4l2_camera, camera_ros, image_tools.
OF_OTHERS = {'video_device', 'image_size', 'width', 'height', 'reliability'}
VARIABLE = '…'
SERVICE = DOCS / 'fire_detector.service'


def commands() -> str:
    """Return every page's text, with the lines of one command joined."""
    return '\n'.join(page.read_text() for page in PAGES).replace('\\\n', ' ')


def anchor(heading: str) -> str:
    """Make of a heading what a link to it has to say, as GitHub does."""
    return re.sub(r'[^\w\- ]', '', heading.strip().lower()).replace(' ', '-')


def messages() -> list[str]:
    """
    List what the code may print: its texts, with VARIABLE for each value within.

    Texts that are written one behind the other are one, to Python as to this.
    """
    found = []
    for path in [*(ROOT / 'fire_detector').rglob('*.py'), ROOT / 'launch' / 'detect.launch.py']:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.append(''.join(
                    part.value if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    else VARIABLE for part in node.values))
    return found


def is_printed(quoted: str, texts: list[str]) -> bool:
    """
    Return whether a message is made of the texts of the code.

    :return: whether each part between what differs is in one of them, and one at least is long
        enough to be told by.
    """
    parts = [part.strip() for part in quoted.split(VARIABLE) if part.strip()]
    return (max(map(len, parts)) >= 12
            and all(any(part in text for text in texts) for part in parts))


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Files that are linked to are there, and so are the headings in them."""
    targets = [target for target in re.findall(r'\]\(([^)]+)\)', page.read_text())
               if not target.startswith('http')]
    if page.parent != ROOT / 'docs' or page.name != 'parameters.md':
        assert targets
    for target in targets:
        name, _, heading = target.partition('#')
        path = page.parent / name if name else page
        assert path.exists(), target
        if heading:
            headings = re.findall(r'^#+ (.*)$', path.read_text(), re.MULTILINE)
            assert heading in map(anchor, headings), target


def test_quoted_messages_are_printed() -> None:
    """Each message in the page of troubles is one that the code makes."""
    quoted = re.findall(r'^> (.+)$', (DOCS / 'troubleshooting.md').read_text(), re.MULTILINE)
    assert len(quoted) > 30
    texts = messages()
    assert [line for line in quoted if not is_printed(line, texts)] == []


def test_messages_that_nobody_prints_are_noticed() -> None:
    """One other word, and nothing but what is in every text, are noticed by the test above."""
    texts = messages()
    assert is_printed('nobody publishes it. Is the camera running, is this its topic', texts)
    assert not is_printed('nobody publishes it. Is the camera running, is it its topic', texts)
    assert not is_printed('… on … s', texts)


def test_executables_are_there() -> None:
    """What `ros2 run fire_detector` is told to run is installed."""
    named = set(re.findall(r'ros2 run fire_detector (\w+)', commands()))
    installed = set(re.findall(r"'(\w+) = fire_detector", (ROOT / 'setup.py').read_text()))
    assert 'fire_classify' in named
    assert named <= installed


def test_parameters_that_are_set_are_there() -> None:
    """A node of this package, or of a named other, has each parameter of a command."""
    named = set(re.findall(r'-p ([\w.]+):=', commands())) | set(
        re.findall(r'ros2 param set /fire_detector ([\w.]+)', commands()))
    known = {parameter.name for table in TABLES for parameter in table.parameters}
    assert 'max_rate' in named
    assert named - known - OF_OTHERS == set()


def test_launch_arguments_that_are_given_are_there() -> None:
    """The launch file declares each argument of a command."""
    named = {name for line in re.findall(r'detect\.launch\.py ([^`\n]*)', commands())
             for name in re.findall(r'(\w+):=', line)}
    declared = re.findall(r"DeclareLaunchArgument\(\s*'(\w+)'",
                          (ROOT / 'launch' / 'detect.launch.py').read_text())
    assert 'image_topic' in named
    assert named <= set(declared)


def test_make_targets_and_test_files_are_there() -> None:
    """The Makefile has each target, and test/ each file that is named."""
    targets = set(re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE))
    assert set(re.findall(r'`make ([\w-]+)|^ {4}make ([\w-]+)', commands(), re.MULTILINE)) <= {
        pair for target in targets for pair in ((target, ''), ('', target))}
    files = re.findall(r'(?:TESTS=|python )(test/\w+\.py)', commands())
    assert files
    assert all((ROOT / file).is_file() for file in files)


def test_changelog() -> None:
    """catkin-pkg, and so bloom, reads it: REP 132."""
    changelog = pytest.importorskip('catkin_pkg.changelog', reason='catkin-pkg is not installed')
    pytest.importorskip('docutils', reason='docutils is not installed')
    text = (ROOT / 'CHANGELOG.rst').read_text()
    # As catkin_prepare_release does; it knows what is to come by this title alone.
    assert text.count('\nForthcoming\n-----------\n') == 1
    found = changelog.Changelog('fire_detector')
    changelog.populate_changelog_from_rst(found, text.replace(
        'Forthcoming\n-----------', '98.7.6 (2030-01-02)\n-------------------'))
    versions = {version: entries for version, _, entries in found.foreach_version()}
    assert len(versions['98.7.6']) == 1
    assert len(versions['98.7.6'][0].bullets) > 5


def test_service() -> None:
    """Systemd takes it; logs go to a folder that systemd makes; it ends as by Ctrl-C."""
    if shutil.which('systemd-analyze') is None:
        pytest.skip('systemd is not installed')
    result = subprocess.run(['systemd-analyze', 'verify', SERVICE], capture_output=True, text=True,
                            timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, '')
    text = SERVICE.read_text()
    folder = re.search('^LogsDirectory=(.+)$', text, re.MULTILINE)
    assert folder is not None
    assert f'\nEnvironment=ROS_LOG_DIR=/var/log/{folder[1]}\n' in text
    assert '\nKillSignal=SIGINT\n' in text


def test_annotated_image() -> None:
    """The image is what the overlay and the model make of the rendered room today."""
    kept = np.asarray(cv2.imread(str(PAGE_IMAGE)), dtype=np.int16)
    drawn = draw()
    assert drawn.shape == kept.shape == (240, 640, 3)
    # OpenCV's versions draw letters and flames alike, but not to the last bit.
    assert np.abs(drawn - kept).mean() < 2
    # A green or black strip and frame without alarm, red ones (BGR 40, 40, 220) with.
    assert tuple(kept[0, 330]) == (40, 40, 220)
    assert tuple(kept[0, 10]) != (40, 40, 220)
