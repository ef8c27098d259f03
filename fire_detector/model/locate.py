# SPDX-License-Identifier: Apache-2.0
"""Find model files, also those that are installed with the package."""

from pathlib import Path

from fire_detector.model.contract import ModelError

DEFAULT_MODEL = 'fire_detector.tflite'


def models_folder() -> Path:
    """
    Find the folder of the models that come with the package.

    The search starts at this file, so that no ROS is needed: resource/ beside the package
    in a source checkout (also one installed with `pip install -e` or `--symlink-install`), or
    else share/fire_detector in a folder above, which pip, colcon and Debian nest differently.

    :return: the folder.
    :raises ModelError: when there is none: the installation is not complete.
    """
    package = Path(__file__).resolve().parents[1]
    candidates = [package.parent / 'resource' / 'models',
                  *(folder / 'share' / package.name / 'models' for folder in package.parents)]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise ModelError(f'no share/{package.name}/models in any folder above {package}: '
                     f'the package is not installed completely')


def find_model(name: str) -> Path:
    """
    Find a model by its path, or by the file name of one that comes with the package.

    What is installed does not depend on the folder in which a process was started: a name
    without a slash is that of an installed model, and of a file in the working directory only
    where no installed model has it.

    :param name: a path, such as `./mine.tflite`, or a file name without a slash.
    :return: the path of a file that exists.
    :raises ModelError: when there is none; the message says where it was looked for.
    """
    path = Path(name).expanduser()
    if '/' in name:
        if not path.is_file():
            raise ModelError(f'{name}: no such model file')
        return path
    folder = models_folder()
    if (folder / path).is_file():
        return folder / path
    if not path.is_file():
        installed = ', '.join(sorted(file.name for file in folder.glob('*.tflite'))) or 'none'
        raise ModelError(f'{name}: no such model file, neither in {Path.cwd()} '
                         f'nor in {folder} (which has: {installed})')
    return path
