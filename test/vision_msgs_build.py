# SPDX-License-Identifier: Apache-2.0
"""
Build the messages of vision_msgs that the node publishes, where ROS comes from PyPI.

PyPI has no vision_msgs, but rosidl's generators, which make messages of field lists: they come
with the wheels of every other message package. A C and a C++ compiler do the rest, in a few
seconds. The result has the type support of Fast DDS, with the real type hashes.
"""

from dataclasses import dataclass
import hashlib
import importlib
from importlib.metadata import version
from importlib.util import find_spec
import os
from pathlib import Path
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from types import ModuleType

import numpy as np

PACKAGE = 'vision_msgs'
# The fields of Humble and later, as https://docs.ros.org/en/jazzy/p/vision_msgs/ has them.
MESSAGES = {
    'ObjectHypothesis': 'string class_id\nfloat64 score\n',
    'Classification': 'std_msgs/Header header\nObjectHypothesis[] results\n',
    'VisionInfo': 'std_msgs/Header header\nstring method\nstring database_location\n'
                  'int32 database_version\n',
}
DEPENDENCIES = ('std_msgs', 'builtin_interfaces')
GENERATORS = ('rosidl_adapter', 'rosidl_generator_c', 'rosidl_generator_py',
              'rosidl_typesupport_c', 'rosidl_typesupport_fastrtps_c')
# Named by rosidl_generator_py.import_type_support. With one type support only, the type support
# of each rmw is linked in, and no library is searched in LD_LIBRARY_PATH.
EXTENSION = f'{PACKAGE}_s__rosidl_typesupport_c.so'
PREFIX = Path(sys.prefix)
TIMEOUT = 300


class CannotBuildError(RuntimeError):
    """The lack of something on this machine that the build needs."""


@dataclass(frozen=True)
class VisionMessages:
    """
    Vision_msgs for tests.

    :ivar msg: the module `vision_msgs.msg`, for this process.
    :ivar environment: variables with which another process can import it too.
    """

    msg: ModuleType
    environment: dict[str, str]


def vision_messages(cache: Path) -> VisionMessages:
    """
    Return vision_msgs: that of a sourced ROS, or else what is built here, once.

    :param cache: folder in which the build is kept for the next run.
    :raises CannotBuildError: when there is none and it cannot be built here.
    """
    try:
        return VisionMessages(importlib.import_module(f'{PACKAGE}.msg'), {})
    except ImportError:
        folder = _built(cache)
    sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(f'{PACKAGE}.msg')
    finally:
        sys.path.remove(str(folder))
    paths = [str(folder), *filter(None, [os.environ.get('PYTHONPATH')])]
    return VisionMessages(module, {'PYTHONPATH': os.pathsep.join(paths)})


def _built(cache: Path) -> Path:
    """Return the folder of a build that fits this Python, this ROS and these fields."""
    _check_tools()
    # The prefix is in the library, as the place of what it links to.
    key = '\n'.join((Path(__file__).read_text(), sys.version, str(PREFIX), np.__version__,
                     *(path.name for path in sorted(
                         Path(sysconfig.get_path('purelib')).glob('ros_*.dist-info')))))
    folder = cache / hashlib.sha256(key.encode()).hexdigest()[:16]
    if not folder.is_dir():
        # Moved into place when complete: an interrupted build, or another one, does no harm.
        with tempfile.TemporaryDirectory(dir=cache) as parent:
            unfinished = Path(parent) / 'build'
            result = subprocess.run(
                [sys.executable, __file__, unfinished], check=False, timeout=TIMEOUT,
                capture_output=True, text=True,
                env=os.environ | {'AMENT_PREFIX_PATH': str(PREFIX)})
            assert result.returncode == 0, f'{result.stdout}\n{result.stderr}'
            try:
                unfinished.rename(folder)
            except OSError:
                assert folder.is_dir()
    return folder


