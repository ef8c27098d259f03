# SPDX-License-Identifier: Apache-2.0
"""Tests of the allocator's settings, by what the kernel counts."""

import subprocess
import sys

# Allocate and free a 640x480 image of three channels, as a subscriber does.
CODE = """
import resource
from fire_detector.ros.process import keep_freed_memory
import numpy as np
{setting}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        np.ones(640 * 480 * 3, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def page_faults(setting: str) -> int:
    """Count the pages that the kernel hands out for a hundred images."""
    process = subprocess.run(
        [sys.executable, '-c', CODE.format(setting=setting)], capture_output=True, text=True,
        timeout=60, check=True,
        # Thresholds that do not adapt, as with freed buffers of other sizes in between.
        env={'MALLOC_MMAP_THRESHOLD_': '131072'})
    return int(process.stdout)


def test_memory_of_an_image_is_kept_for_the_next() -> None:
    """An image of 921,600 bytes is 225 pages of 4 KiB, each time; none when it is kept."""
    assert page_faults('') > 100 * 200
    assert page_faults('assert keep_freed_memory()') < 225
