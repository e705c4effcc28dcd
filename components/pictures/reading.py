"""Reads every image file of a data set once, in parallel."""

import os
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore

import numpy as np
from PIL import Image

from components.contracts.errors import InputError
from components.contracts.machine import this_machine
from components.contracts.pixels import let_go
from components.data_set.data_set import DataSet, ImageFile
from components.pictures.decode import THUMBNAIL, RefusedImage, decode
from components.pictures.room import FILE_BYTES, LARGE_BLOCK, PICTURE_BYTES, PROCESS_BYTES, Room

LET_GO_EVERY = 256  # pictures


@dataclass(frozen=True)
class Reading:
    """What the files of a data set hold; N readable images in the order of their paths.

    `images` uint8, N x S x S x 3; `thumbnails` uint8, N x 32 x 32 x 3; `sha256` one digest of the decoded pixels an
    image; `refused` are (file, reason); `notes` names what was converted of each image, `converted` counts the files by
    kind of conversion.
    """

    files: tuple[ImageFile, ...]
    images: np.ndarray
    thumbnails: np.ndarray
    sha256: np.ndarray
    refused: tuple[tuple[ImageFile, str], ...]
    notes: tuple[tuple[str, ...], ...]
    converted: dict[str, int]


def read_images(
    data_set: DataSet,
    size: int,
    threads: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    memory: int | None = None,
    bits_used: int = 16,
    scratch: Path | None = None,
) -> Reading:
    """Decode all files of `data_set` into pictures of `size` pixels, on `threads` threads (Pillow frees the GIL).

    More threads than that wait for files where these come over a network. Large files and pictures wait for each other,
    so that what is under way stays below `memory` in bytes (what this process may use, if None).
    A file that can't be used is refused with its reason, never raised. `progress` is told how many files are done, of
    how many, in steps of 5%. The pictures lie in memory, or in a file without a name in the folder `scratch`, mapped,
    which is gone with the last reference. Raises InputError where they, or a single one while decoded, don't fit in
    memory.
    """
    files = sorted(data_set.files, key=lambda file: file.path)
    total = len(files)
    held = THUMBNAIL**2 if scratch else size**2 + THUMBNAIL**2  # pixels of a picture that stay in memory
    free = _free_memory(total, size, 3 * held * total, this_machine().memory if memory is None else memory)
    Image.core.set_block_size(LARGE_BLOCK)
    decoding = Room(min(free // 2, threads * PICTURE_BYTES), free)
    holding = Room(min(free // 4, threads * FILE_BYTES), free)
    images = _in_a_file(scratch, total, size) if scratch else np.empty((total, size, size, 3), dtype=np.uint8)
    thumbnails = np.empty((total, THUMBNAIL, THUMBNAIL, 3), dtype=np.uint8)

    def read(row: int) -> tuple[str, tuple[str, ...]]:
        file = files[row]
        if file.refused:
            raise RefusedImage(file.refused)
        with holding.taken(file.size):
            try:
                data = data_set.read(file)
            except OSError as error:
                raise RefusedImage(f"it can't be read ({error.strerror or error})") from None
            with processors:
                picture = decode(data, size, decoding.taken, bits_used)
        images[row], thumbnails[row] = picture.pixels, picture.thumbnail
        return picture.sha256, picture.notes

    kept: list[int] = []
    sha256: list[str] = []
    refused: list[tuple[ImageFile, str]] = []
    notes: list[tuple[str, ...]] = []
    step = max(1, total // 20)
    processors = BoundedSemaphore(threads)
    with warnings.catch_warnings(), ThreadPoolExecutor(max(threads, data_set.readers)) as pool:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # decode has its own, lower limit
        warnings.filterwarnings("ignore", module="PIL")  # damaged metadata and the like: nothing a user can act on
        readings = [pool.submit(read, row) for row in range(total)]
        for row, reading in enumerate(readings):
            try:
                digest, said = reading.result()
            except MemoryError as error:
                pool.shutdown(wait=False, cancel_futures=True)
                why = f" ({error})" if str(error) else ""
                raise InputError(
                    f"data_set: out of memory while {files[row].path} was decoded{why}; "
                    "give more memory or smaller pictures"
                ) from None
            except RefusedImage as error:
                refused.append((files[row], str(error)))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # else the pool would go on with all others first
                raise
            else:
                kept.append(row)
                sha256.append(digest)
                notes.append(said)
            if (row + 1) % LET_GO_EVERY == 0:
                let_go(images)
            if (row + 1) % step == 0 or row + 1 == total:
                progress(row + 1, total)
    for target, row in enumerate(kept):  # close the gaps in place: a copy would double the memory
        if target < row:
            images[target], thumbnails[target] = images[row], thumbnails[row]
            if target % LET_GO_EVERY == 0:
                let_go(images)
    let_go(images)
    return Reading(
        files=tuple(files[row] for row in kept),
        images=images[: len(kept)],
        thumbnails=thumbnails[: len(kept)],
        sha256=np.array(sha256, dtype=np.str_),
        refused=tuple(refused),
        notes=tuple(notes),
        converted=dict(sorted(Counter(note for said in notes for note in said).items())),
    )


def scratch_beside(folder: str | Path) -> Path:
    """Return the folder around one that is to be written, the next that is there: its disk takes the pictures later."""
    return next(around for around in Path(folder).absolute().parents if around.is_dir())


def _in_a_file(folder: Path, total: int, size: int) -> np.ndarray:
    """Return room for pictures (uint8 [N, S, S, 3]) in a file without a name; raises OSError where the disk is full."""
    shape = (total, size, size, 3)
    if not total:
        return np.empty(shape, dtype=np.uint8)
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, int(np.prod(shape)))  # now, not as a page is written
        return np.memmap(file, np.uint8, "r+", shape=shape)


def _free_memory(total: int, size: int, pictures: int, memory: int) -> int:
    """Return the bytes that are left for decoding, beside the `pictures`, which are copied once to be sorted."""
    if 2 * pictures + PROCESS_BYTES > memory:
        raise InputError(
            f"image_size: {total:,} images of {size} x {size} pixels take {2 * pictures / 1e9:.1f} GB while they are "
            f"sorted, this stage has {memory / 1e9:.1f} GB; give it more memory, or lower image_size"
        )
    return memory - 2 * pictures - PROCESS_BYTES
