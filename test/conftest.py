# SPDX-License-Identifier: Apache-2.0
"""Fixtures that tests of several folders share: real data, models and a ROS of their own."""

from collections.abc import Iterator
import contextlib
import csv
import hashlib
import importlib
import importlib.metadata
import importlib.util
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from fire_detector.images.files import read_image
from fire_detector.model.classifier import RUNTIMES
from fire_detector.model.locate import DEFAULT_MODEL, find_model
import numpy as np
from numpy.typing import NDArray
import pytest

if TYPE_CHECKING:
    from ros_session import Camera, RosSession
    from vision_msgs_build import VisionMessages

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a job in the background of a shell; what is started here would ignore Ctrl-C, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
# Of each source, in `small_data`.
IMAGES_PER_LABEL = 30
# Session fixtures that cost so much that one worker makes them, and runs all that use them.
COSTLY = ('run', 'models', 'colcon_install', 'vision_msgs')


def importable(module: str) -> bool:
    """Return whether a module can be imported; TensorFlow, which takes seconds, is not tried."""
    if module.startswith('tensorflow'):
        return importlib.util.find_spec('tensorflow') is not None
    try:
        importlib.import_module(module)
    except (ImportError, AttributeError):
        return False
    return True


# Before any test imports TensorFlow: after it, tflite-runtime loads no model in this process.
IMPORTABLE_RUNTIMES = [name for name, module in RUNTIMES.items() if importable(module)]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep in one worker of pytest-xdist what shares a costly fixture, and what measures time."""
    if config.pluginmanager.hasplugin('xdist'):
        for item in items:
            group = worker_group(item)
            if group:
                item.add_marker(pytest.mark.xdist_group(group))


def worker_group(item: pytest.Item) -> str:
    """Return the name of the tests that one worker must run one after the other, '' for any."""
    fixtures = getattr(item, '_fixtureinfo').name2fixturedefs  # noqa: B009 - nowhere public
    for name in COSTLY:
        if name in fixtures:
            return name
    callspec = getattr(item, 'callspec', None)
    if callspec is not None and callspec.params.get('runtime') == 'tensorflow':
        # The worker of the small models runs TensorFlow anyway, which takes seconds to import.
        return 'models'
    if item.get_closest_marker('time') is not None:
        return 'time'
    if any(definitions[-1].scope == 'module' for definitions in fixtures.values()):
        return str(item.path)
    return ''


@pytest.fixture(scope='session')
def data() -> Path:
    """Return the folder of real images, or skip."""
    folder = ROOT.parent / 'shared' / 'data'
    if not folder.is_dir():
        pytest.skip(f'the real images are not at {folder}')
    return folder


@pytest.fixture(scope='session')
def pool() -> Path:
    """Return the folder of more real images, with four labels, or skip."""
    folder = ROOT.parent / 'shared' / 'pool'
    if not folder.is_dir():
        pytest.skip(f'the real images of the pool are not at {folder}')
    return folder


@pytest.fixture(scope='session')
def small_data(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a few real images of each split and label, from two sources."""
    folder = tmp_path_factory.mktemp('data')
    with (data / 'manifest.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    chosen = [row for split in ('train', 'val', 'test') for label in ('fire', 'nofire')
              for source in ('cair', 'kaggle999')
              for row in [row for row in rows if (row['split'], row['label'], row['source'])
                          == (split, label, source)][:IMAGES_PER_LABEL]]
    (folder / 'images').symlink_to(data / 'images')
    with (folder / 'manifest.csv').open('w', newline='') as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(chosen)
    return folder


@pytest.fixture
def fire(data: Path) -> NDArray[np.uint8]:
    """Return the BGR pixels of a real image of fire that the model is sure about."""
    return read_image(data / 'images' / 'cair' / 'fire' / '0002.jpg').pixels


@pytest.fixture(scope='session')
def model() -> Path:
    """Return the model that the launch file starts with."""
    return find_model(DEFAULT_MODEL)


@pytest.fixture(scope='session')
def cache_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in pytest's cache, or a temporary one where that is turned off."""
    kept: pytest.Cache | None = getattr(request.config, 'cache', None)
    return tmp_path_factory.mktemp('cache') if kept is None else kept.mkdir('fire_detector')


@pytest.fixture(scope='session')
def models(cache_folder: Path) -> Path:
    """Return the folder of the models of make_models.py, kept in pytest's cache, or skip."""
    try:
        version = importlib.metadata.version('tensorflow')
    except importlib.metadata.PackageNotFoundError:
        pytest.skip('the extra training is not installed')
    script = ROOT / 'test' / 'make_models.py'
    key = hashlib.sha256(version.encode() + script.read_bytes()).hexdigest()[:16]
    kept = cache_folder / f'models_{key}'
    if not kept.is_dir():
        # Whole or not at all, also where another process makes them at the same time.
        with tempfile.TemporaryDirectory(dir=cache_folder) as parent:
            made = Path(parent, 'models')
            made.mkdir()
            subprocess.run([sys.executable, script, made], check=True, capture_output=True,
                           timeout=300)
            with contextlib.suppress(OSError):
                made.rename(kept)
    return kept


@pytest.fixture(params=IMPORTABLE_RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    """Return each runtime that can be imported here, in turn."""
    return str(request.param)


@pytest.fixture(scope='session')
def colcon_install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package with colcon; return the folder it is installed into."""
    pytest.importorskip('colcon_ros', reason='colcon is not installed')
    folder = tmp_path_factory.mktemp('workspace')
    subprocess.run(
        [sys.executable, '-m', 'colcon', '--log-base', folder / 'log', 'build',
         '--base-paths', ROOT, '--build-base', folder / 'build',
         '--install-base', folder / 'install'],
        check=True, capture_output=True, timeout=300)
    return folder / 'install'


@pytest.fixture
def ros(tmp_path: Path) -> Iterator['RosSession']:
    """Return a ROS on loopback, in a domain of its own, whose processes end with the test."""
    from ros_session import RosSession
    with RosSession(tmp_path) as session:
        yield session


@pytest.fixture(scope='module')
def shared_ros(tmp_path_factory: pytest.TempPathFactory) -> Iterator['RosSession']:
    """Return a ROS with a detector that is active, for all tests of a file."""
    from ros_session import RosSession
    with RosSession(tmp_path_factory.mktemp('ros')) as session:
        session.start_detector()
        yield session


@pytest.fixture(scope='module')
def shared_camera(shared_ros: 'RosSession') -> 'Camera':
    """Return the one camera of the shared detector."""
    from ros_session import Camera
    return Camera(shared_ros)


@pytest.fixture
def camera(shared_camera: 'Camera') -> 'Camera':
    """
    Return the camera of a detector that others have used, and which remembers nothing of them.

    The test leaves the detector active and its parameters as they were.
    """
    shared_camera.reset_alarm()
    shared_camera.wait_until_heard()
    return shared_camera


@pytest.fixture(scope='session')
def vision_msgs(cache_folder: Path) -> 'VisionMessages':
    """Return vision_msgs, installed or built, or skip."""
    from vision_msgs_build import CannotBuildError, vision_messages
    try:
        return vision_messages(cache_folder)
    except CannotBuildError as error:
        pytest.skip(str(error))
