"""The contract for features between stages: what a frozen network makes of the rows of image sets.

A folder with two files a set, whatever the number of images, and one about them all:

    <set>.npy       float16, N x V x D: rows, views of each (the first is the image as it is), features; memory-mapped
    <set>-rows.npy  int64, N: their row numbers in the image set, rising
    features.json   extractor, weights, weights_sha256, input_size, dimensions, sets: {<set>: {rows, views,
                    image_set_digest}}

The sets are called development, test, synthetic and external. Not every image has features: only those that a stage
looks at.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.contracts.errors import InputError
from components.contracts.files import read_json, whole_file
from components.contracts.imageset import ImageSet
from components.contracts.pixels import let_go

VIEWS = 8  # the quarter turns of an image and of its mirror image
MOST_MEASURED = 5000  # images of a class, or of one generator of a class, that the audit looks at


@dataclass(frozen=True)
class FeatureSet:
    """Features of some rows of one image set: `values` (float16 [N, V, D], memory-mapped) of `rows` (int64 [N])."""

    path: Path
    rows: np.ndarray
    values: np.ndarray

    def of(self, rows: np.ndarray, views: int = 1) -> np.ndarray:
        """Return the features of some rows (int [n], any order) in their first views, float32 [n, views, D].

        Raises InputError if one of the rows, or of the views, has none.
        """
        if not len(rows):
            return np.empty((0, views, self.values.shape[2]), np.float32)
        if views > self.values.shape[1]:
            raise InputError(f"{self.path}: holds {self.values.shape[1]} views an image, {views} are needed")
        places = np.searchsorted(self.rows, rows)
        there = self.rows[np.minimum(places, len(self.rows) - 1)] == rows if len(self.rows) else np.zeros(len(rows))
        if not np.all(there):
            raise InputError(f"{self.path}: row {rows[np.argmin(there)]} of the image set has no features")
        found = np.asarray(self.values[places, :views], np.float32)
        let_go(self.values)
        return found


@dataclass(frozen=True)
class Features:
    """An opened folder of features; `extractor` says in words what made them, with so many `weights`."""

    folder: Path
    extractor: str
    dimensions: int
    weights: int
    weights_sha256: str
    digests: dict[str, str]

    def open(self, name: str, imageset: ImageSet) -> FeatureSet:
        """Open the features of one set; raises InputError unless they are there, whole, and of these very images."""
        if name not in self.digests:
            raise InputError(f"{self.folder / 'features.json'}: has no set '{name}', only {', '.join(self.digests)}")
        if self.digests[name] != imageset.digest():
            raise InputError(f"{self.folder / 'features.json'}: '{name}' are features of other images; embed them anew")
        path = self.folder / f"{name}.npy"
        rows, values = _load(self.folder / f"{name}-rows.npy"), _load(path)
        if values.dtype != np.float16 or values.ndim != 3 or values.shape[::2] != (len(rows), self.dimensions):
            expected = f"float16 ({len(rows)}, views, {self.dimensions})"
            raise InputError(f"{path}: holds {values.dtype} {values.shape}, expected {expected}")
        outside = len(rows) > 0 and not 0 <= rows[0] <= rows[-1] < len(imageset)
        if rows.dtype != np.int64 or (np.diff(rows) <= 0).any() or outside:
            raise InputError(f"{self.folder / f'{name}-rows.npy'}: not rising row numbers of {len(imageset)} images")
        return FeatureSet(path, np.asarray(rows), values)


def read_features(folder: str | Path) -> Features:
    """Open a folder of features; raises InputError that says which file is wrong and why."""
    folder = Path(folder)
    path = folder / "features.json"
    about: dict[str, Any] = read_json(path)
    try:
        digests = {name: str(one["image_set_digest"]) for name, one in about["sets"].items()}
        size = about["input_size"]
        words = f"{about['extractor']}, {about['dimensions']} features at {size} x {size} pixels"
        weights, sha256 = int(about["weights"]), str(about["weights_sha256"])
        return Features(folder, words, int(about["dimensions"]), weights, sha256, digests)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: not a list of features ({error!r})") from None


def measured_rows(imageset: ImageSet, seed: int) -> np.ndarray:
    """Return the rows (int64, rising) that the audit looks at: at most 5000 a class and generator.

    Of synthetic images those are the first, of real ones (whose groups are lesions or patients) any, fixed by `seed`.
    """
    made = bool((imageset.splits == "synthetic").all())
    sources = imageset.groups if made else np.full(len(imageset), "real")
    kinds = sorted(set(zip(imageset.labels.tolist(), sources.tolist(), strict=True)))
    parts = [np.empty(0, np.int64)]
    for label, source in kinds:
        rows = np.flatnonzero((imageset.labels == label) & (sources == source))
        drawn = rows if made else np.random.default_rng(seed).permutation(rows)
        parts.append(drawn[:MOST_MEASURED])
    return np.sort(np.concatenate(parts))


@contextmanager
def new_features(folder: Path, name: str, rows: np.ndarray, views: int, dimensions: int) -> Iterator[np.ndarray]:
    """Yield the array of a set's features (float16 [N, views, D], on the disk) to be filled; then it is in place."""
    with whole_file(folder / f"{name}-rows.npy") as part, part.open("wb") as file:
        np.save(file, np.asarray(rows, np.int64), allow_pickle=False)
    with whole_file(folder / f"{name}.npy") as part:
        shape = (len(rows), views, dimensions)
        if not len(rows):  # an empty file can't be memory-mapped
            values = np.empty(shape, np.float16)
            with part.open("wb") as file:
                np.save(file, values, allow_pickle=False)
            yield values
        else:
            mapped = np.lib.format.open_memmap(part, "w+", np.float16, shape)
            yield mapped
            mapped.flush()


def _load(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: the file is missing") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a packed array ({error})") from None
