"""Starts and ends helpers: processes that train replicates of an arm beside the stage's own."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from components.contracts.errors import InputError
from components.contracts.machine import CELL_BYTES, peak_memory, this_machine
from components.contracts.slots import spare_slot
from components.train_classifier.share import SharedWork

# A helper takes 3 to 5 seconds of a processor to start TensorFlow and to trace its network: as long as an arm has taken
# no more than that itself, it may soon be done without.
SECONDS_TO_START = 5


@dataclass(frozen=True)
class Job:
    """What a helper has to know, beside the work that it shares: paths of what the stage was given, and parameters."""

    development_set: str
    synthetic_set: str
    network: str
    models: str
    arm: str
    seed: int
    settings: dict[str, Any]
    threads: int


class Helpers:
    """The helpers of an arm. None outlives the block of this: they end with the stage, even one that is killed."""

    def __init__(self, job: Job | None, work: SharedWork) -> None:
        """Take what a helper has to know; None has no helpers."""
        self._work = work
        told = {"job": asdict(job), "work": str(work.folder), "replicates": work.replicates} if job else {}
        # In safe mode Python finds no module in the working folder; packages are where this process finds them.
        self._command = [sys.executable, "-P", "-m", "components.train_classifier.helper", json.dumps(told)]
        self._threads = job.threads if job else 0
        self._running: list[subprocess.Popen] = []
        self._since = time.monotonic()

    def __enter__(self) -> "Helpers":
        """Return the helpers, of which none is there yet."""
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End those that are left."""
        for process in list(self._running):
            self._end(process)

    def look(self) -> None:
        """Start a helper where a processor is idle and there is work for it; raise the error of one that has failed."""
        self._check()
        waiting = self._work.replicates - len(self._work.claimed_by()) - len(self._without_work())
        long_enough = time.monotonic() - self._since >= SECONDS_TO_START
        if self._threads and waiting > 0 and long_enough and len(self._running) < self._most():
            slot = spare_slot()
            if slot is not None:
                try:
                    self._start(slot)
                finally:
                    os.close(slot)  # the helper has it now, and gives it back as it ends

    def working(self) -> bool:
        """Return whether helpers are at work; those that came too late for any are ended, errors raised."""
        for process in self._without_work():
            self._end(process)
        self._check()
        return bool(self._running)

    def _most(self) -> int:
        """Return how many helpers this machine has room for; each takes as much memory as this process did."""
        return this_machine().workers(self._threads, max(CELL_BYTES, peak_memory())) - 1

    def _start(self, slot: int) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE, pass_fds=[slot], env=environment)
        self._running.append(process)

    def _without_work(self) -> list[subprocess.Popen]:
        at_work = set(self._work.claimed_by())
        return [process for process in self._running if process.pid not in at_work]

    def _check(self) -> None:
        for process in list(self._running):
            status = process.poll()
            if status is None:
                continue
            self._end(process)
            if status:
                failure = self._work.failure()
                if failure is None:
                    raise RuntimeError(f"a helper was killed (status {status}), perhaps for want of memory")
                kind, reason = failure
                raise InputError(reason) if kind == InputError.__name__ else RuntimeError(f"{kind}: {reason}")

    def _end(self, process: subprocess.Popen) -> None:
        self._running.remove(process)
        process.kill()
        process.communicate()
