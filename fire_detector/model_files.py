# SPDX-License-Identifier: Apache-2.0
"""Where the models that come with the package are."""

from pathlib import Path

from fire_detector.model_contract import ModelError

DEFAULT_MODEL = 'firenet.tflite'


def models_folder() -> Path:
    """
    Find the folder of the models that come with the package.

    It is found from where this file lies, so that no ROS is needed: PREFIX/share/fire_detector
    for an installed package, resource/ for a source checkout (also one that was installed with
    `pip install -e` or `colcon build --symlink-install`).
    """
    package = Path(__file__).resolve().parent
    checkout = package.parent / 'resource' / 'models'
    if checkout.is_dir():
        return checkout
    # PREFIX/lib/python3.X/site-packages/fire_detector
    return package.parents[3] / 'share' / package.name / 'models'


def find_model(name: str) -> Path:
    """
    Find a model by its path, or by the file name of one that comes with the package.

    :param name: a path, or a bare file name.
    :return: the path of a file that exists.
    :raises ModelError: when there is none; the message says where it was looked for.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    if len(path.parts) != 1:
        raise ModelError(f'{name}: no such model file')
    folder = models_folder()
    if not (folder / path).is_file():
        installed = ', '.join(sorted(file.name for file in folder.glob('*.tflite'))) or 'none'
        raise ModelError(f'{name}: no such model file, neither in {Path.cwd()} '
                         f'nor in {folder} (which has: {installed})')
    return folder / path
