"""Carries out the runs of a sweep, so many at once, on this machine or in the cluster, and goes on where it was.

A run that is finished has all its results in its folder and is never repeated. Its artifacts stay, for the verdict over
all arms is computed from them.
"""

import json
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from components.contracts.errors import InputError
from components.contracts.files import read_json, write_json
from components.contracts.machine import this_machine
from components.contracts.progress import Event
from pipelines.digest import code_digest
from pipelines.local.run import end_runs, run_locally
from pipelines.runs.endings import StageError, ended_by_signals
from pipelines.runs.folder import check_holds, is_finished, open_run_folder, owned
from pipelines.runs.table import load_verdict
from pipelines.sweep.plan import PlannedRun, Sweep
from pipelines.sweep.view import SweepView

ABOUT = "sweep-runs.json"
SECONDS_TO_END = 10


@dataclass(frozen=True)
class Work:
    """How a run is done: `do` takes it, its folder and what shows its events; `end` breaks off all under way."""

    do: Callable[[PlannedRun, Path, Callable[[Event], None]], None]
    end: Callable[[], None]


@dataclass(frozen=True)
class _Shown:
    """A view of one run that hands its events on."""

    show: Callable[[Event], None]


def open_sweep_folder(folder: Path, sweep: Sweep) -> None:
    """Make the folder of a sweep, or go on with the one of an interrupted one.

    Raises InputError if it can't be written, holds something else, another sweep, or runs made by other code.
    """
    about, wanted = folder / ABOUT, json.loads(json.dumps(sweep.to_json()))
    check_holds(folder, ABOUT)
    if about.exists() and read_json(about) != wanted:
        raise InputError(f"--out: {folder} holds another {sweep.kind}; give a new or empty folder")
    try:
        write_json(about, wanted)
    except OSError as error:
        raise InputError(f"--out: {folder} can't be written ({error.strerror}); give another folder") from None
    for own in (run_folder(folder, run) for run in sweep.runs):
        if is_finished(own) and load_verdict(own)["code_digest"] != code_digest():
            raise InputError(
                f"--out: {own} was made by other code than this, and all of a {sweep.kind} must be made by the same; "
                "remove that folder to repeat it, or give a new folder"
            )


def run_folder(folder: Path, run: PlannedRun) -> Path:
    """Return where a run of the sweep lies."""
    return folder / "runs" / run.name


def work_here(checkpoints: Path, jobs: int, runs_at_once: int, runner: str = "subprocess") -> Work:
    """Return how a run is done on this machine; all runs share the `checkpoints` of their GANs, and its processors.

    `jobs` is how many GANs or arms are trained side by side, in all runs together; 0 leaves it to the machine.
    """

    def do(run: PlannedRun, own: Path, show: Callable[[Event], None]) -> None:
        threads = max(run.parameters["gan_threads"], run.parameters["classifier_threads"])
        cells = (jobs or this_machine().cells_at_once(threads)) // runs_at_once
        with owned(own):
            open_run_folder(own, run.parameters)
            run_locally(own, _Shown(show), max(1, cells), runner, checkpoints)

    return Work(do, end_runs)


def carry_out(sweep: Sweep, folder: Path, work: Work, view: SweepView) -> None:
    """Do all runs that are not finished, at most `runs_at_once` at a time, those that train GANs first.

    After a failure no further run starts, those under way come to their end, and StageError names the run that failed.
    Raises Interrupted when a signal comes.
    """
    waiting = [run for run in sweep.runs if not is_finished(run_folder(folder, run))]
    finished = [run.name for run in sweep.runs if run not in waiting]
    for name in finished:
        view.finished(name)
    threads: dict[str, threading.Thread] = {}
    ended: queue.SimpleQueue[tuple[PlannedRun, Exception | None]] = queue.SimpleQueue()

    def do(run: PlannedRun) -> None:
        try:
            work.do(run, run_folder(folder, run), lambda event: view.show(run.name, event))
            ended.put((run, None))
        except Exception as error:
            ended.put((run, error))

    failure: Exception | None = None
    try:
        with ended_by_signals(f"the same command goes on with the {sweep.kind} in {folder}"):
            while threads or (waiting and not failure):
                ready = [run for run in waiting if not run.after or run.after in finished]
                for run in ready[: 0 if failure else sweep.runs_at_once - len(threads)]:
                    waiting.remove(run)
                    view.started(run.name)
                    threads[run.name] = threading.Thread(target=do, args=(run,), daemon=True)
                    threads[run.name].start()
                run, error = ended.get()
                del threads[run.name]
                if error:
                    view.failed(run.name)
                    failure = failure or _named(run, error)
                else:
                    finished.append(run.name)
                    view.finished(run.name)
    finally:
        if threads:
            work.end()
            for thread in threads.values():
                thread.join(SECONDS_TO_END)
    if failure:
        raise failure


def _named(run: PlannedRun, error: Exception) -> Exception:
    """Return the error of a run with its name before it; errors of the program itself stay as they are."""
    if isinstance(error, StageError | InputError):
        return StageError(f"run {run.name}: {error}; the same command goes on with the others")
    return error
