"""What a person sees while a sweep is under way: a bar a run and one over all, or plain lines."""

import time
from collections.abc import Iterable
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from components.contracts.progress import Event
from pipelines.runs.live import say_once
from pipelines.sweep.plan import PlannedRun, Sweep

SECONDS_BETWEEN_LINES = 15


class SweepView(Protocol):
    """Shows what the runs of a sweep do. Its methods may be called from several threads."""

    def started(self, name: str) -> None:
        """A run goes on its way."""

    def show(self, name: str, event: Event) -> None:
        """A stage of a run says something."""

    def finished(self, name: str) -> None:
        """A run has finished, now or in an earlier part of the sweep."""

    def failed(self, name: str) -> None:
        """A run has failed."""


class SweepLines:
    """One plain line a start and an end, and every 15 s how far each run is."""

    def __init__(self, console: Console, sweep: Sweep, said: Iterable[str] = ()) -> None:
        self._console = console
        self._parts = {run.name: _Part(run) for run in sweep.runs}
        self._said: dict[str, float] = {}
        self._told = set(said)
        self._done = 0

    def started(self, name: str) -> None:
        """Say that a run starts."""
        self._said[name] = time.monotonic()
        self._print(f"run {name}: started")

    def show(self, name: str, event: Event) -> None:
        """Say how far a run is, unless it has just been said; the same word of several runs once."""
        if event.kind in ("note", "warning"):
            say_once(self._console, self._told, event)
            return
        share = self._parts[name].add(event)
        if time.monotonic() - self._said.get(name, 0) >= SECONDS_BETWEEN_LINES:
            self._said[name] = time.monotonic()
            self._print(f"run {name}: {100 * share:.0f}%, {self._parts[name].doing}")

    def finished(self, name: str) -> None:
        """Say that a run is finished, and how many are."""
        self._done += 1
        self._print(f"run {name}: finished ({self._done} of {len(self._parts)})")

    def failed(self, name: str) -> None:
        """Say that a run failed."""
        self._print(f"run {name}: failed")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class SweepBars:
    """Bars on a terminal. Use it as a context manager."""

    def __init__(self, console: Console, sweep: Sweep, said: Iterable[str] = ()) -> None:
        self._parts = {run.name: _Part(run) for run in sweep.runs}
        self._told = set(said)
        self._progress = Progress(
            # Names of points and classes stand here: nothing in them is taken for markup.
            TextColumn("{task.description}", markup=False, table_column=_text_column()),
            BarColumn(bar_width=None, table_column=Column(ratio=2, min_width=4)),
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[doing]}", markup=False, table_column=_text_column()),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            console=console,
            expand=True,
        )
        self._shares = dict.fromkeys(self._parts, 0.0)
        self._all = self._progress.add_task(sweep.name, total=len(self._parts), doing="")
        self._tasks = {name: self._progress.add_task(name, total=1, doing="", start=False) for name in self._parts}

    def __enter__(self) -> "SweepBars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, name: str) -> None:
        """Start the clock of a run's bar."""
        self._progress.start_task(self._tasks[name])
        self._progress.update(self._tasks[name], doing="starts")

    def show(self, name: str, event: Event) -> None:
        """Move the bar of a run; a word is a line above the bars, the same one of several runs once."""
        if event.kind in ("note", "warning"):
            say_once(self._progress.console, self._told, event)
            return
        self._move(name, self._parts[name].add(event), self._parts[name].doing)

    def finished(self, name: str) -> None:
        """Fill the bar of a run."""
        self._move(name, 1.0, "finished")
        self._progress.stop_task(self._tasks[name])

    def failed(self, name: str) -> None:
        """Mark the bar of a run."""
        self._progress.update(self._tasks[name], doing="failed")
        self._progress.stop_task(self._tasks[name])

    def _move(self, name: str, share: float, doing: str) -> None:
        self._shares[name] = share
        self._progress.update(self._tasks[name], completed=share, doing=doing)
        done = sum(share == 1 for share in self._shares.values())
        self._progress.update(
            self._all, completed=sum(self._shares.values()), doing=f"{done} of {len(self._shares)} runs"
        )


def _text_column() -> Column:
    return Column(no_wrap=True, overflow="ellipsis", ratio=2)


class _Part:
    """How far one run is: the share of its cells that is behind, those under way by what they report."""

    def __init__(self, run: PlannedRun) -> None:
        # Seven stages once; each GAN; training and evaluation of each arm.
        self._cells = 7 + run.gans + 2 * len(run.parameters["arms"])
        self._behind: dict[tuple[str, str], float] = {}
        self.doing = ""

    def add(self, event: Event) -> float:
        """Take an event in and return the share (0 to 1, below 1)."""
        key = (event.stage, event.cell)
        if event.kind == "finished":
            self._behind[key] = 1.0
        elif event.kind == "progress" and event.planned:
            self._behind[key] = max(self._behind.get(key, 0.0), 0.99 * event.done / event.planned)
        self.doing = event.stage if event.cell == "-" else f"{event.stage} {event.cell}"
        return min(0.999, sum(self._behind.values()) / self._cells)
