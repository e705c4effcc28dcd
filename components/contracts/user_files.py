"""Reads files that a user names: regular ones only, opened once, up to a size, and no further than their folder."""

import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from components.contracts.errors import InputError

LARGEST_TEXT = 1_000_000  # bytes of a preset or a sweep
LARGEST_WEIGHTS = 2_000_000_000
_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO would be waited for


def read_file(name: str, path: str | Path, most: int, *, follow: bool = True) -> bytes:
    """Return the bytes of a file of at most `most` bytes; `name` says in messages what it is for.

    Raises InputError if it is missing, unreadable, larger, not a regular file, or (`follow` False) a link.
    """
    with open_file(name, path, most, follow=follow) as file:
        return file.read(os.fstat(file.fileno()).st_size)


def read_text(name: str, path: str | Path, most: int = LARGEST_TEXT, *, follow: bool = True) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark; raises InputError as `read_file` does."""
    try:
        return read_file(name, path, most, follow=follow).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{name}{path}: not text in UTF-8; save it with that encoding") from None


def file_digest(name: str, path: str | Path, most: int = LARGEST_WEIGHTS) -> str:
    """Return the SHA-256 of a file of at most `most` bytes; raises InputError as `read_file` does."""
    with open_file(name, path, most) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_file(name: str, path: str | Path, most: int, *, follow: bool = True) -> BufferedReader:
    """Open a file as `read_file` does."""
    try:
        handle = os.open(path, _OPEN | (0 if follow else os.O_NOFOLLOW))
    except FileNotFoundError:
        raise InputError(f"{name}{path}: there is no such file; check the path") from None
    except OSError as error:
        reason = "it is a link" if not follow and Path(path).is_symlink() else error.strerror
        raise InputError(f"{name}{path}: can't be read ({reason})") from None
    state = os.fstat(handle)
    # Files that the kernel makes up, such as those of /proc, say that they are empty.
    unfit = "not a regular file" if not stat.S_ISREG(state.st_mode) else "it is empty" if not state.st_size else ""
    if state.st_size > most:
        unfit = f"larger than {most / 1e6:,g} MB"
    if unfit:
        os.close(handle)
        raise InputError(f"{name}{path}: can't be read ({unfit}); give another file")
    return os.fdopen(handle, "rb")


def read_beneath(root: Path, path: str, most: int) -> bytes:
    """Return the bytes of the regular file at `path` below `root`, a folder without links in its own path.

    Links within `root` are followed; every step is opened without following one, so that what is replaced by a link
    meanwhile is not read. Raises OSError, with a message of its own for what leads out of `root` or is no such file.
    """
    real = Path(os.path.realpath(root / path))
    if not real.is_relative_to(root):
        raise OSError("it leads out of the data set")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        *parents, last = real.relative_to(root).parts
        for part in parents:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = below
        with os.fdopen(os.open(last, _OPEN | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise OSError("not a regular file")
            if state.st_size > most:
                raise OSError(f"larger than {most / 1e6:g} MB")
            return file.read(state.st_size)
    finally:
        os.close(folder)
