"""Runs the compiled pipeline on one machine and leaves its results in a folder."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from components.contracts.progress import Event, parse
from pipelines.compile import compile_pipeline
from pipelines.runs.endings import StageError, ended_by_signals
from pipelines.runs.folder import RESULTS
from pipelines.runs.live import View

GRACE_SECONDS = 5
# What NumPy and everything else say when a disk is full.
DISK_FULL = re.compile(r"No space left on device|requested and \d+ written")

_under_way: set[subprocess.Popen] = set()
_compiling = threading.Lock()


def run_locally(
    folder: Path, view: View, cells: int, runner: str = "subprocess", checkpoints: Path | None = None
) -> None:
    """Run the pipeline with the parameters in `folder`, showing its events in `view`.

    Stages are processes, or with the runner "docker" containers of their images; so many `cells` of a loop run side by
    side, which changes no result.

    Leaves report.html, verdict.json, ledger.csv, summary.md, pipeline.yaml, run.log and artifacts/ in the folder;
    checkpoints/ stays until the run has succeeded, so that an interrupted one goes on where it was; a folder of
    `checkpoints` that several runs share stays for good. Raises StageError naming the stage that failed, or Interrupted
    after every process and container has ended. Signals come to the main thread alone: one that calls this in others
    ends them with `end_runs`.
    """
    folder = folder.resolve()
    try:
        _run(folder, view, cells, runner, checkpoints.resolve() if checkpoints else None)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise StageError(_disk_full(folder)) from None


def end_runs() -> None:
    """End all runs that are under way in any thread; each of them then raises StageError."""
    for process in list(_under_way):
        _end_group(process)


def _run(folder: Path, view: View, cells: int, runner: str, shared: Path | None) -> None:
    artifacts, checkpoints = folder / "artifacts", shared or folder / "checkpoints"
    shutil.rmtree(artifacts, ignore_errors=True)
    artifacts.mkdir()
    checkpoints.mkdir(parents=True, exist_ok=True)
    with _compiling:  # KFP compiles one pipeline at a time
        compile_pipeline(folder / "pipeline.yaml")
    command = [
        sys.executable,
        "-m",
        "pipelines.local.kfp_local",
        *map(str, (folder / "pipeline.yaml", folder / "parameters.yaml", artifacts)),
        runner,
        str(cells),
    ]
    environment = {**os.environ, "GANSWEEP_CHECKPOINTS": str(checkpoints), "PYTHONUNBUFFERED": "1"}
    events: list[Event] = []
    containers = _no_container_left(artifacts) if runner == "docker" else nullcontext()
    started = _process_group(command, environment)
    advice = f"the same command with --out {folder} goes on with the GANs where they were"
    with ended_by_signals(advice), containers, started as process, (folder / "run.log").open("w") as log:
        for line in process.stdout or ():
            log.write(line)
            log.flush()
            event = parse(line)
            if event:
                events.append(event)
                view.show(event)
        failed = process.wait() != 0
    if failed:
        raise StageError(f"{_failure(events, folder)} (log: {folder / 'run.log'})")
    (compare,) = artifacts.glob("*/compare")
    for name, output in RESULTS.items():
        shutil.copyfile(compare / output, folder / name)
    if not shared:
        shutil.rmtree(checkpoints)


def _failure(events: list[Event], folder: Path) -> str:
    for event in events:
        if event.kind == "failed":
            if DISK_FULL.search(event.error):
                return f"{_name(event)} failed: {_disk_full(folder)}"
            return f"{_name(event)} failed: {event.error.removeprefix('InputError: ')}"
    ended = {(event.stage, event.cell) for event in events if event.kind == "finished"}
    for event in events:
        if event.kind == "started" and (event.stage, event.cell) not in ended:
            return f"{_name(event)} ended without a word of its own: it was killed, perhaps for want of memory"
    return "the pipeline failed outside its stages"


def _disk_full(folder: Path) -> str:
    return f"the disk of {folder} is full; make room, then give --out {folder} to go on"


def _name(event: Event) -> str:
    return event.stage if event.cell == "-" else f"{event.stage} {event.cell}"


@contextmanager
def _no_container_left(artifacts: Path) -> Iterator[None]:
    """End the run's containers with the block: they are the Docker engine's children, not this process's."""
    from pipelines.local.containers import remove_containers

    remove_containers(artifacts)  # of a run that was itself killed
    try:
        yield
    finally:
        remove_containers(artifacts)


@contextmanager
def _process_group(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Start a command in a process group of its own; none of its processes outlives the block."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    _under_way.add(process)
    try:
        yield process
    finally:
        _under_way.discard(process)
        _end_group(process)


def _end_group(process: subprocess.Popen) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline:
            process.poll()
            try:
                os.killpg(process.pid, sign)
            except ProcessLookupError:
                return
            time.sleep(0.05)
