"""Opens a data set: the one module that knows where image files come from.

A data set is a folder per class, optionally under `train/` and `test/`. A file `data_set.json` at its root
may hold a `name` and a `notice`, a sentence shown on every report made from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.errors import InputError
from components.files import read_json


@dataclass(frozen=True)
class ImageFile:
    """One file of a data set.

    `path` is relative to the data set, with forward slashes; `split` is "train", "test" or, in a data set
    without these folders, "". `refused` says why a file may not be read at all ("" for all others).
    """

    path: str
    label: str
    split: str
    refused: str = ""


@dataclass(frozen=True)
class DataSet:
    """A data set that was listed, not yet read. `files` are in the order of their paths."""

    name: str
    notice: str
    root: Path
    classes: tuple[str, ...]
    files: tuple[ImageFile, ...]

    @property
    def has_test_folder(self) -> bool:
        """Whether the test set is given, not to be drawn."""
        return any(file.split == "test" for file in self.files)

    def count(self, label: str, *splits: str) -> int:
        """Return the number of files of a class in the given splits."""
        return sum(file.label == label and file.split in splits for file in self.files)

    def read(self, file: ImageFile) -> bytes:
        """Return the bytes of one file. Safe to call from several threads."""
        return (self.root / file.path).read_bytes()


def open_data_set(address: str) -> DataSet:
    """List the data set at `address`, a folder.

    Raises InputError if it is missing, unreadable, empty or not a folder per class.
    """
    if "://" in address:
        scheme = address.split("://")[0]
        raise InputError(f"data_set: {address}: {scheme}:// addresses are not supported yet; give a folder")
    if not address:
        raise InputError("data_set: no data set is named; give the folder that holds one folder a class")
    root = Path(address).expanduser()
    if not root.exists():
        raise InputError(f"data_set: {root}: there is no such folder; check the path")
    if not root.is_dir():
        raise InputError(f"data_set: {root}: is a file; give the folder that holds one folder a class")
    root = root.resolve()
    try:
        files = tuple(_files(root))
    except PermissionError as error:
        raise InputError(f"data_set: {error.filename}: may not be read; check its permissions") from None
    if not files:
        raise InputError(f"data_set: {root}: holds no images; expected one folder a class, with images inside")
    about = read_json(root / "data_set.json") if (root / "data_set.json").exists() else {}
    classes = tuple(sorted({file.label for file in files}))
    return DataSet(about.get("name", root.name), about.get("notice", ""), root, classes, files)


def _files(root: Path) -> Iterator[ImageFile]:
    folders = _folders(root)
    names = [folder.name for folder in folders]
    if "train" not in names and "test" not in names:
        yield from _class_files(root, root, "")
        return
    if "train" not in names:
        raise InputError(f"data_set: {root}: has test/ but no train/; put what may be learnt from into train/")
    others = [name for name in names if name not in ("train", "test")]
    if others:
        raise InputError(f"data_set: {root / others[0]}: stands beside train/; move its images into train/ or out")
    for folder in folders:
        yield from _class_files(root, folder, folder.name)


def _class_files(root: Path, parent: Path, split: str) -> Iterator[ImageFile]:
    for folder in _folders(parent):
        for path in sorted(folder.rglob("*")):
            if path.is_dir() or any(part.startswith(".") for part in path.relative_to(parent).parts):
                continue
            outside = path.is_symlink() and not path.resolve().is_relative_to(root)
            refused = "a link that leaves the data set" if outside else ""
            yield ImageFile(path.relative_to(root).as_posix(), folder.name, split, refused)


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
