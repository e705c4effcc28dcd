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

import yaml

from components.contracts.files import copy_whole, fresh_folder, remove_parts
from components.contracts.plain_text import plain_lines
from components.contracts.progress import Event, parse
from components.contracts.slots import VARIABLE as SLOTS
from components.contracts.slots import make_slots
from pipelines.compile import compile_pipeline, local_tag
from pipelines.runs.endings import StageError, ended_by_signals
from pipelines.runs.folder import RESULTS, start_anew
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
    side, or where there are fewer so many trainings of theirs, which changes no result.

    Leaves report.html, verdict.json, ledger.csv, summary.md, pipeline.yaml, run.log and artifacts/ in the folder, which
    the caller owns; a run that was killed while it copied its results is only brought to its end. checkpoints/ stays
    until the run has succeeded, so that an interrupted one goes on where it was; a folder of `checkpoints` that several
    runs share stays for good. Raises StageError naming the stage that failed, or Interrupted
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
    if not _bring_results(folder):
        _run_stages(folder, view, cells, runner, shared or folder / "checkpoints")
        if not _bring_results(folder):
            raise StageError(f"the pipeline ended without its results (log: {folder / 'run.log'})")
    if not shared:
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def _bring_results(folder: Path) -> bool:
    """Copy the results of a run whose last stage has written all of them; return whether there was one."""
    ended = folder.glob("artifacts/*/compare")
    found = [path for path in ended if all((path / output).is_file() for output in RESULTS.values())]
    if len(found) != 1:
        return False
    remove_parts(folder, *RESULTS)
    for name, output in RESULTS.items():
        copy_whole(found[0] / output, folder / name)
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    return True


def _run_stages(folder: Path, view: View, cells: int, runner: str, checkpoints: Path) -> None:
    start_anew(folder, keep_checkpoints=True)
    artifacts, temporary = folder / "artifacts", fresh_folder(folder / "tmp")
    artifacts.mkdir()
    checkpoints.mkdir(parents=True, exist_ok=True)
    with _compiling:  # KFP compiles one pipeline at a time
        parameters = yaml.safe_load((folder / "parameters.yaml").read_text(encoding="utf-8"))
        compile_pipeline(folder / "pipeline.yaml", tag=local_tag(parameters))
    command = [
        sys.executable,
        "-m",
        "pipelines.local.kfp_local",
        *map(str, (folder / "pipeline.yaml", folder / "parameters.yaml", artifacts)),
        runner,
        str(cells),
    ]
    slots = temporary / "slots"
    make_slots(slots, cells)
    environment = {**stage_environment(checkpoints, temporary), SLOTS: str(slots)}
    events: list[Event] = []
    containers = _no_container_left(artifacts) if runner == "docker" else nullcontext()
    started = _process_group(command, environment)
    advice = f"the same command with --out {folder} goes on with the GANs where they were"
    with ended_by_signals(advice), containers, started as process, (folder / "run.log").open("w") as log:
        last = ""
        for raw in process.stdout or ():
            line = plain_lines(raw.rstrip("\n"))
            log.write(f"{line}\n")
            log.flush()
            last = line.strip() or last
            event = parse(line)
            if event:
                events.append(event)
                view.show(event)
        failed = process.wait() != 0
    if failed:
        raise StageError(f"{_failure(events, last, folder)} (log: {folder / 'run.log'})")


def stage_environment(checkpoints: Path, temporary: Path) -> dict[str, str]:
    """Return the environment of the stages: that of this process, less what would lead them astray.

    Their temporary files lie in the run's folder (KFP leaves one a stage). Their packages are looked for where this
    process looks, in the same order (gansweep.py), and not in the working folder. Keras runs on TensorFlow, with the
    settings it comes with and not those in the user's home.
    """
    return {
        **os.environ,
        "GANSWEEP_CHECKPOINTS": str(checkpoints),
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": str(temporary / "keras"),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
    }


def _failure(events: list[Event], last: str, folder: Path) -> str:
    for event in events:
        if event.kind == "failed":
            if DISK_FULL.search(event.error):
                return f"{_name(event)} failed: {_disk_full(folder)}"
            return f"{_name(event)} failed: {event.reason}"
    ended = {(event.stage, event.cell) for event in events if event.kind == "finished"}
    for event in events:
        if event.kind == "started" and (event.stage, event.cell) not in ended:
            return f"{_name(event)} ended without a word of its own: it was killed, perhaps for want of memory"
    if DISK_FULL.search(last):
        return f"the pipeline failed: {_disk_full(folder)}"
    return f"the pipeline failed outside its stages: {last or 'without a word'}"


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
