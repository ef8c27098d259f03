# SPDX-License-Identifier: Apache-2.0
"""Keep the memory of one picture for the next."""

import ctypes

# Parameters of glibc's allocator: man 3 mallopt.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
# Bytes. The largest that glibc takes on 64 bits; above a 4K picture of three channels.
_LARGEST_PICTURE = 32 * 2 ** 20
_KEPT_AT_MOST = 2 * _LARGEST_PICTURE


def keep_freed_memory() -> bool:
    """
    Have freed buffers as large as a picture stay with the process.

    By default glibc gives each to the kernel, which hands it back a picture later, page by page,
    cleared: on a 640x480 camera, half of what a subscriber costs. At most 64 MiB at the end of
    the heap are kept. Other C libraries are left as they are.

    :return: whether the allocator took it.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_PICTURE)
                and mallopt(_M_TRIM_THRESHOLD, _KEPT_AT_MOST))
