"""Lists what lies in a folder or a bucket: litter is passed over, links out of it aren't followed."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from components.contracts.errors import InputError
from components.data_set.words import shown
from components.storage.objects import StoredObject

# Larger files aren't read: a picture of 50 million pixels (see decode.py) has 150 MB at most, in 8 bits.
LARGEST_FILE = 200_000_000
# What systems, archives and download tools leave behind, beside all that begins with a dot.
LITTER = {
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "system volume information",
    "lost+found", "attribution.txt", "license.txt", "licence.txt", "license", "readme.txt", "readme.md", "readme",
    "citation.txt", "__pycache__",
}  # fmt: skip
_ARCHIVE = "an archive: unpack it first"
# Endings that say a file is no image, and what it is.
NO_IMAGES = {
    **dict.fromkeys((".txt", ".md", ".html", ".htm", ".pdf", ".doc", ".docx", ".log", ".ini"), "text"),
    **dict.fromkeys((".csv", ".tsv", ".xlsx", ".xls", ".json", ".xml", ".yaml", ".yml"), "a table or description"),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".gz", ".7z", ".rar", ".bz2", ".xz"), _ARCHIVE),
    **dict.fromkeys((".npy", ".npz", ".mat", ".h5", ".hdf5", ".pkl"), "an array: export its pictures as PNG first"),
    **dict.fromkeys((".py", ".ipynb", ".sh"), "code"),
    **dict.fromkeys((".mp4", ".avi", ".mov"), "a film"),
    ".dcm": "DICOM: export it as PNG or JPEG first",
    **dict.fromkeys((".heic", ".heif", ".avif"), "a format that isn't read: export it as PNG or JPEG first"),
    **dict.fromkeys((".nii", ".nii.gz"), "a volume: export its slices as PNG first"),
}
_NO_IMAGE = "not an image: "
MOST_BEHIND_A_LINK = 10_000
LISTED_AT_A_TIME = 1000


@dataclass(frozen=True)
class Found:
    """One file: `path` relative to the data set, with forward slashes; `refused` says why it may not be read."""

    path: str
    refused: str = ""
    size: int = 0
    version: str = ""

    @property
    def may_be_image(self) -> bool:
        """Whether nothing in its name says that it is something else."""
        return not self.refused.startswith(_NO_IMAGE)


@dataclass(frozen=True)
class Listing:
    """What lies there: files in the order of their paths, all folders, also empty ones, and what was passed over."""

    files: tuple[Found, ...]
    folders: frozenset[str]
    warnings: tuple[str, ...]


def list_folder(root: Path, progress: Callable[[int], None]) -> Listing:
    """List a folder; `progress` is told the number of files found, a thousand at a time.

    Files behind links that leave the folder, and behind links to folders, count as refused, each one. Raises
    InputError if a folder may not be read, or changes meanwhile.
    """
    files: list[Found] = []
    folders: list[str] = []
    litter: Counter[str] = Counter()
    waiting = [root]
    try:
        while waiting:
            folder = waiting.pop()
            for entry in os.scandir(folder):
                if _is_litter(entry.name):
                    litter[_printable(entry.name)] += 1
                    continue
                path = Path(entry.path)
                name = _printable(path.relative_to(root).as_posix())
                if entry.is_dir(follow_symlinks=False):
                    if _printable(entry.name) != entry.name:
                        raise InputError(f"data_set: {root / name}: the name of a folder must be UTF-8; rename it")
                    folders.append(name)
                    waiting.append(path)
                elif entry.is_symlink() and path.is_dir():
                    folders.append(name)
                    files += [Found(f"{name}/{inner}", "behind a link to a folder") for inner in _behind(path)]
                else:
                    files.append(_file(root, path, name))
                if len(files) % LISTED_AT_A_TIME == 0:
                    progress(len(files))
    except PermissionError as error:
        raise InputError(f"data_set: {error.filename}: may not be read; check its permissions") from None
    except FileNotFoundError as error:
        raise InputError(f"data_set: {error.filename}: vanished while the data set was listed; try again") from None
    except OSError as error:
        raise InputError(f"data_set: {shown(str(error.filename)[:200])}: can't be listed ({error.strerror})") from None
    return _listing(files, folders, litter)


def list_objects(address: str, objects: Iterable[StoredObject]) -> Listing:
    """Lay out the objects below an address as `list_folder` does with a folder; there are no empty folders here."""
    files: list[Found] = []
    folders: set[str] = set()
    litter: Counter[str] = Counter()
    for item in objects:
        parts = item.name.split("/")
        if "" in parts[:-1] or "." in parts or ".." in parts:
            raise InputError(
                f"data_set: {address}/{shown(item.name)}: the object's name holds an empty or dotted folder; rename it"
            )
        dropped = next((part for part in parts if _is_litter(part)), None)
        if dropped is not None:
            litter[dropped] += 1
        elif parts[-1]:  # an object that ends with a slash is a folder's place-holder
            folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
            files.append(Found(item.name, _refusal_by_name(item.name, item.size), item.size, item.etag))
    return _listing(files, folders, litter)


def is_archive(name: str) -> bool:
    """Whether a file's ending is one of archives."""
    return _kind(name) == _ARCHIVE


def _kind(name: str) -> str:
    ending = ".nii.gz" if name.casefold().endswith(".nii.gz") else "." + name.rpartition(".")[2].casefold()
    return NO_IMAGES.get(ending, "")


def _listing(files: list[Found], folders: Iterable[str], litter: Counter[str]) -> Listing:
    warnings = []
    if litter:
        kinds = ", ".join(f"{shown(name)} {number:,}" for name, number in litter.most_common(5))
        more = ", ..." if len(litter) > 5 else ""
        warnings.append(f"passed over what systems and tools leave behind: {kinds}{more}")
    return Listing(tuple(sorted(files, key=lambda file: file.path)), frozenset(folders), tuple(warnings))


def _file(root: Path, path: Path, name: str) -> Found:
    refused = _refusal(root, path)
    if refused:
        return Found(name, refused)
    state = path.stat()
    return Found(name, _refusal_by_name(name, state.st_size), state.st_size, str(state.st_mtime_ns))


def _refusal(root: Path, path: Path) -> str:
    """Return why a file may not be read, "" if it may: only what lies in the data set is, and nothing that blocks."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return "a link to nothing"
    if not real.is_relative_to(root):
        return "a link that leaves the data set"
    if not real.is_file():
        return "not a regular file"
    return "" if _printable(str(path)) == str(path) else "its name is not UTF-8"


def _refusal_by_name(name: str, size: int) -> str:
    kind = _kind(name)
    if kind:
        return _NO_IMAGE + kind
    return f"larger than {LARGEST_FILE / 1e6:g} MB" if size > LARGEST_FILE else ""


def _behind(link: Path) -> Iterator[str]:
    """Yield the names of the files behind a link to a folder, to be counted; links there aren't followed further."""
    number = 0
    for parent, folders, files in os.walk(link):
        folders[:] = sorted(name for name in folders if not _is_litter(name))
        for name in sorted(files):
            if _is_litter(name):
                continue
            number += 1
            if number > MOST_BEHIND_A_LINK:
                return
            yield _printable((Path(parent) / name).relative_to(link).as_posix())


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name.casefold() in LITTER


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