def _check_tools() -> None:
    for module in GENERATORS:
        if find_spec(module) is None:
            raise CannotBuildError(f'vision_msgs is not installed, and neither is {module}')
    if not (PREFIX / 'share/std_msgs/msg/Header.json').is_file():
        raise CannotBuildError('vision_msgs is not installed in this ROS '
                               '(Debian package ros-DISTRO-vision-msgs)')
    if int(version('ros-rmw-fastrtps-cpp').split('.')[0]) < 9:
        raise CannotBuildError('vision_msgs is not on PyPI, and before Kilted it needs type '
                               'support for introspection, which is not built here')
    for compiler in ('gcc', 'g++'):
        if shutil.which(compiler) is None:
            raise CannotBuildError(f'vision_msgs is not on PyPI, and there is no {compiler} '
                                   f'to build it')
    if not (Path(sysconfig.get_path('include')) / 'Python.h').is_file():
        raise CannotBuildError('vision_msgs is not on PyPI, and there is no Python.h to build it '
                               '(Debian package python3-dev)')


def _generate(folder: Path) -> None:
    """Write the sources: Python, C, and C++ for Fast DDS."""
    from rosidl_adapter.msg import convert_msg_to_idl
    from rosidl_generator_c.cli import GenerateC
    from rosidl_generator_py.cli import GeneratePython
    from rosidl_typesupport_c.cli import GenerateCTypesupport
    from rosidl_typesupport_fastrtps_c.cli import GenerateFastRTPSCTypesupport
    package = folder / PACKAGE
    (package / 'msg').mkdir(parents=True)
    for name, fields in MESSAGES.items():
        (package / 'msg' / f'{name}.msg').write_text(fields)
        convert_msg_to_idl(package, PACKAGE, Path('msg') / f'{name}.msg', package / 'msg')
    interfaces = [f'{package}:msg/{name}.idl' for name in MESSAGES]
    includes = [str(PREFIX / 'share' / name) for name in DEPENDENCIES]
    for generator in (
            GenerateC('c'), GenerateFastRTPSCTypesupport('fastrtps_c'),
            GenerateCTypesupport('c', typesupport_implementations=[
                'rosidl_typesupport_fastrtps_c']),
            GeneratePython('py', typesupport_implementations=['rosidl_typesupport_c'])):
        generator.generate(PACKAGE, interfaces, includes, package)
    (package / '__init__.py').touch()


def _compile(folder: Path) -> None:
    """Make one library of the sources, the extension module that Python imports."""
    include = PREFIX / 'include'
    includes = [f'-I{path}' for path in (
        folder, sysconfig.get_path('include'), np.get_include(), include, *include.iterdir())]
    # The headers of Fast DDS take longer than all else, so they are read once.
    everything = folder / 'everything.cpp'
    everything.write_text(''.join(
        f'#include "{path.relative_to(folder)}"\n' for path in sorted(folder.rglob('*.cpp'))))
    compile_one = ['-c', '-O0', '-fPIC', *includes]
    subprocess.run(['g++', '-std=c++17', *compile_one, everything], cwd=folder, check=True)
    subprocess.run(['gcc', *compile_one, *folder.rglob('*.c')], cwd=folder, check=True)
    libraries = PREFIX / 'lib'
    linked = [f'{name}__rosidl_{kind}' for name in DEPENDENCIES
              for kind in ('generator_c', 'generator_py', 'typesupport_c',
                           'typesupport_fastrtps_c')]
    linked += ['rosidl_runtime_c', 'rosidl_typesupport_c', 'rosidl_typesupport_fastrtps_cpp',
               'rcutils', 'fastcdr']
    subprocess.run(
        ['g++', '-shared', '-o', folder / PACKAGE / EXTENSION, *folder.glob('*.o'),
         f'-L{libraries}', f'-Wl,-rpath,{libraries}', *(f'-l{name}' for name in linked)],
        cwd=folder, check=True)


if __name__ == '__main__':
    _generate(Path(sys.argv[1]))
    _compile(Path(sys.argv[1]))
