# SPDX-License-Identifier: Apache-2.0
"""Models are found by path, in a checkout, and in whatever way the package is installed."""

from pathlib import Path
import re

from fire_detector.model import locate
from fire_detector.model.contract import ModelError
from fire_detector.model.locate import DEFAULT_MODEL, find_model, models_folder
import pytest


@pytest.fixture(params=['lib/python3/site-packages', 'local/lib/python3/dist-packages', 'lib'])
def installed(request: pytest.FixtureRequest, tmp_path: Path,
              monkeypatch: pytest.MonkeyPatch) -> Path:
    """Move the module below a prefix; return the folder where the models would be."""
    module = tmp_path / request.param / 'fire_detector' / 'model' / 'locate.py'
    monkeypatch.setattr(locate, '__file__', str(module))
    return tmp_path / 'share' / 'fire_detector' / 'models'


def test_installed_models(installed: Path) -> None:
    """They are in share/fire_detector of a folder above; a message lists them."""
    installed.mkdir(parents=True)
    assert models_folder() == installed
    with pytest.raises(ModelError, match=rf'c\.tflite: .* nor in {installed} \(which has: none\)'):
        find_model('c.tflite')
    for name in ('b.tflite', 'a.tflite', 'a.md'):
        (installed / name).touch()
    assert find_model('a.tflite') == installed / 'a.tflite'
    with pytest.raises(ModelError, match=r'\(which has: a\.tflite, b\.tflite\)'):
        find_model('c.tflite')


def test_incomplete_installation(installed: Path) -> None:
    """The message names what is missing, and where it was looked for."""
    with pytest.raises(ModelError, match='no share/fire_detector/models in any folder above'):
        models_folder()


def test_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout they are in resource/models, beside the package; that comes first."""
    monkeypatch.setattr(locate, '__file__', str(tmp_path / 'fire_detector' / 'model' / 'x.py'))
    (tmp_path / 'share' / 'fire_detector' / 'models').mkdir(parents=True)
    folder = tmp_path / 'resource' / 'models'
    folder.mkdir(parents=True)
    assert models_folder() == folder


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is taken as it is, also below the home folder; a wrong one is no name of a model."""
    (tmp_path / 'mine.tflite').touch()
    monkeypatch.setenv('HOME', str(tmp_path))
    assert find_model(str(tmp_path / 'mine.tflite')) == tmp_path / 'mine.tflite'
    assert find_model('~/mine.tflite') == tmp_path / 'mine.tflite'
    monkeypatch.chdir(tmp_path)
    for wrong in ('models/fire_detector.tflite', f'./{DEFAULT_MODEL}'):
        with pytest.raises(ModelError, match=rf'^{re.escape(wrong)}: no such model file$'):
            find_model(wrong)


def test_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file there does not stand in for an installed model of its name, unless by its path."""
    monkeypatch.chdir(tmp_path)
    for name in (DEFAULT_MODEL, 'mine.tflite'):
        Path(name).touch()
    assert find_model(DEFAULT_MODEL) == models_folder() / DEFAULT_MODEL
    assert find_model(f'./{DEFAULT_MODEL}') == Path(DEFAULT_MODEL)
    assert find_model('mine.tflite') == Path('mine.tflite')
