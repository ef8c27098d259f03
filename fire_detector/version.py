# SPDX-License-Identifier: Apache-2.0
"""Tell which version of the package this is."""

from pathlib import Path
import re

PACKAGE = 'fire_detector'


def version() -> str:
    """
    Tell the version of the code that runs.

    In a checkout, also one installed with `pip install -e` or `--symlink-install`, that is what
    its package.xml says: what was recorded when it was installed may be older. Elsewhere it is
    what pip, colcon or Debian recorded.

    :return: such as 0.1.0; 'unknown' for a copy of the package alone.
    """
    manifest = Path(__file__).resolve().parents[1] / 'package.xml'
    if manifest.is_file():
        found = re.search('<version>(.+?)</version>', manifest.read_text(encoding='utf-8'))
        if found is not None:
            return found[1]
    # Not above: a program that tells no version need not wait for it.
    from importlib import metadata
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return 'unknown'
