# SPDX-License-Identifier: Apache-2.0
"""The README, the reference and the training pages say what the code does."""

from pathlib import Path
import re

from fire_detector.images.raw import ENCODINGS
from fire_detector.model.file import read_contract
from parameter_reference import PAGE, reference, TABLES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / 'README.md').read_text()
REFERENCE = (ROOT / 'docs' / 'reference.md').read_text()


def test_parameters() -> None:
    """The page of parameters is what is made of the tables: python test/parameter_reference.py."""
    assert PAGE.read_text() == reference(TABLES)
    rows = re.findall(r'^\| `([\w.]+)` \|', PAGE.read_text(), re.MULTILINE)
    assert rows == [parameter.name for table in TABLES for parameter in table.parameters]


def test_row_of_a_parameter() -> None:
    """Type, default, allowed values and when it can be changed, by hand."""
    page = reference(TABLES)
    assert ('| `num_threads` | integer | `1` | 1 to 64 | while the node is unconfigured '
            '| Threads that one inference may use. |') in page
    assert '| `alarm.latch` | bool | `false` |  | at any time, at once |' in page
    assert '| `image_transport` | string | `raw` | `raw`, `compressed` |' in page
    assert '| `autostart` | bool | `true` |  | at start only |' in page


def test_launch_arguments() -> None:
    """There is a row for each launch argument, in their order."""
    launch = (ROOT / 'launch' / 'detect.launch.py').read_text()
    arguments = re.findall(r"DeclareLaunchArgument\(\s*'(\w+)'", launch)
    table = REFERENCE.split('## Launch arguments')[1].split('\n\n')[1]
    assert re.findall(r'^\| `(\w+)`', table, re.MULTILINE) == arguments
    assert len(arguments) == 15


def test_encodings() -> None:
    """Every encoding that is understood is named."""
    named = REFERENCE.split('## Encodings')[1].split('##')[0]
    assert all(f'`{encoding}`' in named for encoding in ENCODINGS)


def test_topics() -> None:
    """The README has the same topics as the reference, which has those of the node."""
    tables = [re.findall(r'^\| `([~/\w]+)`', page, re.MULTILINE) for page in (
        README.split('## Wire it into the robot')[1].split('\n\n')[1],
        REFERENCE.split('## Topics and services')[1].split('\n\n')[1])]
    assert tables[0] == tables[1]
    node = (ROOT / 'fire_detector' / 'node.py').read_text()
    made = re.findall(r"create\(\w+, '(\w+)'", node)
    assert len(made) == 4
    assert {f'~/{name}' for name in made} <= set(tables[0])


def test_measured_figures_are_the_models() -> None:
    """The overall row of the table is what the committed model carries."""
    metrics = read_contract(ROOT / 'resource' / 'models' / 'fire_detector.tflite').metrics
    rates = ' | '.join(f'{metrics[f"test_{name}"]:.3f}' for name in (
        'accuracy', 'recall', 'false_alarm_rate', 'roc_auc'))
    assert f'| overall | {metrics["test_fire"]} | {metrics["test_nofire"]} | {rates} |' in README


def test_training_commands_are_there() -> None:
    """Every tool and option that the training pages name is one of the tools'."""
    pages = README + (ROOT / 'training' / 'README.md').read_text()
    tools = set(re.findall(r'python -m training\.(\w+)', pages))
    assert tools == {path.stem for path in (ROOT / 'training').glob('*.py')
                     if '__main__' in path.read_text()}
    for tool in tools:
        options = set(re.findall(rf'python -m training\.{tool} [^`\n]*', pages))
        known = ''.join(path.read_text() for path in (
            ROOT / 'training' / f'{name}.py' for name in (tool, 'dataset', 'selection')))
        named = set(re.findall(r' (--[a-z-]+)', ' '.join(options)))
        assert {option for option in named
                if f"'{option.replace('--no-', '--')}'" not in known} == set()


def test_architectures_are_described() -> None:
    """There is a row for each network that can be trained."""
    architectures = (ROOT / 'training' / 'architectures' / '__init__.py').read_text()
    names = re.findall(r"^    '(\w+)': ", architectures, re.MULTILINE)
    page = (ROOT / 'training' / 'README.md').read_text()
    assert re.findall(r'^\| `(\w+)` \| [^|]*\d+x\d+ \|', page, re.MULTILINE) == sorted(
        names, key=page.index)
    assert len(names) == 4
