# SPDX-License-Identifier: Apache-2.0
"""The documents name commands, options, parameters, links and messages that exist."""

import ast
from pathlib import Path
import re
import shutil
import subprocess

from annotated_image import draw, PAGE_IMAGE
import cv2
from fire_detector.images.raw import ENCODINGS
import numpy as np
from parameter_reference import PAGE, reference, TABLES
import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / 'docs'
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', ROOT / 'test' / 'README.md',
         *sorted((ROOT / 'training').rglob('*.md')), *sorted(DOCS.rglob('*.md'))]
# Parameters of other packages' nodes: v4l2_camera, camera_ros, image_tools.
OF_OTHERS = {'video_device', 'image_size', 'width', 'height', 'reliability'}
VARIABLE = '…'
SERVICE = DOCS / 'fire_detector.service'


def commands() -> str:
    """Return the text of all pages, with the lines of one command joined."""
    return '\n'.join(page.read_text() for page in PAGES).replace('\\\n', ' ')


def anchor(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r'[^\w\- ]', '', heading.strip().lower()).replace(' ', '-')


def messages() -> list[str]:
    """
    List the string literals of the code, with VARIABLE for each value in them.

    Adjacent literals are one, as to Python.
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

    :return: whether each part between the variables is in one of them, and at least one is long
        enough to be specific.
    """
    parts = [part.strip() for part in quoted.split(VARIABLE) if part.strip()]
    return (max(map(len, parts)) >= 11
            and all(any(part in text for text in texts) for part in parts))


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Linked files exist, and so do the headings in them."""
    targets = [target for target in re.findall(r'\]\(([^)]+)\)', page.read_text())
               if not target.startswith('http')]
    assert targets
    for target in targets:
        name, _, heading = target.partition('#')
        path = page.parent / name if name else page
        assert path.exists(), target
        if heading:
            headings = re.findall(r'^#+ (.*)$', path.read_text(), re.MULTILINE)
            assert heading in map(anchor, headings), target


def test_quoted_messages_are_printed() -> None:
    """Each message that troubleshooting.md quotes is one of the code."""
    quoted = re.findall(r'^> (.+)$', (DOCS / 'troubleshooting.md').read_text(), re.MULTILINE)
    assert len(quoted) > 30
    texts = messages()
    assert [line for line in quoted if not is_printed(line, texts)] == []


def test_messages_that_are_not_printed_are_noticed() -> None:
    """One other word, and only common words, fail the test above."""
    texts = messages()
    assert is_printed('nobody publishes it. Is the camera running, is this its topic', texts)
    assert not is_printed('nobody publishes it. Is the camera running, is it its topic', texts)
    assert not is_printed('… on … s', texts)


def test_executables_are_there() -> None:
    """Each `ros2 run fire_detector NAME` names an installed executable."""
    named = set(re.findall(r'ros2 run fire_detector (\w+)', commands()))
    installed = set(re.findall(r"'(\w+) = fire_detector", (ROOT / 'setup.py').read_text()))
    assert 'fire_classify' in named
    assert named <= installed


def test_parameters_that_are_set_are_there() -> None:
    """Each parameter of a command is one of a node of this package, or in OF_OTHERS."""
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


def test_launch_arguments_are_described() -> None:
    """There is a row for each launch argument, in their order."""
    arguments = re.findall(r"DeclareLaunchArgument\(\s*'(\w+)'",
                           (ROOT / 'launch' / 'detect.launch.py').read_text())
    section = (DOCS / 'reference.md').read_text().split('## Launch arguments')[1].split('\n## ')[0]
    assert 'image_topic' in arguments
    assert re.findall(r'^\| `(\w+)`', section, re.MULTILINE) == arguments


def test_encodings_are_described() -> None:
    """Every raw encoding of the table is named."""
    section = (DOCS / 'reference.md').read_text().split('## Encodings')[1].split('\n## ')[0]
    assert all(f'`{encoding}`' in section for encoding in ENCODINGS)


def test_topics_are_described() -> None:
    """The README has a row for each topic that the node creates."""
    section = (ROOT / 'README.md').read_text().split('## Topics')[1].split('\n## ')[0]
    named = set(re.findall(r'^\| `([~/\w]+)`', section, re.MULTILINE))
    node = (ROOT / 'fire_detector' / 'nodes' / 'detector_node.py').read_text()
    created = set(re.findall(r"create\(\w+, '(\w+)'", node))
    assert len(created) >= 4
    assert {f'~/{name}' for name in created} <= named


def test_page_of_parameters_is_up_to_date() -> None:
    """The page is what `python test/parameter_reference.py` writes."""
    assert PAGE.read_text() == reference(TABLES)


def test_row_of_a_parameter() -> None:
    """Type, default, allowed values and when it can be changed, by hand."""
    page = reference(TABLES)
    assert ('| `num_threads` | integer | `1` | 1 to 64 | while the node is unconfigured '
            '| Threads that one inference may use. |') in page
    assert '| `alarm.latch` | bool | `false` |  | at any time, at once |' in page
    assert '| `image_transport` | string | `raw` | `raw`, `compressed` |' in page
    assert '| `autostart` | bool | `true` |  | at start only |' in page


def test_make_targets_and_test_files_are_there() -> None:
    """The Makefile has each target, and test/ each file or folder that is named."""
    targets = set(re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE))
    named = re.findall(r'(?:`|^ {4})make ([a-z][\w-]+)', commands(), re.MULTILINE)
    assert 'demo' in named
    assert set(named) <= targets
    files = re.findall(r'(?:TESTS=|python )(test/[\w/.]+\w)', commands())
    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_modules_and_their_options_are_there() -> None:
    """Each `python -m MODULE` exists, and each option behind it is in the code of its package."""
    named = re.findall(r'python -m ((?:training|benchmark|fire_detector)[\w.]*)([^`\n#]*)',
                       commands())
    assert 'training.train' in dict(named)
    for module, arguments in named:
        package, *path = module.split('.')
        folder = ROOT / 'test' / package if package == 'benchmark' else ROOT / package
        assert folder.joinpath(*path).with_suffix('.py').is_file(), module
        code = '\n'.join(file.read_text() for file in folder.rglob('*.py'))
        for option in re.findall(r' (--[a-z][a-z-]+)', arguments):
            assert f"'{option.replace('--no-', '--')}'" in code, f'{module} {option}'


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
    """Systemd accepts it; logs go to a folder that systemd makes; it ends as by Ctrl-C."""
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
    """docs/annotated.png is what the detector draws on the rendered room."""
    kept = np.asarray(cv2.imread(str(PAGE_IMAGE)), dtype=np.int16)
    drawn = draw()
    assert drawn.shape == kept.shape == (240, 640, 3)
    # OpenCV's versions draw letters and flames alike, but not to the last bit.
    assert np.abs(drawn - kept).mean() < 2
    # A green or black bar and frame without alarm, red ones (BGR 40, 40, 220) with it.
    assert tuple(kept[0, 330]) == (40, 40, 220)
    assert tuple(kept[0, 10]) != (40, 40, 220)
