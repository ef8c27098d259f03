# SPDX-License-Identifier: Apache-2.0
"""
Find the files of a bag.

Files are read one by one, whatever metadata.yaml lists: it is written last, and missing where a
recorder was ended by force. It serves for the order of the files, and to find missing ones
(ros2/rosbag2, rosbag2_storage/src/rosbag2_storage/metadata_io.cpp, rosbag2_storage's README).
Without it, the numbers at the end of their names order them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
import re
import shutil
import tempfile
from typing import Any

# Packages are imported where they are used: the names of files are checked without them.

METADATA = 'metadata.yaml'
STORAGE_SUFFIXES = ('.db3', '.mcap')
ROS1_SUFFIX = '.bag'
COMPRESSED_SUFFIX = '.zstd'
_NUMBERED = re.compile(r'(.*)_(\d+)')


class BagError(ValueError):
    """Report a bag, or a part of it, that cannot be read."""


def is_bag_file(path: Path) -> bool:
    """Return whether a file belongs to a bag, by its name."""
    return _uncompressed(path).suffix in (*STORAGE_SUFFIXES, ROS1_SUFFIX)


def bags_in(folder: Path) -> list[Path]:
    """
    List the bags that lie directly in a folder, or the folder itself where it is one.

    Without metadata.yaml, a folder is a bag where the names of its files differ by a number only.
    """
    if (folder / METADATA).is_file():
        return [folder]
    files = sorted(path for path in folder.iterdir() if path.is_file() and is_bag_file(path))
    numbered = [_NUMBERED.fullmatch(_uncompressed(path).stem) for path in files]
    names = {match and match[1] for match in numbered}
    return [folder] if len(files) > 1 and len(names) == 1 and None not in names else files


def files_of(bag: Path) -> tuple[list[Path], list[str]]:
    """
    List the files of a bag in their order, and what is wrong with the list.

    :param bag: a file, or a folder with files.
    :raises BagError: when there is no file.
    """
    if not bag.is_dir():
        return [bag], []
    found = sorted((path for path in bag.iterdir() if path.is_file() and is_bag_file(path)),
                   key=_order)
    names, problems = _names_in_metadata(bag / METADATA)
    listed = [bag / name for name in names if (bag / name).is_file()]
    problems += [f'{bag / name}: missing, though {METADATA} lists it: copy it there, or its '
                 f'messages are not read' for name in names if not (bag / name).is_file()]
    files = listed + [path for path in found if path not in listed]
    if not files:
        raise BagError('; '.join([*problems, f'{bag}: no file of a bag in this folder '
                                             f'({", ".join(STORAGE_SUFFIXES)})']))
    return files, problems


def topics_in_metadata(bag: Path) -> list[tuple[str, str, int]] | None:
    """List topics, their types and numbers of messages, where metadata.yaml has them."""
    try:
        return [(topic['topic_metadata']['name'], topic['topic_metadata']['type'],
                 int(topic['message_count']))
                for topic in _read_metadata(bag / METADATA)['topics_with_message_count']]
    except (OSError, KeyError, TypeError, ValueError):
        return None


@contextmanager
def decompressed(path: Path) -> Iterator[Path]:
    """
    Return a decompressed copy of a file that was compressed as a whole, or else the file.

    :raises BagError: when it is no zstd file, or cut short.
    """
    if path.suffix != COMPRESSED_SUFFIX:
        yield path
        return
    from backports import zstd
    with tempfile.TemporaryDirectory(prefix='fire_replay_') as folder:
        plain = Path(folder) / path.stem
        try:
            with zstd.open(path, 'rb') as packed, plain.open('wb') as unpacked:
                shutil.copyfileobj(packed, unpacked)
        except (zstd.ZstdError, EOFError) as error:
            raise BagError(f'{path}: cannot be decompressed: {error}') from error
        except OSError as error:
            raise BagError(f'{path}: cannot be decompressed into {folder}: {error.strerror}: '
                           f'TMPDIR names another place with more room') from error
        yield plain


def decompress_message(data: bytes) -> bytes:
    """Return the bytes of a single message, decompressed where they are compressed."""
    # CDR begins with 0 0 or 0 1, zstd with its magic number (RFC 8878, section 3.1.1).
    if data[:4] != b'\x28\xb5\x2f\xfd':
        return data
    from backports import zstd
    return zstd.decompress(data)


def _read_metadata(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    try:
        with path.open('rb') as file:
            return YAML(typ='safe').load(file)['rosbag2_bagfile_information']
    except YAMLError as error:
        raise ValueError(str(error)) from error


def _names_in_metadata(path: Path) -> tuple[list[str], list[str]]:
    if not path.is_file():
        return [], []
    try:
        # Older recorders wrote the folder's name before the file's.
        return [PurePath(name).name for name in _read_metadata(path)['relative_file_paths']], []
    except (OSError, KeyError, TypeError, ValueError) as error:
        return [], [f'{path}: not the metadata of a bag ({type(error).__name__}): the files '
                    f'beside it are read without']


def _uncompressed(path: Path) -> Path:
    return path.with_suffix('') if path.suffix == COMPRESSED_SUFFIX else path


def _order(path: Path) -> tuple[str, int]:
    stem = _uncompressed(path).stem
    match = _NUMBERED.fullmatch(stem)
    return (match[1], int(match[2])) if match else (stem, -1)
