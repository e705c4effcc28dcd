"""What a person sees while a run is under way."""

import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from components.progress import Event

SECONDS_BETWEEN_LINES = 15
# Below this many columns a terminal has no room for bars and losses.
NARROW = 90


class View(Protocol):
    """Shows the events of a run."""

    def show(self, event: Event) -> None:
        """Show one event."""


class PlainView:
    """One plain line an event, for logs and pipes; progress at most every 15 s a cell, and always the last."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started: dict[tuple[str, str], float] = {}
        self._shown: dict[tuple[str, str], float] = {}

    def show(self, event: Event) -> None:
        """Print the event, unless it is progress that comes too soon after the last line."""
        key, now = (event.stage, event.cell), time.monotonic()
        name = _name(event)
        if event.kind == "started":
            self._started[key] = self._shown[key] = now
            self._print(f"{name}: started")
        elif event.kind == "finished":
            self._print(f"{name}: finished in {_duration(event.seconds)}")
        elif event.kind == "failed":
            self._print(f"{name}: failed")
        elif now - self._shown.get(key, now) >= SECONDS_BETWEEN_LINES or event.done == event.planned:
            self._shown[key] = now
            left = (now - self._started.get(key, now)) * (event.planned - event.done) / max(event.done, 1)
            self._print(f"{name}: {event.done}/{event.planned} {event.unit}{_figures(event)}, {_duration(left)} left")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class LiveView:
    """A table of bars on a terminal: stage, progress, losses, time gone and left. Use it as a context manager."""

    def __init__(self, console: Console) -> None:
        name = TextColumn("{task.description}", table_column=Column(no_wrap=True))
        bar = BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=4))
        done = TextColumn("{task.fields[done]}", table_column=Column(no_wrap=True, justify="right"))
        figures = TextColumn("{task.fields[figures]}", table_column=Column(ratio=2, no_wrap=True, overflow="ellipsis"))
        elapsed = TimeElapsedColumn(table_column=Column(no_wrap=True))
        left = _TimeLeft(table_column=Column(no_wrap=True, justify="right"))
        narrow = console.width < NARROW
        columns = (name, done, left) if narrow else (name, bar, done, figures, elapsed, left)
        self._progress = Progress(*columns, console=console, expand=not narrow)
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> "LiveView":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Add or update the bar of the event's cell."""
        key = (event.stage, event.cell)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(_name(event), total=None, done="", figures="", ended=False)
        task = self._tasks[key]
        if event.kind == "progress":
            done = f"{event.done}/{event.planned} {event.unit}"
            self._progress.update(
                task, completed=event.done, total=event.planned, done=done, figures=_figures(event).lstrip(", ")
            )
        elif event.kind == "finished":
            self._progress.update(task, total=1, completed=1, ended=True)
        elif event.kind == "failed":
            self._progress.update(task, figures="[red]failed[/red]", ended=True)
            self._progress.stop_task(task)


class _TimeLeft(ProgressColumn):
    """Time left of a cell, judged from its whole time so far: steadier than a moving estimate."""

    def render(self, task: Task) -> Text:
        if task.fields["ended"] or not task.total or not task.completed or not task.elapsed:
            return Text("")
        left = task.elapsed * (task.total - task.completed) / task.completed
        return Text(f"{_duration(left)} left", style="dim")


def _name(event: Event) -> str:
    return event.stage if event.cell == "-" else f"{event.stage} {event.cell}"


def _figures(event: Event) -> str:
    return "".join(f", {key} {value}" for key, value in event.figures.items())


def _duration(seconds: float) -> str:
    seconds = round(seconds)
    return f"{seconds} s" if seconds < 100 else f"{seconds // 60} min {seconds % 60:02} s"
