"""The contract for images between stages: one packed array and one table of its rows.

An image set is a folder of three files, whatever the number of images:

    images.npy     uint8, N x S x S x 3, RGB, 0..255; opens memory-mapped
    rows.csv       one row an image, in the order of the array: path, label, split, fold, group, sha256, and a column
                   a subgroup (sex, age, ...), empty where nothing is known
    imageset.json  name, notice, classes, positive_class, image_size, rows
"""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from components.contracts.arms import GAN
from components.contracts.errors import InputError
from components.contracts.files import fresh_folder, read_json, write_json
from components.contracts.pixels import pieces

# Below this many development images a class's synthetic images can't be judged.
FEWEST_IMAGES = 12
_GOLDEN = (5**0.5 - 1) / 2  # steps of this share of a circle come as evenly as any, however many there are
COLUMNS = ("path", "label", "split", "fold", "group", "sha256")


@dataclass(frozen=True)
class ImageSet:
    """Images and what is known of each; all arrays have N rows in one order.

    `labels` are indices into `classes`. `splits` is "development", "test" or "synthetic", or the name of an external
    test set. `folds` numbers the validation folds of the development set from 0: replicate r validates on fold r modulo
    their number. In the test set it is that of the test fold, where there are several; -1 elsewhere. `groups` names the
    lesion, patient or near-duplicates an image belongs to; for a synthetic image it is the generator that drew it
    (`gan-0`, ...). `positive_class` is the one whose misses cost most. `notice` is shown on every report made from the
    set. `subgroups` names the columns by which results are also reported, each with a value an image (str, N; "" where
    nothing is known), such as {"sex": ["male", "", ...], "age": ["<40", ...]}.
    """

    name: str
    notice: str
    classes: tuple[str, ...]
    images: np.ndarray
    paths: np.ndarray
    labels: np.ndarray
    splits: np.ndarray
    folds: np.ndarray
    groups: np.ndarray
    sha256: np.ndarray
    positive_class: str = ""
    subgroups: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_size(self) -> int:
        """Height and width of the images, in pixels."""
        return int(self.images.shape[1])

    def subset(self, chosen: np.ndarray | slice, pixels: bool = True) -> "ImageSet":
        """Return some of the rows: `chosen` is a mask (bool, N), an order of row numbers, or a slice.

        Without `pixels`, for who looks at all else alone, none are copied: `images` is empty.
        """
        rows = ("paths", "labels", "splits", "folds", "groups", "sha256")
        subgroups = {name: values[chosen] for name, values in self.subgroups.items()}
        images = self.images[chosen] if pixels else self.images[:0]
        return replace(self, images=images, **{name: getattr(self, name)[chosen] for name in rows}, subgroups=subgroups)

    def by_split(self) -> dict[str, "ImageSet"]:
        """Return the rows of each split, which stand together, as external test sets do; no pixels are copied."""
        names, starts = np.unique(self.splits, return_index=True)
        ends = np.append(np.sort(starts), len(self))
        order = np.argsort(starts)
        return {
            str(names[number]): self.subset(slice(start, end))
            for number, start, end in zip(order, ends[:-1], ends[1:], strict=True)
        }

    def counts(self) -> dict[str, int]:
        """Return the number of images of each class."""
        return {name: int(np.sum(self.labels == i)) for i, name in enumerate(self.classes)}

    def digest(self) -> str:
        """Return a SHA-256 over the path, label, group and pixel digest of every row, in order."""
        whole = hashlib.sha256()
        for row in zip(self.paths, self.labels, self.groups, self.sha256, strict=True):
            whole.update("\x1f".join(map(str, row)).encode() + b"\n")
        return whole.hexdigest()

    def validation_mask(self, replicate: int) -> np.ndarray:
        """Return a mask (bool, N) of the development rows that `replicate` validates on and never learns from.

        The first replicates take the folds in turn. For every further turn the groups are dealt into folds anew, each
        in exchange for one of as many images of the same classes: no two replicates learn from the same rows.
        """
        turn, fold = divmod(replicate, int(self.folds.max()) + 1)
        return (self._folds_anew(turn) if turn else self.folds) == fold

    def _folds_anew(self, turn: int) -> np.ndarray:
        groups, first, number = np.unique(self.groups, return_index=True, return_inverse=True)
        contents = np.zeros((len(groups), len(self.classes)), np.int64)
        np.add.at(contents, (number, self.labels), 1)
        kinds = np.unique(contents, axis=0, return_inverse=True)[1].ravel()
        folds = self.folds[first]
        rng = np.random.default_rng([turn, *self.folds.tolist()])
        for kind in range(kinds.max() + 1):
            alike = np.flatnonzero(kinds == kind)
            folds[alike] = rng.permutation(folds[alike])
        return folds[number]

    def generators_of(self, source: str) -> list[str]:
        """Return the names of a source's generators (`gan-0`, `gan-1`, ...), by number."""
        names = {str(name) for name in np.unique(self.groups) if str(name).rpartition("-")[0] == source}
        return sorted(names, key=lambda name: int(name.rpartition("-")[2]))

    def synthetic_rows(self, label: int, generator: str, count: int, replicate: int) -> np.ndarray:
        """Return the row numbers (int64) of the `count` synthetic images of a class that a replicate takes.

        They come from one generator, in its fixed order, so that a larger number holds the smaller ones. Of an external
        set, which may have more, each replicate begins elsewhere; GANs draw as many as are taken. Raises InputError if
        there are fewer.
        """
        rows = np.flatnonzero((self.labels == label) & (self.groups == generator))
        if len(rows) < count:
            raise InputError(f"synthetic set: {count} images of {self.classes[label]} wanted, {len(rows)} there")
        if generator.rpartition("-")[0] != GAN:
            rows = np.roll(rows, -int(len(rows) * (replicate * _GOLDEN % 1)))
        return rows[:count]


