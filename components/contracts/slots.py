"""Slots: how many trainings of one machine run side by side, whichever cells of its loops they belong to.

A cell holds a slot as it works, and takes those that no other cell wants for helpers (as `make` and the makes that it
calls share the tokens of its jobserver). A slot is an empty file that is locked by whoever holds it: where that process
is killed, the system gives the slot back. Their folder is told in GANSWEEP_SLOTS; without it, as in a pod, there is no
other cell, and nothing to wait for.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.contracts.files import fresh_folder

VARIABLE = "GANSWEEP_SLOTS"
SECONDS_BETWEEN_LOOKS = 0.1
_WANTED = "wanted"


def make_slots(folder: Path, count: int) -> None:
    """Make the folder afresh, with so many slots."""
    fresh_folder(folder)
    for name in (*map(str, range(count)), _WANTED):
        (folder / name).touch()


@contextmanager
def slot() -> Iterator[None]:
    """Hold a slot as long as the block runs. Where all are taken, helpers give theirs back, each after its training."""
    folder = _folder()
    if folder is None:
        yield
        return
    handle = _wait(folder)
    try:
        yield
    finally:
        os.close(handle)


def spare_slot() -> int | None:
    """Return the handle of a slot that no cell has or waits for, or None; closing the handle gives the slot back."""
    folder = _folder()
    if folder is None:
        return os.open(os.devnull, os.O_RDONLY)
    return None if wanted() else _free(folder)


def wanted() -> bool:
    """Return whether a cell waits for a slot."""
    folder = _folder()
    if folder is None:
        return False
    handle = _locked(folder / _WANTED, fcntl.LOCK_EX)
    if handle is not None:
        os.close(handle)
    return handle is None


def _folder() -> Path | None:
    given = os.environ.get(VARIABLE)
    return Path(given) if given else None


def _wait(folder: Path) -> int:
    waiting = os.open(folder / _WANTED, os.O_RDONLY)
    fcntl.flock(waiting, fcntl.LOCK_SH)
    try:
        while (handle := _free(folder)) is None:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return handle
    finally:
        os.close(waiting)


def _free(folder: Path) -> int | None:
    for path in folder.iterdir():
        if path.name != _WANTED and (handle := _locked(path, fcntl.LOCK_EX)) is not None:
            return handle
    return None


def _locked(path: Path, kind: int) -> int | None:
    """Return a handle of a file that is locked by it, or None if another process has locked it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
