# SPDX-License-Identifier: Apache-2.0
"""Whatever the documents name, from commands to links, exists."""

from importlib.util import find_spec
from pathlib import Path
import re
import shutil
import subprocess

from annotated_image import draw
from fire_detector.images.raw import ENCODINGS
from parameter_reference import PAGE, reference, TABLES
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted({*ROOT.glob('*.md'), *(path for folder in ('docs', 'test', 'training', '.github')
                                      for path in (ROOT / folder).rglob('*.md'))})
REFERENCE = (ROOT / 'docs' / 'reference.md').read_text()
SERVICE = ROOT / 'docs' / 'fire_detector.service'
# Every page's text, with the lines of one command joined.
TEXT = '\n'.join(page.read_text() for page in PAGES).replace('\\\n', ' ')
# Parameters of other packages' nodes: v4l2_camera, camera_ros, image_tools.
OF_OTHERS = {'video_device', 'image_size', 'width', 'height', 'reliability'}


def anchor(heading: str) -> str:
    """Return the target of a link to a heading, as GitHub makes it."""
    return re.sub(r'[^\w\- ]', '', heading.strip().lower()).replace(' ', '-')


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Files that are linked to are there, and so are the headings in them."""
    for target in re.findall(r'\]\(([^)\s]+)\)', page.read_text()):
        if re.match(r'\w+:', target):
            continue
        name, _, heading = target.partition('#')
        path = page.parent / name if name else page
        assert path.exists(), target
        if heading:
            headings = re.findall(r'^#+ (.*)$', path.read_text(), re.MULTILINE)
            assert heading in map(anchor, headings), target


def test_executables_are_there() -> None:
    """What `ros2 run fire_detector` is to run is installed."""
    named = set(re.findall(r'ros2 run fire_detector (\w+)', TEXT))
    installed = set(re.findall(r"'(\w+) = fire_detector", (ROOT / 'setup.py').read_text()))
    assert 'fire_detector_node' in installed
    assert named <= installed


def test_parameters_that_are_set_are_there() -> None:
    """A node of this package, or of a named other, has each parameter of a command."""
    named = set(re.findall(r'-p ([\w.]+):=', TEXT)) | set(
        re.findall(r'ros2 param set /fire_detector ([\w.]+)', TEXT))
    known = {parameter.name for table in TABLES for parameter in table.parameters}
    assert named - known - OF_OTHERS == set()


def declared_launch_arguments() -> set[str]:
    """Return the arguments of the launch file."""
    return set(re.findall(r"DeclareLaunchArgument\(\s*'(\w+)'",
                          (ROOT / 'launch' / 'detect.launch.py').read_text()))


def test_launch_arguments() -> None:
    """Each argument of a command is declared, and each that is declared has a row."""
    named = {name for line in re.findall(r'detect\.launch\.py ([^`\n]*)', TEXT)
             for name in re.findall(r'(\w+):=', line)}
    assert named <= declared_launch_arguments()
    table = REFERENCE.split('## Launch arguments')[1].split('\n\n')[1]
    assert set(re.findall(r'^\| `(\w+)`', table, re.MULTILINE)) == declared_launch_arguments()


def test_make_targets_and_test_files_are_there() -> None:
    """The Makefile has each target, and test/ each file that is named."""
    targets = set(re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE))
    named = re.findall(r'`make ([\w-]+)|^ {4}make ([\w-]+)', TEXT, re.MULTILINE)
    assert {target for pair in named for target in pair if target} <= targets
    for file in re.findall(r'(?:TESTS=|python )(test/[\w/]+\.py)', TEXT):
        assert (ROOT / file).is_file(), file


def test_modules_and_their_options_are_there() -> None:
    """Each `python -m` of this project can be found, and training has each option."""
    for module in set(re.findall(r'python -m ((?:fire_detector|training)[\w.]*)', TEXT)):
        assert find_spec(module) is not None, module
    source = ''.join(path.read_text() for path in (ROOT / 'training').rglob('*.py'))
    # Options of training are the fields of its configuration, too.
    fields = re.findall(r'^    (\w+): ', (ROOT / 'training' / 'run_folder.py').read_text(), re.M)
    known = {f'--{name.replace("_", "-")}' for name in fields}
    known |= set(re.findall(r"'(--[a-z-]+)'", source))
    named = {option.replace('--no-', '--')
             for line in re.findall(r'python -m training\.[^`\n]*', TEXT)
             for option in re.findall(r' (--[a-z-]+)', line)}
    assert named - known == set()


def test_parameters_page() -> None:
    """The page of parameters is what is made of the tables: python test/parameter_reference.py."""
    assert PAGE.read_text() == reference(TABLES)


def test_row_of_a_parameter() -> None:
    """Type, default, allowed values and when it can be changed, by hand."""
    page = reference(TABLES)
    assert '| `num_threads` | integer | `1` | 1 to 64 | while the node is unconfigured |' in page
    assert '| `alarm.latch` | bool | `false` |  | at any time, at once |' in page
    assert '| `image_transport` | string | `raw` | `raw`, `compressed` |' in page
    assert '| `autostart` | bool | `true` |  | at start only |' in page


def test_encodings() -> None:
    """Every encoding that is understood is named."""
    named = REFERENCE.split('## Encodings')[1].split('##')[0]
    assert {encoding for encoding in ENCODINGS if f'`{encoding}`' not in named} == set()


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
    assert versions['98.7.6'][0].bullets


def test_service() -> None:
    """Systemd takes it; logs go to a folder that systemd makes; it ends as by Ctrl-C."""
    if shutil.which('systemd-analyze') is None:
        pytest.skip('systemd is not installed')
    result = subprocess.run(['systemd-analyze', 'verify', SERVICE], capture_output=True, text=True,
                            timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, '')
    settings = dict(line.split('=', 1) for line in SERVICE.read_text().splitlines()
                    if '=' in line and not line.startswith('#'))
    assert f'ROS_LOG_DIR=/var/log/{settings["LogsDirectory"]}' in SERVICE.read_text()
    assert settings['KillSignal'] == 'SIGINT'
    # And so does a container.
    assert '\nSTOPSIGNAL SIGINT\n' in (ROOT / 'docs' / 'Dockerfile').read_text()


def test_image_of_the_overlay() -> None:
    """What is drawn for the page is calm on its left, and an alarm on its right."""
    drawn = draw()
    red = (40, 40, 220)
    assert drawn.shape == (240, 640, 3)
    assert tuple(drawn[0, 330]) == red
    assert tuple(drawn[0, 10]) != red
