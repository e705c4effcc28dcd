"""Opens a data set: the one module that knows where image files come from.

A data set is a folder per class, optionally under `train/` and `test/`. A file `data_set.json` at its root
may hold a `name` and a `notice`, a sentence shown on every report made from it.
"""

import os
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
    name, notice = _about(root)
    classes = tuple(sorted({file.label for file in files}))
    return DataSet(name, notice, root, classes, files)


def find_positive_class(wanted: str, classes: tuple[str, ...]) -> str:
    """Return the class whose misses cost most: the wanted one, or `malignant` where none is named.

    Raises InputError if there is no such class.
    """
    name = wanted or "malignant"
    if name not in classes:
        raise InputError(
            f"positive_class: '{name}' is not a class of the data set; "
            f"set it to the class whose misses cost most: {', '.join(classes)}"
        )
    return name


def _about(root: Path) -> tuple[str, str]:
    path = root / "data_set.json"
    about = read_json(path) if path.exists() else {}
    if not isinstance(about, dict):
        raise InputError(f'{path}: expected an object, {{"name": "...", "notice": "..."}}')
    return str(about.get("name", root.name)), str(about.get("notice", ""))


def _files(root: Path) -> Iterator[ImageFile]:
    folders = _folders(root)
    names = [folder.name for folder in folders]
    for name in names:
        if name.lower() in ("train", "test") and name != name.lower():
            raise InputError(f"data_set: {root / name}: write it in small letters, {name.lower()}/")
    if "train" not in names and "test" not in names:
        yield from _class_files(root, root, "")
        return
    if "train" not in names:
        raise InputError(f"data_set: {root}: has test/ but no train/; put what may be learnt from into train/")
    others = [name for name in names if name not in ("train", "test")]
    if others:
        raise InputError(f"data_set: {root / others[0]}: stands beside train/; move its images into train/ or out")
    for folder in folders:
        if not _folders(folder):
            raise InputError(f"data_set: {folder}: holds no folder of a class; fill or remove it")
        yield from _class_files(root, folder, folder.name)


def _class_files(root: Path, parent: Path, split: str) -> Iterator[ImageFile]:
    for folder in _folders(parent):
        if _printable(folder.name) != folder.name:
            raise InputError(f"data_set: {_printable(str(folder))}: the name of a class must be UTF-8; rename it")
        paths = _walk(folder)
        if not paths:
            raise InputError(f"data_set: {folder}: holds no images; fill or remove it")
        for path in paths:
            name = path.relative_to(root).as_posix()
            yield ImageFile(_printable(name), folder.name, split, _refusal(root, path))


def _walk(folder: Path) -> list[Path]:
    """Return all files below a folder, and the links to folders, which aren't followed; hidden ones are passed over."""

    def fail(error: OSError) -> None:
        raise error

    found: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=fail):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in files + links if not name.startswith(".")]
    return sorted(found)


def _refusal(root: Path, path: Path) -> str:
    """Return why a file may not be read, "" if it may: only what lies in the data set is, and nothing that blocks."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return "a link to nothing"
    if not real.is_relative_to(root):
        return "a link that leaves the data set"
    if real.is_dir():
        return "a link to a folder, which isn't followed"
    if not real.is_file():
        return "not a regular file"
    return "" if _printable(str(path)) == str(path) else "its name is not UTF-8"


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