def fold_count(validation_share: float) -> int:
    """Return the number of validation folds that come closest to a share of the development set, at least 2."""
    return max(2, round(1 / validation_share))


def smallest_class(gan_batch_size: int, validation_share: float) -> int:
    """Return how many development images a class needs so that its training rows fill one batch of a GAN."""
    folds = fold_count(validation_share)
    return -(-gan_batch_size * folds // (folds - 1))


def pixel_digest(image: np.ndarray) -> str:
    """Return the SHA-256 of an image's pixels (uint8, any shape)."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def write_imageset(folder: str | Path, imageset: ImageSet, chosen: np.ndarray | None = None) -> None:
    """Write an image set, or the `chosen` rows of it (mask or numbers), afresh into `folder`.

    What stood there is removed. Pixels are copied a piece at a time.
    """
    rows = np.arange(len(imageset)) if chosen is None else np.arange(len(imageset))[chosen]
    with pixels_written(folder, imageset.image_size) as add:
        for piece in pieces(imageset.images, rows):
            add(piece)
    write_rows(folder, imageset.subset(rows, pixels=False))


@contextmanager
def pixels_written(folder: str | Path, size: int) -> Iterator[Callable[[np.ndarray], None]]:
    """Write the pixels of an image set afresh into `folder`, piece by piece: sets larger than the memory.

    Yields what takes the next images (uint8, n x S x S x 3, S = `size`). `write_rows` makes the set whole.
    """
    count = 0
    with (fresh_folder(folder) / "images.npy").open("wb") as file:

        def header() -> None:
            about = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
            np.lib.format.write_array_header_1_0(file, about)  # of one length for any count: NumPy leaves it room

        def add(images: np.ndarray) -> None:
            nonlocal count
            file.write(np.ascontiguousarray(images, dtype=np.uint8).data)
            count += len(images)

        header()
        yield add
        file.seek(0)
        header()


def write_rows(folder: str | Path, imageset: ImageSet) -> None:
    """Write all of an image set but its pixels into `folder`."""
    folder = Path(folder)
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow((*COLUMNS, *imageset.subgroups))
        writer.writerows(_rows(imageset))
    write_json(
        folder / "imageset.json",
        {
            "name": imageset.name,
            "notice": imageset.notice,
            "classes": list(imageset.classes),
            "positive_class": imageset.positive_class,
            "image_size": imageset.image_size,
            "rows": len(imageset),
        },
    )


def read_imageset(folder: str | Path) -> ImageSet:
    """Open an image set, its pixels memory-mapped; raises InputError that says which file is wrong and why."""
    folder = Path(folder)
    about = read_json(folder / "imageset.json")
    missing = {"name", "notice", "classes", "positive_class", "image_size", "rows"} - set(about)
    if missing:
        raise InputError(f"{folder / 'imageset.json'}: lacks {', '.join(sorted(missing))}")
    images = read_pixels(folder)
    size = about["image_size"]
    if images.dtype != np.uint8 or images.shape != (about["rows"], size, size, 3):
        expected = f"uint8 {about['rows']} x {size} x {size} x 3"
        raise InputError(f"{folder / 'images.npy'}: holds {images.dtype} {images.shape}, expected {expected}")
    table = folder / "rows.csv"
    try:
        with table.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
    except (OSError, ValueError) as error:
        raise InputError(f"{table}: not a table of rows ({error})") from None
    if tuple(header[: len(COLUMNS)]) != COLUMNS or len(set(header)) < len(header) or len(rows) != about["rows"]:
        raise InputError(f"{table}: {len(rows)} rows of {header}, expected {about['rows']} of {list(COLUMNS)}")
    if any(len(row) != len(header) for row in rows):
        raise InputError(f"{table}: a row without {len(header)} columns")
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    paths, names, splits, folds, groups, sha256, *subgroups = columns
    classes = tuple(about["classes"])
    index = {name: i for i, name in enumerate(classes)}
    unknown = sorted(set(names) - set(classes))
    if unknown:
        raise InputError(f"{table}: label '{unknown[0]}' is not one of the classes {', '.join(classes)}")
    return ImageSet(
        name=about["name"],
        notice=about["notice"],
        classes=classes,
        images=images,
        paths=_strings(paths),
        labels=np.array([index[name] for name in names], dtype=np.int64),
        splits=_strings(splits),
        folds=np.array(folds, dtype=np.int64),
        groups=_strings(groups),
        sha256=_strings(sha256),
        positive_class=about["positive_class"],
        subgroups=dict(zip(header[len(COLUMNS) :], map(_strings, subgroups), strict=True)),
    )


def read_pixels(folder: str | Path) -> np.ndarray:
    """Open the pixels of an image set (uint8, N x S x S x 3), memory-mapped; raises InputError if they can't be."""
    path = Path(folder) / "images.npy"
    try:
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        except ValueError:  # an empty array can't be mapped
            return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a packed image array ({error})") from None


def _rows(imageset: ImageSet) -> Iterable[tuple]:
    names = [imageset.classes[label] for label in imageset.labels]
    columns = (imageset.paths, names, imageset.splits, imageset.folds, imageset.groups, imageset.sha256)
    return zip(*columns, *imageset.subgroups.values(), strict=True)


def _strings(values: Iterable[str]) -> np.ndarray:
    return np.array(list(values), dtype=np.str_)
