"""Opens a data set: the one function that lists what is there, with every check that needs no pixels.

A data set is a folder per class, optionally under `train/` and `test/`, or images in any folders and a table that holds
their labels; on this machine or in object storage. A file `data_set.json` at its root may hold a `name` and a `notice`,
a sentence shown on every report made from it.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.contracts.errors import InputError
from components.contracts.plain_text import plain
from components.contracts.user_files import LARGEST_TEXT, read_beneath, read_file
from components.data_set.columns import check_wanted
from components.data_set.facts import Facts, table_facts
from components.data_set.files import ImageFile
from components.data_set.layout import lay_out
from components.data_set.listing import LARGEST_FILE, Listing, is_archive, list_folder, list_objects
from components.data_set.summary import TableSummary, summarise
from components.data_set.table import read_table
from components.data_set.words import shown
from components.storage.addresses import local_file, open_bucket
from components.storage.objects import CONNECTIONS, StoredObject

if TYPE_CHECKING:
    from components.storage.bucket import Bucket

ABOUT = "data_set.json"


@dataclass(frozen=True)
class DataSet:
    """A data set that was listed, not yet read. `files` are in the order of their paths.

    `table` tells how a table about the images was understood (None without one), `subgroups` name its columns to
    report by. `warnings` are lines about what was left out or looks unlike what is meant.
    """

    name: str
    notice: str
    source: "Path | Bucket"
    classes: tuple[str, ...]
    files: tuple[ImageFile, ...]
    subgroups: tuple[str, ...] = ()
    table: TableSummary | None = None
    warnings: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The folder or address that it lies in."""
        return str(self.source) if isinstance(self.source, Path) else self.source.address

    @property
    def has_test_folder(self) -> bool:
        """Whether the test set is given, not to be drawn."""
        return any(file.split == "test" for file in self.files)

    def pooled(self) -> "DataSet":
        """Return the data set without its own division into train/ and test/: one pool, for test folds."""
        return replace(self, files=tuple(replace(file, split="") for file in self.files))

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
            return read_beneath(self.source, file.path, LARGEST_FILE)
        return self.source.read(StoredObject(file.path, file.size, file.version))

    def digest(self) -> str:
        """Return a SHA-256 of all that is known before reading, which changes with any file and with the table."""
        whole = hashlib.sha256()
        for file in self.files:
            known = (file.path, file.size, file.version, file.label, file.split, file.group, *file.subgroups)
            whole.update(("\0".join(map(str, known)) + "\n").encode())
        whole.update("\n".join((*self.subgroups, *self.understood(), *self.warnings)).encode())
        return whole.hexdigest()

    def contents(self) -> str:
        """Return in words how many files there are, and of which classes."""
        counts = ", ".join(f"{shown(name)} {self.count(name, 'train', 'test', ''):,}" for name in self.classes)
        labels = "the table" if self.table and "label" in self.table.columns else "their folders"
        return f"{len(self.files):,} files, classes by {labels} ({counts})"

    def understood(self) -> list[str]:
        """Return lines that say how the data set and its table were understood."""
        line = f"data set: {self.contents()}, test set {'given' if self.has_test_folder else 'to be drawn'}"
        return [line, *(self.table.lines() if self.table else [])]


def open_data_set(
    address: str,
    table: str = "",
    table_columns: dict[str, Any] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> DataSet:
    """List the data set at `address`, a folder, or minio://bucket/prefix in object storage, and read its table.

    `table` is a path or address ("" for none), `table_columns` names its columns where they haven't their usual names.
    `progress` is told how many files were found so far. Raises InputError if anything is missing, unreadable, empty, or
    not what it would be taken for.
    """
    columns = table_columns or {}
    check_wanted(columns)
    if columns and not table:
        raise InputError("table_columns: names columns, but there is no table; set table")
    source, default_name, about, listing = _list(address, progress)
    where = str(source) if isinstance(source, Path) else source.address
    name, notice = _about(where, default_name, about)
    facts = _facts(where, table, columns, listing) if table else None
    label_named = facts is not None and "label" in facts.named and facts.has_labels
    labelled = facts is not None and facts.has_labels
    layout = lay_out(where, listing, has_table=bool(table), labelled=labelled, label_named=label_named)
    files, summary, said = summarise(layout, facts)
    classes = tuple(sorted({file.label for file in files}))
    subgroups = facts.subgroups if facts else ()
    return DataSet(name, notice, source, classes, files, subgroups, summary, (*layout.warnings, *said))


def find_positive_class(wanted: str, classes: tuple[str, ...]) -> str:
    """Return the class whose misses cost most: the wanted one, or `malignant` where none is named.

    Capitals don't count. Raises InputError if there is no such class.
    """
    name = wanted or "malignant"
    found = [label for label in classes if label == name] or [
        label for label in classes if label.casefold() == name.casefold()
    ]
    if not found:
        raise InputError(
            f"positive_class: '{shown(name)}' is not a class of the data set; "
            f"set it to the class whose misses cost most: {shown(', '.join(classes))}"
        )
    return found[0]


def _list(address: str, progress: Callable[[int], None]) -> "tuple[Path | Bucket, str, bytes, Listing]":
    """Return the source, its own name, the content of data_set.json and the listing."""
    if not address:
        raise InputError("data_set: no data set is named; give the folder that holds one folder a class")
    if "://" in address:
        bucket = open_bucket("data_set", address)
        objects = bucket.objects(first_contact=True)
        about = next((bucket.read(item) for item in objects if item.name == ABOUT), b"{}")
        return bucket, bucket.address.rpartition("/")[2], about, list_objects(bucket.address, objects)
    root = Path(address).expanduser()
    if not root.exists():
        raise InputError(f"data_set: {root}: there is no such folder; check the path")
    if not root.is_dir():
        archive = "an archive; unpack it and" if is_archive(root.name) else "a file;"
        raise InputError(f"data_set: {root}: is {archive} give the folder that holds one folder a class")
    root = root.resolve()
    path = root / ABOUT
    return (
        root,
        root.name,
        read_file("data_set: ", path, LARGEST_TEXT) if path.is_file() else b"{}",
        list_folder(root, progress),
    )


def _facts(where: str, table: str, columns: dict[str, Any], listing: Listing) -> Facts:
    with local_file("table", table) as path:
        read = read_table(path, shown(table))
    images = [file.path for file in listing.files if file.may_be_image]
    if not images:
        others = "".join(f"; {shown(file.path)} is {file.refused}" for file in listing.files[:1])
        raise InputError(f"data_set: {where}: holds no images{others}")
    return table_facts(read, columns, images)


def _about(where: str, default_name: str, about: bytes) -> tuple[str, str]:
    """Return the name and the notice of a data set."""
    try:
        said = json.loads(about)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}/{ABOUT}: not valid JSON ({error})") from None
    if not isinstance(said, dict):
        raise InputError(f'{where}/{ABOUT}: expected an object, {{"name": "...", "notice": "..."}}')
    return plain(str(said.get("name", default_name))), plain(str(said.get("notice", "")))
