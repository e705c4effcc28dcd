"""Gathers the user's own synthetic images: as many of each set as the arms and the audit need."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from components.contracts.errors import InputError
from components.data_set.checks import check_files
from components.data_set.files import ImageFile
from components.data_set.synthetic_sets import SyntheticSet
from components.pictures.reading import read_images

CHUNK = 256  # files read at a time: what is in memory at once


@dataclass(frozen=True)
class Gathered:
    """What was read of one class of a set, in the fixed order: paths in the set, and a digest of each image's pixels.

    `refused` are the files that are no images, with the reason.
    """

    paths: list[str]
    sha256: list[str]
    refused: list[tuple[ImageFile, str]]


def gather(
    one: SyntheticSet,
    label: str,
    most: int,
    size: int,
    seed: int,
    threads: int,
    max_bad_share: float,
    add: Callable[[np.ndarray, list[str]], np.ndarray],
    bits_used: int = 16,
) -> Gathered:
    """Read up to `most` images of a class in a random order fixed by `seed`, and hand their pixels to `add` in chunks.

    `add` takes pixels and paths, and says which of them it took (bool). Images are decoded as those of the data set:
    cropped to a square and scaled to `size`. Where a file is no image or wasn't taken, the next takes its place. Raises
    InputError if more than `max_bad_share` of those looked at are no images.
    """
    files = sorted((file for file in one.data_set.files if file.label == label), key=lambda file: file.path)
    rng = np.random.default_rng([seed, one.number, *one.name.encode(), *label.encode()])
    waiting = [files[i] for i in rng.permutation(len(files))]
    found = Gathered([], [], [])
    looked_at: list[ImageFile] = []
    while waiting and len(found.paths) < most:
        chunk, waiting = waiting[:CHUNK], waiting[CHUNK:]
        looked_at += chunk
        reading = read_images(replace(one.data_set, files=tuple(chunk)), size, threads, bits_used=bits_used)
        places = {file.path: place for place, file in enumerate(reading.files)}
        rows = [places[file.path] for file in chunk if file.path in places][: most - len(found.paths)]
        taken = add(reading.images[rows], [reading.files[row].path for row in rows])
        found.paths.extend(reading.files[row].path for row in np.compress(taken, rows))
        found.sha256.extend(str(reading.sha256[row]) for row in np.compress(taken, rows))
        found.refused.extend(reading.refused)
    reasons = {file.path: reason for file, reason in found.refused}
    try:
        check_files(replace(one.data_set, classes=(label,), files=tuple(looked_at)), reasons, max_bad_share)
    except InputError as error:
        raise InputError(f"synthetic_sets: {one.name}: {str(error).removeprefix('data_set: ')}") from None
    return found
