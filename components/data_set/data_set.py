"""Opens a data set: the one module that knows where image files come from.

A data set is a folder per class, optionally under `train/` and `test/`, on this machine or in object storage. A file
`data_set.json` at its root may hold a `name` and a `notice`, a sentence shown on every report made from it.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.contracts.errors import InputError
from components.storage.addresses import open_bucket
from components.storage.objects import CONNECTIONS, StoredObject

if TYPE_CHECKING:
    from components.storage.bucket import Bucket

ABOUT = "data_set.json"
# Larger files aren't read: a picture of 50 million pixels (see decode.py) has 150 MB at most, in 8 bits.
LARGEST_FILE = 200_000_000


@dataclass(frozen=True)
class ImageFile:
    """One file of a data set.

    `path` is relative to the data set, with forward slashes; `split` is "train", "test" or, in a data set
    without these folders, "". `refused` says why a file may not be read at all ("" for all others). `size` in bytes;
    `version` changes when the file is written anew (time of the change, or ETag).
    """

    path: str
    label: str
    split: str
    refused: str = ""
    size: int = 0
    version: str = ""


@dataclass(frozen=True)
class DataSet:
    """A data set that was listed, not yet read. `files` are in the order of their paths."""

    name: str
    notice: str
    source: "Path | Bucket"
    classes: tuple[str, ...]
    files: tuple[ImageFile, ...]

    @property
    def address(self) -> str:
        """The folder or address that it lies in."""
        return str(self.source) if isinstance(self.source, Path) else self.source.address

    @property
    def has_test_folder(self) -> bool:
        """Whether the test set is given, not to be drawn."""
        return any(file.split == "test" for file in self.files)

    def count(self, label: str, *splits: str) -> int:
        """Return the number of files of a class in the given splits."""
        return sum(file.label == label and file.split in splits for file in self.files)

    @property
    def readers(self) -> int:
        """How many files to read at the same time: what comes over a network is mostly waited for."""
        return 1 if isinstance(self.source, Path) else CONNECTIONS

    def read(self, file: ImageFile) -> bytes:
        """Return the bytes of one file, checked where they come over a network. Safe to call from several threads."""
        if isinstance(self.source, Path):
            return (self.source / file.path).read_bytes()
        return self.source.read(StoredObject(file.path, file.size, file.version))

    def digest(self) -> str:
        """Return a SHA-256 of the listing, which changes when a file is added, removed or written anew."""
        whole = hashlib.sha256()
        for file in self.files:
            whole.update(f"{file.path}\0{file.size}\0{file.version}\n".encode())
        return whole.hexdigest()


def open_data_set(address: str) -> DataSet:
    """List the data set at `address`, a folder, or minio://bucket/prefix in object storage.

    Raises InputError if it is missing, unreadable, empty or not a folder per class.
    """
    if not address:
        raise InputError("data_set: no data set is named; give the folder that holds one folder a class")
    if "://" in address:
        return _open_bucket(address)
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
    about = root / ABOUT
    return _data_set(root, root.name, about.read_bytes() if about.is_file() else b"{}", files)


def _open_bucket(address: str) -> DataSet:
    bucket = open_bucket("data_set", address)
    objects = bucket.objects(first_contact=True)
    about = next((bucket.read(item) for item in objects if item.name == ABOUT), b"{}")
    return _data_set(bucket, bucket.address.rpartition("/")[2], about, tuple(_objects(bucket.address, objects)))


def _data_set(source: "Path | Bucket", default_name: str, about: bytes, files: tuple[ImageFile, ...]) -> DataSet:
    where = source if isinstance(source, Path) else source.address
    if not files:
        raise InputError(f"data_set: {where}: holds no images; expected one folder a class, with images inside")
    try:
        said = json.loads(about)
    except ValueError as error:
        raise InputError(f"{where}/{ABOUT}: not valid JSON ({error})") from None
    if not isinstance(said, dict):
        raise InputError(f'{where}/{ABOUT}: expected an object, {{"name": "...", "notice": "..."}}')
    classes = tuple(sorted({file.label for file in files}))
    return DataSet(str(said.get("name", default_name)), str(said.get("notice", "")), source, classes, files)


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


def _objects(address: str, objects: list[StoredObject]) -> Iterator[ImageFile]:
    """Lay out the objects below an address as `_files` does with a folder; there are no empty folders here."""
    shown = [item for item in objects if "/" in item.name and not any(p.startswith(".") for p in item.name.split("/"))]
    has_splits = _has_splits(sorted({item.name.split("/")[0] for item in shown}), address)
    for item in shown:
        split, label, *rest = item.name.split("/") if has_splits else ("", *item.name.split("/"))
        if not rest:
            continue  # stands beside the folders of the classes
        yield ImageFile(item.name, label, split, _too_large(item.size), item.size, item.etag)


def _files(root: Path) -> Iterator[ImageFile]:
    folders = _folders(root)
    if not _has_splits([folder.name for folder in folders], str(root)):
        yield from _class_files(root, root, "")
        return
    for folder in folders:
        if not _folders(folder):
            raise InputError(f"data_set: {folder}: holds no folder of a class; fill or remove it")
        yield from _class_files(root, folder, folder.name)


def _has_splits(names: list[str], where: str) -> bool:
    """Whether the folders at the top are train/ and test/, not classes; raises InputError if they are a mixture."""
    for name in names:
        if name.lower() in ("train", "test") and name != name.lower():
            raise InputError(f"data_set: {where}/{name}: write it in small letters, {name.lower()}/")
    if "train" not in names and "test" not in names:
        return False
    if "train" not in names:
        raise InputError(f"data_set: {where}: has test/ but no train/; put what may be learnt from into train/")
    others = [name for name in names if name not in ("train", "test")]
    if others:
        raise InputError(f"data_set: {where}/{others[0]}: stands beside train/; move its images into train/ or out")
    return True


def _class_files(root: Path, parent: Path, split: str) -> Iterator[ImageFile]:
    for folder in _folders(parent):
        if _printable(folder.name) != folder.name:
            raise InputError(f"data_set: {_printable(str(folder))}: the name of a class must be UTF-8; rename it")
        paths = _walk(folder)
        if not paths:
            raise InputError(f"data_set: {folder}: holds no images; fill or remove it")
        for path in paths:
            name = _printable(path.relative_to(root).as_posix())
            refused = _refusal(root, path)
            if refused:
                yield ImageFile(name, folder.name, split, refused)
                continue
            state = path.stat()
            size, version = state.st_size, str(state.st_mtime_ns)
            yield ImageFile(name, folder.name, split, _too_large(size), size, version)


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


def _too_large(size: int) -> str:
    return f"larger than {LARGEST_FILE / 1e6:g} MB" if size > LARGEST_FILE else ""


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
