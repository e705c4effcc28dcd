"""Brings a data set, or a single file, to object storage."""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from components.contracts.errors import InputError
from components.data_set.data_set import ABOUT, open_data_set
from components.data_set.words import first_of, shown
from components.storage.addresses import open_bucket
from components.storage.bucket import Bucket, etag_of
from components.storage.objects import CONNECTIONS

MOST_NAMED = 20  # files left out that are named one by one


@dataclass(frozen=True)
class Transfer:
    """What is to be sent: (name, path) pairs, their `size` in bytes, what isn't sent, and what only the bucket has.

    `left_out` are (path, reason); `foreign` the names of objects below the address that the folder doesn't hold;
    `noticed` what else deserves a look.
    """

    bucket: Bucket
    files: tuple[tuple[str, Path], ...]
    size: int
    left_out: tuple[tuple[str, str], ...]
    foreign: tuple[str, ...]
    noticed: tuple[str, ...] = ()


def plan_upload(source: Path, address: str, table: str = "") -> Transfer:
    """Lay out the upload of a data set (a folder) below `address`, or of one file to `address`.

    `table` is the one that goes with the data set, where folders aren't classes. A file sent to an address that ends
    with a slash keeps its name.

    Raises InputError if there is no such source, if the folder isn't a data set, or if the bucket can't be reached.
    """
    if source.is_file():
        folder, _, name = address.rpartition("/")
        name = name or source.name
        bucket = open_bucket("upload", folder)
        bucket.objects(name, first_contact=True)
        return Transfer(bucket, ((name, source),), source.stat().st_size, (), ())
    data_set = open_data_set(str(source), table)
    if not isinstance(data_set.source, Path):
        raise InputError(f"upload: {source}: lies in object storage already; give a folder of this machine")
    bucket = open_bucket("upload", address)
    there = bucket.objects(first_contact=True)
    sent = [file for file in data_set.files if not file.refused]
    files = [(file.path, data_set.source / file.path) for file in sent]
    size = sum(file.size for file in sent)
    if (data_set.source / ABOUT).is_file():
        files.append((ABOUT, data_set.source / ABOUT))
        size += (data_set.source / ABOUT).stat().st_size
    known = {name for name, _ in files}
    return Transfer(
        bucket,
        tuple(files),
        size,
        tuple((file.path, file.refused) for file in data_set.files if file.refused),
        tuple(item.name for item in there if item.name not in known),
        data_set.warnings,
    )


def upload(transfer: Transfer, done: Callable[[str, int, bool], None]) -> None:
    """Send all files, several at a time; calls `done(name, bytes, sent)` after each, with whether it had to be sent.

    What is there unchanged (same size and ETag) is passed over, so that an interrupted upload can be run again. Raises
    InputError at the first file that can't be sent; none is left half-written.
    """
    there = {item.name: item.etag for item in transfer.bucket.objects()}

    def send(name: str, path: Path) -> tuple[str, int, bool]:
        try:
            if there.get(name) == etag_of(path):
                return name, path.stat().st_size, False
            transfer.bucket.write(name, path)
            return name, path.stat().st_size, True
        except OSError as error:
            raise InputError(f"upload: {path}: can't be read ({error.strerror}); mend or remove it") from None

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            with _interrupts_held_back():
                futures = [pool.submit(send, name, path) for name, path in transfer.files]
            for future in as_completed(futures):
                done(*future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let an interrupt (SIGINT) wait until the end: one amid the start of a thread breaks Python's list of threads."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def upload_with_progress(transfer: Transfer, console: Console) -> None:
    """Send all files and show how far it is: a bar on a terminal, else a line now and then, and the rate at the end."""
    sent_files, sent_bytes, start = 0, 0, time.monotonic()
    columns = (TextColumn("upload"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("upload", total=transfer.size)
        shown = behind = 0

        def done(_name: str, size: int, sent: bool) -> None:
            nonlocal sent_files, sent_bytes, shown, behind
            sent_files, sent_bytes, behind = sent_files + sent, sent_bytes + sent * size, behind + size
            bar.advance(task, size)
            tenth = 10 * behind // max(1, transfer.size)
            if not console.is_terminal and tenth > shown:
                shown = tenth
                console.print(f"upload: {10 * tenth}% of {_megabytes(transfer.size)}", highlight=False)

        upload(transfer, done)
    seconds = max(time.monotonic() - start, 1e-3)
    rate = f" in {seconds:.1f} s, {_megabytes(sent_bytes / seconds)}/s" if sent_files else ""
    there = len(transfer.files) - sent_files
    console.print(
        f"{transfer.bucket.address}: sent {sent_files:,} files ({_megabytes(sent_bytes)}){rate}; "
        f"{there:,} were there already",
        highlight=False,
        soft_wrap=True,
    )


def warnings(transfer: Transfer) -> list[str]:
    """Return what a person should know before: files left out, and objects that would join the data set."""
    said = [f"left out {shown(path)}: {reason}" for path, reason in transfer.left_out[:MOST_NAMED]]
    if len(transfer.left_out) > MOST_NAMED:
        said.append(f"left out {len(transfer.left_out) - MOST_NAMED:,} more files")
    said += transfer.noticed
    if transfer.foreign:
        said.append(
            f"{transfer.bucket.address} also holds {len(transfer.foreign):,} objects that aren't in the folder "
            f"({first_of(transfer.foreign)}); "
            "they become part of the data set unless you remove them"
        )
    return said


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"
