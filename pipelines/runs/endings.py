"""How a run ends before its time: a stage fails, or someone ends the command."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class StageError(Exception):
    """A stage failed: the message names it and its own error."""


class Interrupted(Exception):
    """The command was ended from outside (Ctrl-C, SIGTERM, SIGHUP); the message says how to go on."""


@contextmanager
def ended_by_signals(advice: str) -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and SIGHUP into Interrupted inside the block; in other threads than the main one do nothing.

    `advice` says how to go on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _frame: object) -> None:
        for other in previous:
            signal.signal(other, signal.SIG_IGN)  # a second Ctrl-C would leave something running
        raise Interrupted(advice)

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
