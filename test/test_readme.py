# SPDX-License-Identifier: Apache-2.0
"""The README says what the code does."""

from pathlib import Path
import re

from fire_detector.image_conversion import ENCODINGS
from fire_detector.parameters import PARAMETERS
from fire_detector.stored_model import read_contract
import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / 'README.md').read_text()


def test_parameters() -> None:
    """There is a row for each parameter, with its default and what it does, and none besides."""
    rows = []
    for parameter in PARAMETERS:
        choices = f' One of: {", ".join(parameter.choices)}.' if parameter.choices else ''
        rows.append(f'| `{parameter.name}` | `{parameter.default}` | {parameter.text}{choices} |')
    table = README.split('### Parameters')[1].split('\n\n')[1]
    assert table.splitlines()[2:] == rows


def test_launch_arguments() -> None:
    """There is a row for each launch argument, in their order."""
    launch = (ROOT / 'launch' / 'detect.launch.py').read_text()
    arguments = re.findall(r"DeclareLaunchArgument\(\s*'(\w+)'", launch)
    table = README.split('### Launch arguments')[1].split('\n\n')[1]
    assert re.findall(r'^\| `(\w+)`', table, re.MULTILINE) == arguments
    assert len(arguments) == 15


def test_encodings() -> None:
    """Every encoding that is understood is named."""
    topics = README.split('### Topics')[1].split('###')[0]
    assert all(f'`{encoding}`' in topics for encoding in ENCODINGS)


def test_measured_figures_are_the_models() -> None:
    """The overall row of the table is what the committed model carries."""
    metrics = read_contract(ROOT / 'resource' / 'models' / 'fire_detector.tflite').metrics
    rates = ' | '.join(f'{metrics[f"test_{name}"]:.3f}' for name in (
        'accuracy', 'recall', 'false_alarm_rate', 'roc_auc'))
    assert f'| overall | {metrics["test_fire"]} | {metrics["test_nofire"]} | {rates} |' in README


@pytest.mark.parametrize('path', ['README.md', 'training/README.md'])
def test_links_lead_somewhere(path: str) -> None:
    """Files and folders that are linked to are there."""
    page = ROOT / path
    targets = [target for target in re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)', page.read_text())
               if not target.startswith('http')]
    assert targets
    assert all((page.parent / target).exists() for target in targets)


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
