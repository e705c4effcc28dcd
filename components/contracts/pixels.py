"""Pixels in files, taken a piece at a time: a set may be larger than the memory.

Pages of a file that is mapped stay in memory once they were read, until the system wants it back; what a stage may use
is counted with them. So who looks at many images takes pieces of them, and gives their pages back.
"""

import mmap
from collections.abc import Iterator

import numpy as np

PIECE = 1 << 25  # bytes of pixels that are taken at a time


def taken(images: np.ndarray, rows: np.ndarray | slice) -> np.ndarray:
    """Return a copy of some rows of images (uint8 [N, S, S, 3]); pages of a mapped file are given back."""
    found = np.array(images[rows])
    let_go(images)
    return found


def pieces(images: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield some rows (int64) of images, in their order, a piece at a time."""
    step = max(1, PIECE // max(1, int(np.prod(images.shape[1:]))))
    for start in range(0, len(rows), step):
        yield taken(images, rows[start : start + step])


def let_go(array: np.ndarray) -> None:
    """Give back the memory of an array that is mapped from a file, written or read; its values stay in the file."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)
