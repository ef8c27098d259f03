# SPDX-License-Identifier: Apache-2.0
"""
Images that look alike, though their bytes differ: the leaks that no comparison of files finds.

Perceptual hashes of 64 bits by imagehash: signs of the low frequencies of a small gray image
(C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fire_detector.images.files import read_image
import imagehash
import numpy as np
from numpy.typing import NDArray
import PIL.Image
from tqdm import tqdm
from training.data.samples import Sample

# Pairs are near-duplicates up to so many of 64 bits; of unrelated images, 32 differ on average.
MAX_BITS = 6
BITS = 64
# Images that are compared with all others at a time.
BLOCK = 1024


@dataclass(frozen=True)
class Pair:
    """
    Two images that look alike.

    :ivar bits: how many bits of their hashes differ, 0..MAX_BITS.
    """

    first: Sample
    second: Sample
    bits: int

    @property
    def leaks(self) -> bool:
        """Return whether the two are in different splits."""
        return self.first.split != self.second.split


def find_pairs(samples: Sequence[Sample]) -> list[Pair]:
    """
    Find images of different groups that look alike, one of them mirrored or not.

    :param samples: images that can be read.
    :return: the pairs, the most alike first; those of one group are known to be alike.
    """
    plain, mirrored = _hashes(samples)
    groups = np.unique([sample.group for sample in samples], return_inverse=True)[1]
    found = []
    for start in range(0, len(samples), BLOCK):
        block = slice(start, start + BLOCK)
        # Of signs, the product is the number of equal bits less that of different ones.
        likeness = np.maximum(plain[block] @ plain.T, mirrored[block] @ plain.T)
        bits = ((BITS - likeness) / 2).round().astype(int)
        alike = (bits <= MAX_BITS) & (groups[block, np.newaxis] != groups)
        for row, column in np.argwhere(alike).tolist():
            if start + row < column:
                found.append(Pair(samples[start + row], samples[column], int(bits[row, column])))
    return sorted(found, key=lambda pair: pair.bits)


def _hashes(samples: Sequence[Sample]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the signs of the hashes as they are, and mirrored: each of shape (images, BITS)."""
    with ThreadPoolExecutor() as readers:
        signs = np.array(list(tqdm(readers.map(_signs, samples), total=len(samples),
                                   desc='hashing images', disable=None)), np.float32)
    return signs[:, 0], signs[:, 1]


def _signs(sample: Sample) -> NDArray[np.float32]:
    image = PIL.Image.fromarray(np.ascontiguousarray(read_image(sample.path).in_order('RGB')))
    mirrored = image.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    return np.array([np.where(imagehash.phash(view).hash.ravel(), 1, -1)
                     for view in (image, mirrored)], np.float32)
