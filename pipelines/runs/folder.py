"""The folder of a run or a sweep: what it holds, when it is finished, and who may write there."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from components.contracts.errors import InputError
from components.contracts.files import remove_parts, write_text
from components.storage.objects import is_address
from pipelines.parameters import image_folders
from pipelines.yaml_files import read_mapping

# File in the run's folder -> output of `compare` that it is a copy of.
RESULTS = {"verdict.json": "verdict", "ledger.csv": "ledger", "report.html": "report", "summary.md": "summary"}
SETTINGS = "parameters.yaml"
# What file managers leave in any folder that someone looks into.
LITTER = {".DS_Store", "Thumbs.db", "desktop.ini", ".directory"}
_LOCK = ".lock"


@contextmanager
def owned(folder: Path, kind: str = "run") -> Iterator[None]:
    """Hold a folder, made if it isn't there, for one `kind` of work (run, sweep); none other may begin there.

    The operating system gives it free when this process ends, however it ends. Raises InputError if another holds it or
    it can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _locked(folder)
    except BlockingIOError:
        raise InputError(f"--out: a {kind} is under way in {folder}; wait for it, or give another folder") from None
    except OSError as error:
        raise InputError(f"--out: {folder} can't be written ({error.strerror}); give another folder") from None
    try:
        yield
    finally:
        os.close(handle)


def _locked(folder: Path) -> int:
    """Return a handle that holds the folder; raises BlockingIOError if another does."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return handle
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # network file systems lock files only
        os.close(handle)
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def new_folder(wanted: Path) -> Path:
    """Make a folder that wasn't there: `wanted`, or with -2, -3 ... after its name; raises InputError."""
    number = 1
    while True:
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1
        except OSError as error:
            raise InputError(f"--out: {folder} can't be written ({error.strerror}); give another folder") from None


def folder_name(text: str) -> str:
    """Return a text of a user or a server as the name of a folder: one step of a path, never `..`."""
    return re.sub(r"[^\w.-]+", "-", text)[:80].strip(".-") or "run"


def refuse_among_images(folder: Path, parameters: dict[str, Any]) -> None:
    """Raise InputError for results that would lie among images, where the next run would take them for a class.

    Neither in the data set nor in a synthetic or external one, nor around one: what is run anew is removed before.
    """
    place = folder.resolve()
    for name, address in image_folders(parameters):
        root = Path(address).expanduser().resolve()
        if is_address(address) or not (place == root or root in place.parents or place in root.parents):
            continue
        what = "the data set" if name == "data_set" else name
        how = "lies in" if root in place.parents else "is" if place == root else "holds"
        raise InputError(f"--out: {folder} {how} {what} ({root}); give a folder of its own with --out")


def open_run_folder(folder: Path, parameters: dict[str, Any]) -> None:
    """Make the folder of a run, or go on with the one of an interrupted run of the same parameters.

    Raises InputError if it can't be written, holds something else, or holds a run of other parameters.
    """
    settings = folder / SETTINGS
    check_holds(folder, SETTINGS)
    try:
        if os.path.lexists(settings):
            known = read_mapping("--out: ", settings, "the parameters of a run", follow=False)
            if known != parameters:
                raise InputError(f"--out: {folder} holds a run with other parameters; give a new or empty folder")
        write_text(settings, yaml.safe_dump(parameters, sort_keys=False))
    except OSError as error:
        raise InputError(f"--out: {folder} can't be written ({error.strerror}); give another folder") from None


def check_holds(folder: Path, about: str) -> None:
    """Make `folder` if it isn't there; raises InputError unless it is empty or holds the file `about`.

    What a killed command left half-written of that file is removed, and no reason to refuse.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_parts(folder, about)
        held = {path.name for path in folder.iterdir()} - LITTER - {_LOCK}
    except OSError as error:
        raise InputError(f"--out: {folder} can't be written ({error.strerror}); give another folder") from None
    if held and about not in held:
        raise InputError(f"--out: {folder} holds files of something else; give a new or empty folder")


def is_finished(folder: Path) -> bool:
    """Return whether a run has left all its results in its folder; each is written whole, so that none is cut off."""
    return all((folder / name).is_file() for name in RESULTS)


def start_anew(folder: Path, *, keep_checkpoints: bool = False) -> None:
    """Forget what a run has made in its folder, so that the same command makes it again."""
    remove_parts(folder, *RESULTS, "pipeline.yaml")
    for name in RESULTS:
        (folder / name).unlink(missing_ok=True)
    for name in ("artifacts", *(() if keep_checkpoints else ("checkpoints",))):
        shutil.rmtree(folder / name, ignore_errors=True)
