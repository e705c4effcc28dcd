"""What a person sees while a run is under way."""

import time
from collections.abc import Iterable
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from components.contracts.progress import Event

SECONDS_BETWEEN_LINES = 15
# Below this many columns a terminal has no room for bars and losses.
NARROW = 90


class View(Protocol):
    """Shows the events of a run."""

    def show(self, event: Event) -> None:
        """Show one event."""


class PlainView:
    """One plain line an event, for logs and pipes; progress at most every 15 s a cell, and always the last.

    Notes and warnings are shown once; those in `said` have been.
    """

    def __init__(self, console: Console, said: Iterable[str] = ()) -> None:
        self._console = console
        self._said = set(said)
        self._pace = _Pace()
        self._shown: dict[tuple[str, str], float] = {}

    def show(self, event: Event) -> None:
        """Print the event, unless it is progress that comes too soon after the last line."""
        key, now = (event.stage, event.cell), time.monotonic()
        name = _name(event)
        if event.kind in ("note", "warning"):
            say_once(self._console, self._said, event)
            return
        if event.kind == "started":
            self._shown[key] = now
            self._print(f"{name}: started")
        elif event.kind == "finished":
            self._print(f"{name}: finished in {_duration(event.seconds)}")
        elif event.kind == "failed":
            self._print(f"{name}: failed")
        else:
            left = self._pace.left(event)
            if now - self._shown.get(key, now) >= SECONDS_BETWEEN_LINES or event.done == event.planned:
                self._shown[key] = now
                left = f", {left}" if left else ""
                self._print(f"{name}: {event.done}/{event.planned} {event.unit}{_figures(event)}{left}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class LiveView:
    """A table of bars on a terminal: stage, progress, losses, time gone and left. Use it as a context manager."""

    def __init__(self, console: Console, said: Iterable[str] = ()) -> None:
        self._said = set(said)
        # Names of classes stand here: nothing in them is taken for markup.
        name = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
        bar = BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=4))
        done = TextColumn("{task.fields[done]}", markup=False, table_column=Column(no_wrap=True, justify="right"))
        wide = Column(ratio=2, no_wrap=True, overflow="ellipsis")
        figures = TextColumn("{task.fields[figures]}", markup=False, table_column=wide)
        elapsed = TimeElapsedColumn(table_column=Column(no_wrap=True))
        left = TextColumn(
            "{task.fields[left]}", style="dim", markup=False, table_column=Column(no_wrap=True, justify="right")
        )
        narrow = console.width < NARROW
        columns = (name, done, left) if narrow else (name, bar, done, figures, elapsed, left)
        self._progress = Progress(*columns, console=console, expand=not narrow)
        self._pace = _Pace()
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> "LiveView":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Add or update the bar of the event's cell; a note or warning is a line above the bars."""
        if event.kind in ("note", "warning"):
            say_once(self._progress.console, self._said, event)
            return
        key = (event.stage, event.cell)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(_name(event), total=None, done="", figures="", left="")
        task = self._tasks[key]
        if event.kind == "started":  # perhaps again, after a pod that was lost
            self._progress.reset(task, total=None, done="", figures="", left="")
        elif event.kind == "progress":
            done = f"{event.done}/{event.planned} {event.unit}"
            figures, left = _figures(event).lstrip(", "), self._pace.left(event)
            self._progress.update(
                task, completed=event.done, total=event.planned, done=done, figures=figures, left=left
            )
        elif event.kind == "finished":
            self._progress.update(task, total=1, completed=1, left="")
        elif event.kind == "failed":
            self._progress.update(task, figures="failed", left="")
            self._progress.stop_task(task)


class _Pace:
    """How fast each cell goes, from its first report on: a training that goes on where it was did not do all itself."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], tuple[float, int]] = {}

    def left(self, event: Event) -> str:
        """Return the time left of the event's cell as text, "" if there is none or nothing to judge it by."""
        now = time.monotonic()
        since, before = self._first.setdefault((event.stage, event.cell), (now, event.done))
        if not before < event.done < event.planned:
            return ""
        return f"{_duration((now - since) * (event.planned - event.done) / (event.done - before))} left"


def say_once(console: Console, said: set[str], event: Event) -> None:
    """Print a note or a warning, unless it was said before."""
    if event.text not in said:
        said.add(event.text)
        line, style = (f"warning: {event.text}", "yellow") if event.kind == "warning" else (event.text, None)
        console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _name(event: Event) -> str:
    return event.stage if event.cell == "-" else f"{event.stage} {event.cell}"


def _figures(event: Event) -> str:
    return "".join(f", {key} {value}" for key, value in event.figures.items())


def _duration(seconds: float) -> str:
    seconds = round(seconds)
    return f"{seconds} s" if seconds < 100 else f"{seconds // 60} min {seconds % 60:02} s"
