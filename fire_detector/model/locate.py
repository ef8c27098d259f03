# SPDX-License-Identifier: Apache-2.0
"""Where the models that come with the package are."""

from pathlib import Path

from fire_detector.model.contract import ModelError

DEFAULT_MODEL = 'fire_detector.tflite'


def models_folder() -> Path:
    """
    Find the folder of the models that come with the package.

    It is found from where this file lies, so that no ROS is needed: resource/ beside the package
    in a source checkout (also one installed with `pip install -e` or `--symlink-install`), or
    else share/fire_detector in a folder above, which pip, colcon and Debian nest differently.

    :raises ModelError: when there is none: the installation is not complete.
    """
    return data_file('models', 'resource/models')


def data_file(installed: str, in_checkout: str) -> Path:
    """
    Find a file or folder that is installed with the package.

    :param installed: where it is below share/fire_detector.
    :param in_checkout: where it is in a source checkout.
    :raises ModelError: when there is none: the installation is not complete.
    """
    package = Path(__file__).resolve().parents[1]
    candidates = [package.parent / in_checkout,
                  *(folder / 'share' / package.name / installed for folder in package.parents)]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise ModelError(f'no share/{package.name}/{installed} in any folder above {package}: '
                     f'the package is not installed completely')


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
