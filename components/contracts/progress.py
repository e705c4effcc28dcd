"""What a stage says while it works: one plain line an event.

The lines are the pod's log in the cluster and feed the live view of the command line on one machine:

    gansweep started train_gan malignant/0
    gansweep progress train_gan malignant/0 12/200 epochs loss_d=0.53 loss_g=2.11
    gansweep finished train_gan malignant/0 83.1 s
    gansweep failed train_gan malignant/0 InputError: the reason
    gansweep note plan - how the data were understood
    gansweep warning prepare - what a person should look at
"""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType

from components.contracts.errors import InputError, OutageError
from components.contracts.plain_text import plain

# Nothing but blanks or the head of a launcher's line (I1123 launcher.go:) before it: the name of a class or a file in
# some other line starts no event.
_LINE = re.compile(
    r"\s*(?:[IWEF][0-9]{4} [\w.: ]{1,60}[:\]] )?gansweep (?P<kind>started|progress|finished|failed|note|warning) "
    r"(?P<stage>[a-z_]+) (?P<cell>\S+)(?: (?P<rest>.*))?$"
)


@dataclass(frozen=True)
class Event:
    """One line of progress; `cell` is the loop item (a class and replicate, an arm) or "-"."""

    kind: str
    stage: str
    cell: str
    done: int = 0
    planned: int = 0
    unit: str = ""
    figures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    text: str = ""

    @property
    def reason(self) -> str:
        """The error, without the name of its kind where the sentence stands for itself."""
        return self.error.removeprefix(f"{InputError.__name__}: ").removeprefix(f"{OutageError.__name__}: ")


@contextmanager
def stage(name: str, cell: str = "-") -> Iterator[None]:
    """Announce the start and the end of a stage's work, or its own error in one line.

    That line is the last of a stage that refuses its input, for people to find: no traceback follows it.
    """
    cell, start = _word(cell), time.monotonic()
    _say(f"gansweep started {name} {cell}")
    try:
        yield
    except BaseException as error:
        failed(name, cell, f"{type(error).__name__}: {error}")
        if isinstance(error, InputError):
            sys.excepthook = _say_no_more
        raise
    _say(f"gansweep finished {name} {cell} {time.monotonic() - start:.1f} s")


def _say_no_more(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, InputError):
        sys.__excepthook__(kind, error, trace)


def failed(name: str, cell: str, reason: str) -> None:
    """Say in one line why a stage failed, for one that can't say it itself."""
    _say(f"gansweep failed {name} {_word(cell)} {plain(' '.join(reason.split()))}")


def warn(name: str, cell: str, text: str) -> None:
    """Say in one line what a person should look at."""
    _say(f"gansweep warning {name} {_word(cell)} {plain(' '.join(text.split()))}")


def note(name: str, cell: str, text: str) -> None:
    """Say in one line what a person may want to know."""
    _say(f"gansweep note {name} {_word(cell)} {plain(' '.join(text.split()))}")


def report(name: str, cell: str, done: int, planned: int, unit: str, **figures: float) -> None:
    """Say that `done` of `planned` `unit`s (epochs, images, ...) are behind, with figures such as losses."""
    shown = "".join(f" {key}={value:.4g}" for key, value in figures.items())
    _say(f"gansweep progress {name} {_word(cell)} {done}/{planned} {unit}{shown}")


def parse(line: str) -> Event | None:
    """Read an event back from a line of a log (blanks may stand before it); None if there is none."""
    match = _LINE.match(plain(line.strip()))
    if not match:
        return None
    kind, name, cell, rest = (match[group] or "" for group in ("kind", "stage", "cell", "rest"))
    if kind == "failed":
        return Event(kind, name, cell, error=rest)
    if kind in ("note", "warning"):
        return Event(kind, name, cell, text=rest)
    if kind == "finished":
        took = re.match(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) s", rest)
        return Event(kind, name, cell, seconds=float(took[1])) if took else None
    if kind == "progress":
        done = re.fullmatch(r"([0-9]{1,15})/([0-9]{1,15}) (\S+)((?: [^\s=]+=\S+)*)", rest)
        if not done:
            return None
        figures = dict(figure.split("=", 1) for figure in done[4].split())
        return Event(kind, name, cell, int(done[1]), int(done[2]), done[3], figures)
    return Event(kind, name, cell)


def _say(line: str) -> None:
    """Print a line in one piece, for helpers write to the same pipe: `print` sends its end separately."""
    print(f"{line}\n", end="", flush=True)


def _word(cell: str) -> str:
    """Class names may hold spaces; a cell in a line may not."""
    return plain("_".join(cell.split()))
