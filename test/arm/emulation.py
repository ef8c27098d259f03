# SPDX-License-Identifier: Apache-2.0
"""
Run Python on an emulated Raspberry Pi 4, as far as a program can tell.

QEMU's user-mode emulation (https://www.qemu.org/docs/master/user/main.html) runs single programs
of another processor; the kernel stays the host's. Where a path exists below its `-L` folder, the
program gets that file instead of the host's. Time measured in it says nothing about a Pi's.
"""

from collections.abc import Sequence
import os
from pathlib import Path
import shutil
import subprocess
import sys

# Raspberry Pi OS is made of this release. Its C library is 2.36; the wheels ask for 2.34 at most.
SUITE, MIRROR, PYTHON = 'bookworm', 'http://deb.debian.org/debian', '3.11'
# pip takes these literally: one that names 2_34 does not get wheels of 2_17.
PLATFORMS = ('manylinux2014', *(f'manylinux_2_{minor}' for minor in (17, 26, 27, 28, 31, 34)))
TOOLS = {'qemu-aarch64-static': 'qemu-user-static', 'debootstrap': 'debootstrap',
         'dpkg-deb': 'dpkg'}
# Of one program, on a busy machine or a slow network.
TIMEOUT = 1800

CORES = range(4)
_CORE = """processor\t: {core}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
_CPU = Path('sys/devices/system/cpu')
# Four Cortex-A72 r0p3 with 1 MiB of L2 among them (arch/arm/boot/dts/broadcom/bcm2711.dtsi in
# Linux). cpuinfo (https://github.com/pytorch/cpuinfo), which LiteRT has inside, reads these as an
# ARM kernel writes them; of an x86 host's LiteRT 2.2 and newer end in a segmentation fault.
PI_FILES = {
    Path('proc/cpuinfo'): ''.join(_CORE.format(core=core) for core in CORES)
    + 'Revision\t: c03114\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n',
    **{_CPU / name: '0-3\n' for name in ('possible', 'present', 'online')},
    **{_CPU / f'cpu{core}' / name: text for core in CORES for name, text in (
        ('topology/physical_package_id', '0\n'), ('topology/core_id', f'{core}\n'),
        ('topology/core_siblings_list', '0-3\n'), ('topology/cluster_cpus_list', f'{core}\n'),
        ('cpufreq/cpuinfo_max_freq', '1500000\n'), ('cpufreq/cpuinfo_min_freq', '600000\n'),
        ('cache/index2/level', '2\n'), ('cache/index2/size', '1024K\n'),
        ('cache/index2/shared_cpu_list', '0-3\n'))},
}


class EmulationError(RuntimeError):
    """The error of what cannot be emulated: what is missing, or how it ended."""


def find_tools() -> dict[str, str]:
    """
    Find the programs that are needed.

    :return: their paths, by name.
    :raises EmulationError: when one is missing; the message says what to install.
    """
    # debootstrap is among the administrator's programs, which users do not have on their path.
    path = os.pathsep.join([os.environ.get('PATH', os.defpath), '/usr/sbin'])
    found = {name: shutil.which(name, path=path) for name in TOOLS}
    missing = [TOOLS[name] for name, where in found.items() if where is None]
    if missing:
        raise EmulationError(f'sudo apt install {" ".join(missing)}')
    return {name: where for name, where in found.items() if where is not None}


class EmulatedPi:
    """An arm64 Debian with Python in a folder, and Python packages beside it."""

    def __init__(self, folder: Path, cpu: str) -> None:
        """
        Find what is there, or make it: 260 MB, once.

        :param folder: where it is kept.
        :param cpu: QEMU's name of the processor, of `qemu-aarch64-static -cpu help`.
        :raises EmulationError: when it cannot be made.
        """
        self._tools = find_tools()
        self._folder, self._cpu = folder, cpu
        self._root = folder / 'root'
        if not self._root.is_dir():
            self._make_root()
        for path, text in PI_FILES.items():
            (self._root / path).parent.mkdir(parents=True, exist_ok=True)
            (self._root / path).write_text(text)

    def install(self, requirement: str) -> Path:
        """
        Unpack the ARM wheel of a package, without what it depends on, or find it unpacked.

        :param requirement: name and version, as `name==version`.
        :return: a folder for PYTHONPATH.
        :raises EmulationError: when there is no such wheel.
        """
        target = self._folder / 'packages' / requirement
        if not target.is_dir():
            platforms = [f'--platform={name}_aarch64' for name in PLATFORMS]
            part = _empty(target.with_name(f'{target.name}.part'))
            _run([sys.executable, '-m', 'pip', '--disable-pip-version-check', 'install', '--quiet',
                  '--no-deps', '--only-binary=:all:', '--implementation=cp', '--no-compile',
                  f'--python-version={PYTHON}', *platforms, f'--target={part}', requirement])
            part.rename(target)
        return target

    def run(self, packages: Sequence[Path], *arguments: object) -> None:
        """
        Run Python to its end.

        :param packages: folders for PYTHONPATH.
        :param arguments: what follows `python`.
        :raises EmulationError: when it ends otherwise than with exit status 0.
        """
        environment = os.environ | {'PYTHONPATH': os.pathsep.join(map(str, packages)),
                                    'PYTHONNOUSERSITE': '1'}
        _run([self._tools['qemu-aarch64-static'], '-cpu', self._cpu, '-L', str(self._root),
              str(self._root / 'usr' / 'bin' / f'python{PYTHON}'), *map(str, arguments)],
             environment)

    def _make_root(self) -> None:
        # Only downloading asks for no superuser; and nothing of it has to be configured.
        downloads = _empty(self._folder / 'downloads')
        _run([self._tools['debootstrap'], '--download-only', '--arch=arm64', '--variant=minbase',
              '--include=python3', SUITE, str(downloads), MIRROR])
        part = _empty(self._folder / 'root.part')
        for package in sorted(downloads.glob('var/cache/apt/archives/*.deb')):
            _run([self._tools['dpkg-deb'], '--extract', str(package), str(part)])
        shutil.rmtree(downloads)
        part.rename(self._root)


def _empty(folder: Path) -> Path:
    """Return an empty folder, whatever an interrupted run has left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    try:
        result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise EmulationError(f'{Path(command[0]).name} has not ended in {TIMEOUT} s') from error
    if result.returncode:
        # A program that was killed by a signal has the negative number of it.
        last = result.stdout.strip().splitlines()[-1:] or ['']
        raise EmulationError(f'{Path(command[0]).name} ended with {result.returncode}: {last[0]}')
